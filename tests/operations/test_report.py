"""The database report: what is planted is told, with its figures; what keeps a rule is never named for dropping."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from click.testing import CliRunner

from feed_service.cli_report import report_command, written
from feed_service.database import create_engine
from feed_service.operations import connections, rules_running
from feed_service.operations.advice import Advice
from feed_service.operations.indexes import Indexes
from feed_service.operations.report import Report, Wanted, report
from feed_service.operations.sizes import Sizes
from feed_service.operations.slow_statements import SlowStatements
from tests.operations.planted import (
    FAR_MONTH,
    NASTY,
    SLOW_NAME,
    plant,
    role_with,
    run_slow,
    stuck_and_blocked,
)
from tests.scratch import execute

WANTED = Wanted(least_age=timedelta())


@pytest_asyncio.fixture(scope="module")
async def planted_url(module_database_url: str) -> str:
    await plant(module_database_url)
    await run_slow(module_database_url)
    return module_database_url


@pytest_asyncio.fixture(scope="module")
async def seen(planted_url: str) -> AsyncIterator[tuple[Report, tuple[int, int]]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "STUCK_S", 0.1)
        patch.setattr(rules_running, "BLOCKED_S", 0.1)
        async with stuck_and_blocked(planted_url) as pids:
            yield await report(planted_url, WANTED), pids


def told(seen: Report, *words: str) -> Advice:
    """The one line of advice whose sentence has all the words."""
    found = [line for line in seen.advice if all(word in line.what for word in words)]
    assert len(found) == 1, [line.what for line in seen.advice]
    return found[0]


def test_a_slow_statement_is_told_with_its_name_and_operation(seen: tuple[Report, Any]) -> None:
    statements = seen[0].statements
    assert isinstance(statements, SlowStatements)
    (slow,) = [each for each in statements.statements if SLOW_NAME in each.names]
    assert (slow.calls, slow.operations, slow.rows_per_call) == (2, ["Slow"], 1)
    assert 150 <= slow.mean_ms <= slow.longest_ms < 1_000
    assert slow.text.startswith("SELECT pg_sleep($1::float8), count(*) FROM tags WHERE slug = $2")
    assert "2 calls" in told(seen[0], "A statement is slow", SLOW_NAME).evidence
    assert statements.since is not None, "since the snapshot that upkeep has kept"
    assert not any("CREATE TABLE" in each.text for each in statements.statements), "that was before it"


PLANTED = [
    (("large_unused was not used",), "notice", "0 uses"),
    (("large_b_", "is the same as large_b_"), "warning", "0 uses"),
    (("large_beginning is the beginning of large_b_",), "notice", "0 uses"),
    (("large_like_unique is the same as uq_large_a",), "warning", "0 uses"),
    (("large_invalid is not valid",), "warning", "on large"),
    (("The foreign key large_parent_id_fkey",), "notice", "about 20,000 rows"),
    (("large is read as a whole",), "warning", "since the statistics began; it has about 20,000 rows"),
    (("Stored numbers were wrong: post_stats.like_count",), "warning", "1 row since"),
    (("audit_events has no partition for", f"{FAR_MONTH.year}-{FAR_MONTH.number:02}"), "critical", "default"),
    (("Rows of post_views lie in its default partition",), "warning", "post_views_default"),
    (("planted late (job", "is late"), "warning", "2.0 h ago"),
    (("planted failure (job", "fails"), "warning", "5 attempts, 0 failures; the last: it broke on ?"),
    (("Requests waited for a connection (read)",), "warning", "4 times, 2.5 s"),
    (("Slow runs a statement again and again (N+1) at tags.posts",), "warning", "in 7 runs"),
    (("A target is missed: p95 of operations",), "warning", "≤ 250 ms, where ≤ 100 ms"),
    (("A target is missed: p95 of statements",), "warning", "≤ 250 ms, where ≤ 50 ms"),
    (("A target is missed: statements above 100 ms",), "warning", "100 %, where ≤ 5 %"),
    (("A target is missed: errors, for each operation",), "warning", "5.00 %, where ≤ 1 %"),
    (("A target is missed: fullest pool",), "warning", "100 %, where ≤ 80 %"),
]
"""(words of the sentence, severity, what its evidence says)."""


@pytest.mark.parametrize(("words", "severity", "evidence"), PLANTED, ids=[each[0][0][:40] for each in PLANTED])
def test_what_is_planted_is_told(
    seen: tuple[Report, Any], words: tuple[str, ...], severity: str, evidence: str
) -> None:
    line = told(seen[0], *words)
    assert (line.severity, evidence in line.evidence) == (severity, True), line
    assert line.remedy


def test_who_is_stuck_and_whom_they_block_is_told(seen: tuple[Report, tuple[int, int]]) -> None:
    found, (stuck, blocked) = seen
    assert "idle in transaction for" in told(found, "A transaction is stuck", str(stuck)).evidence
    line = told(found, f"Session {blocked} waits for a lock that {stuck}")
    assert f"pg_terminate_backend({stuck})" in line.remedy
    assert line.evidence.startswith("For ")


def test_nothing_that_keeps_a_rule_is_named_for_dropping(seen: tuple[Report, Any]) -> None:
    dropped = [line.remedy for line in seen[0].advice if "DROP INDEX" in line.remedy]
    assert len(dropped) == 7
    for name in ("pk_", "uq_", "_pkey", "_key"):
        assert not [remedy for remedy in dropped if name in remedy.partition("DROP INDEX")[2]]


def test_the_indexes_of_the_service_tell_the_query_they_are_there_for(seen: tuple[Report, Any]) -> None:
    found = seen[0].indexes
    assert isinstance(found, Indexes)
    unused = {index.name: index.serves for index in found.unused or ()}
    assert unused["ix_posts_drafts"] == "posts.drafts_of"
    assert "ix_mutes_muted" not in unused, "a foreign key needs it"
    assert "Nothing: they cost little" in told(seen[0], "of the service not used so far").remedy


async def test_young_statistics_judge_no_index(planted_url: str) -> None:
    found = await report(planted_url)
    assert "Unused indexes are not judged" in written(found, "markdown")
    assert not [line for line in found.advice if "was not used" in line.what]


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not {"src", "href"} & {name for name, value in attrs if not (value or "").startswith("#")}
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Such as <circle/>."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_runs_nothing(seen: tuple[Report, Any]) -> None:
    page, reader = written(seen[0], "html"), Balance()
    reader.feed(page)
    assert reader.open == []
    assert {"svg", "table", "style"} <= reader.seen
    assert not {"script", "link", "img", "b", "iframe"} & reader.seen
    assert "other.nasty &lt;b&gt;" in page
    assert "other.&quot;&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_every_form_tells_the_same(seen: tuple[Report, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # In a narrow terminal, long names are broken.
    data = orjson.loads(written(seen[0], "json"))
    assert NASTY in {table["name"] for table in data["sizes"]["tables"]}
    assert "\\<script\\>" in written(seen[0], "markdown")
    terminal = written(seen[0], "terminal")
    for part in ("[advice]", "[statements]", "[drift]", "[partitions]", "▁", NASTY.partition(" ")[0]):
        assert part in terminal
    assert "a secret" not in written(seen[0], "html") + written(seen[0], "markdown") + terminal


async def test_a_locked_table_is_left_out_and_nobody_is_waited_for(planted_url: str) -> None:
    engine = create_engine(planted_url, pool_size=1)
    async with engine.connect() as connection:
        await connection.exec_driver_sql("LOCK TABLE large IN ACCESS EXCLUSIVE MODE")
        found = await report(planted_url, WANTED)
    await engine.dispose()
    assert isinstance(found.indexes, Indexes)
    assert isinstance(found.sizes, Sizes)
    assert found.indexes.left_out == ["large"]
    assert not [line.what for line in found.advice if "large" in line.what and line.part == "indexes"]
    assert [(table.name, table.heap_bytes) for table in found.sizes.tables if table.is_locked] == [("large", None)]
    assert "large (locked: not measured)" in written(found, "markdown").replace("\\", "")


def test_the_command_writes_a_file_and_looks_twice(
    planted_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", planted_url)
    words = ["--format", "json", "--output", str(tmp_path / "report.json"), "--wait", "0.2s", "--window", "1h"]
    result = CliRunner().invoke(report_command, words)
    assert (result.exit_code, result.output) == (0, "")
    statements = orjson.loads((tmp_path / "report.json").read_bytes())["statements"]
    since, until = (datetime.fromisoformat(statements[name]) for name in ("since", "until"))
    assert timedelta(seconds=0.2) <= until - since < timedelta(seconds=30)
    assert SLOW_NAME not in str(statements), "it did not run in between"


def test_a_wrong_duration_is_refused() -> None:
    result = CliRunner().invoke(report_command, ["--window", "soon"])
    assert result.exit_code == 2
    assert "write 10s, 15min, 1h or 7d" in result.output


async def test_a_role_that_may_only_read_tables_is_told_what_it_misses(planted_url: str) -> None:
    name = "reads_tables"
    grants = (f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}", f"GRANT USAGE ON SCHEMA public TO {name}")
    url = await role_with(planted_url, name, *grants)
    try:
        found = await report(url, WANTED)
    finally:
        await execute(planted_url, f"DROP OWNED BY {name}")
        await execute(planted_url, f"DROP ROLE {name}")
    assert isinstance(found.statements, SlowStatements)
    assert "statements of other roles are hidden" in str(found.statements.obstacle)
    assert "are gone" not in str(found.statements.notes), "they are hidden"
    assert found.statements.remedy == f"GRANT pg_read_all_stats TO {name};"
    assert [line for line in found.advice if "is not known" in line.what] == []
    assert told(found, "large_b_", "is the same as")


async def test_a_role_that_may_do_nothing_gets_what_anybody_may_know(planted_url: str) -> None:
    url = await role_with(planted_url, "reads_nothing")
    try:
        found = await report(url, WANTED)
    finally:
        await execute(planted_url, "DROP ROLE reads_nothing")
    reasons = {line.part: line.evidence for line in found.advice if "is not known" in line.what}
    assert set(reasons) == {"operations", "jobs", "drift"}
    assert all("the role lacks the privilege (42501" in reason for reason in reasons.values())
    assert {target.measured for target in found.targets} == {"not measured"}
    assert told(found, "large_b_", "is the same as")
    assert written(found, "terminal")


async def test_without_the_extension_all_else_is_told(database_url: str) -> None:
    found = await report(database_url)
    assert isinstance(found.statements, SlowStatements)
    assert (found.statements.obstacle, found.statements.statements) == (
        "The extension pg_stat_statements is loaded, but not created in this database.", (),
    )  # fmt: skip
    assert told(found, "PostgreSQL's own times of statements").remedy.startswith("CREATE EXTENSION")
    assert "pg_stat_statements" in written(found, "terminal")
