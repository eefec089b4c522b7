"""What a plan is said to be, on planted tables: its faults by name, and never a value that it was run with."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from feed_service.database import create_engine, open_driver
from feed_service.operations.explained_reads import ExplainedReads
from feed_service.operations.explaining import NoPlan, PlanFinder, PlanReader, reading_plans
from feed_service.operations.explanations import ExplainedStatement, explained_statements
from feed_service.operations.plans import plan_of
from feed_service.operations.runs import Run
from feed_service.operations.verdicts import Kind
from feed_service.rows import row_class
from feed_service.statements import Reading, Statement
from feed_service.watching import AT, WATCH, Watch

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLANT = """
    CREATE TABLE large AS SELECT n AS id, n % 10 AS a, n % 10 AS b, n % 10 AS c, repeat(md5(n::text), 10) AS pad
        FROM generate_series(1, 20000) AS n;
    CREATE UNIQUE INDEX ON large (id);
    CREATE TABLE small AS SELECT n AS id FROM generate_series(1, 50) AS n;
    CREATE TABLE written (id int);
    CREATE FUNCTION write_it() RETURNS int LANGUAGE sql AS 'INSERT INTO written VALUES (1) RETURNING 1';
    CREATE FUNCTION write_slyly() RETURNS int LANGUAGE plpgsql AS
        'BEGIN SET LOCAL transaction_read_only = off; INSERT INTO written VALUES (1); RETURN 1; END';
    ANALYZE large, small
"""

SECRET = "nobody-may-read-this"
SLEEPY = "WITH late AS MATERIALIZED (SELECT pg_sleep($1) FROM small LIMIT 1) SELECT FROM late"
MISJUDGED = "SELECT id FROM large WHERE a = $1 AND b = $2 AND c = $3"

VERDICTS: dict[str, tuple[str, list[Any], set[Kind]]] = {
    "one row": ("SELECT pad FROM large WHERE id = $1", [7], set()),
    "a batch": ("SELECT pad FROM large WHERE id = ANY ($1::int[])", [list(range(1, 13))], set()),
    "many keys": ("SELECT * FROM unnest($1::int[])", [list(range(900))], set()),
    "a page": ("SELECT id FROM large ORDER BY id DESC LIMIT 20", [], set()),
    "a page that is not full": (
        "SELECT * FROM (SELECT pad FROM large WHERE id > $1 ORDER BY id LIMIT 1001) AS page JOIN small ON small.id > 0",
        [20_000], set(),
    ),
    "less than expected": (
        "SELECT count(*) FROM (SELECT id FROM large WHERE id > $1 OFFSET 0) AS rest", [20_000], {Kind.MISESTIMATE},
    ),
    "a small table": ("SELECT id FROM small WHERE id + 0 = $1", [1], set()),
    "no index": ("SELECT id FROM large WHERE pad = $1", [SECRET], {Kind.SEQUENTIAL_SCAN}),
    "a whole index": ("SELECT id FROM large WHERE id + 0 = $1 ORDER BY id", [1], {Kind.SEQUENTIAL_SCAN}),
    "columns that agree": (MISJUDGED, [3, 3, 3], {Kind.SEQUENTIAL_SCAN, Kind.MISESTIMATE}),
    "a sort": ("SELECT id FROM large ORDER BY pad", [], {Kind.SEQUENTIAL_SCAN, Kind.SPILL}),
    "a hash": ("SELECT count(*) FROM large AS x JOIN large AS y USING (pad)", [], {Kind.SEQUENTIAL_SCAN, Kind.SPILL}),
    "groups": ("SELECT pad, count(*) FROM large GROUP BY pad", [], {Kind.SEQUENTIAL_SCAN, Kind.SPILL}),
    "a filter": (
        "SELECT id FROM large WHERE id BETWEEN $1 AND $2 AND pad = $3", [1, 5_000, SECRET], {Kind.DISCARDED},
    ),
    "a slow one": (SLEEPY, [0.2], {Kind.SLOW}),
    "a write": ("SELECT write_it()", [], {Kind.REFUSED}),
    "a sly write": ("SELECT write_slyly()", [], {Kind.REFUSED}),
    "no table": ("SELECT id FROM nowhere", [], {Kind.REFUSED}),
    "a long one": ("SELECT pg_sleep($1)", [60.0], {Kind.OVER_TIME}),
}  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def planted_url(module_database_url: str) -> AsyncIterator[str]:
    engine = create_engine(module_database_url, pool_size=1)
    async with engine.connect() as connection:
        await (await open_driver(connection)).execute(PLANT)
    yield module_database_url
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def plans(planted_url: str) -> AsyncIterator[PlanReader]:
    async with reading_plans(planted_url, limit_s=0.4) as plans:
        await plans.driver.execute("SET work_mem = '256kB'")
        yield plans


async def explained(plans: PlanReader, *runs: Run, is_analyzed: bool = True) -> ExplainedStatement:
    (found,) = await explained_statements(plans, runs, is_analyzed=is_analyzed, shows_values=False)
    return found


def run_of(text: str, values: list[Any], seconds: float = 0.001) -> Run:
    return Run("tests.planted", "1a2b3c4d", text, values, seconds, 1, "feed")


@pytest.mark.parametrize("case", VERDICTS)
async def test_each_fault_has_its_verdict_and_no_value_is_shown(plans: PlanReader, case: str) -> None:
    text, values, verdicts = VERDICTS[case]
    found = await explained(plans, run_of(text, values, 0.2 if Kind.SLOW in verdicts else 0.001))
    assert {verdict.kind for verdict in found.verdicts} == verdicts, found
    assert SECRET not in str(asdict(found))
    if Kind.OVER_TIME in verdicts or case == "a write":
        assert found.plan is not None
        assert not found.plan.is_analyzed, "its plan is told without figures"


async def test_of_a_slow_statement_the_step_is_named(plans: PlanReader) -> None:
    text, values, _ = VERDICTS["a slow one"]
    (verdict,) = (await explained(plans, run_of(text, values, 0.2))).verdicts
    assert "Seq Scan on small" in verdict.evidence


async def test_what_explain_runs_writes_nothing(plans: PlanReader) -> None:
    for text in ("SELECT write_it()", "SELECT write_slyly()", "INSERT INTO written VALUES (1) RETURNING id"):
        assert (await explained(plans, run_of(text, []))).verdicts
    assert await plans.driver.fetchval("SELECT count(*) FROM written") == 0


async def test_a_plan_that_is_not_run_is_judged_by_the_size_of_its_tables(plans: PlanReader) -> None:
    kinds = {}
    for case in ("one row", "a batch", "a page", "a small table", "no index", "a long one"):
        text, values, _ = VERDICTS[case]
        found = await explained(plans, run_of(text, values), is_analyzed=False)
        assert found.plan is not None
        assert not found.plan.is_analyzed
        kinds[case] = [verdict.kind for verdict in found.verdicts]
    assert {case for case, found in kinds.items() if found} == {"no index"}
    assert kinds["no index"] == [Kind.SEQUENTIAL_SCAN]


GIVEN: list[tuple[str, Any]] = [
    ("bigint", -(2**63)),
    ("bigint[]", [1, None, 2**62]),
    ("text", "'); DROP TABLE large; -- \" \\ $1 \n {,} é"),
    ("text", ""),
    ("text[]", ["a,b", '"', "{}", "", "NULL", None, "\\"]),
    ("bytea", bytes(range(256))),
    ("timestamptz", datetime(2026, 3, 29, 1, 2, 3, 456789, tzinfo=UTC)),
    ("timestamptz", datetime.max.replace(tzinfo=UTC)),
    ("float8", 0.1 + 0.2),
    ("boolean", False),
    ("jsonb", '{"a": "\'"}'),
    ("text", None),
]


async def test_values_arrive_as_they_were_sent_whatever_they_are(plans: PlanReader) -> None:
    columns = [f"v{n}" for n in range(len(GIVEN))]
    pairs = ", ".join(f"{column} {kind}" for column, (kind, _) in zip(columns, GIVEN, strict=True))
    same = " AND ".join(f"{column} IS NOT DISTINCT FROM ${n}" for n, column in enumerate(columns, 1))
    values = [value for _, value in GIVEN]
    await plans.driver.execute("SET default_transaction_read_only = off")
    await plans.driver.execute(f"CREATE TEMPORARY TABLE given ({pairs})")
    await plans.driver.execute(f"INSERT INTO given VALUES ({', '.join(f'${n}' for n in range(1, 13))})", *values)  # noqa: S608 - of our own.
    found = await plans.analyzed(f"SELECT 1 FROM given WHERE {same}", values)  # noqa: S608 - as above.
    await plans.driver.execute("SET default_transaction_read_only = on")
    assert found.trouble is None
    assert found.plan.root.rows == 1
    assert "DROP" not in str(asdict(found.plan))


async def test_the_plan_is_the_one_for_any_values_which_is_served(plans: PlanReader) -> None:
    text = "SELECT id FROM large WHERE id < $1"
    served = await plans.analyzed(text, [1])
    assert served.plan.root.estimated == pytest.approx(20_000 / 3, rel=0.01), "a third, as of values nobody knows"
    assert served.plan.root.rows == 0
    assert served.plan.root.conditions in {("Filter: (id < $1)",), ("Index Cond: (id < $1)",)}
    assert (await plans.plan(text)).fingerprint == served.plan.fingerprint
    other = await plans.plan("SELECT id FROM large WHERE a = $1")
    assert other.fingerprint != served.plan.fingerprint


async def test_writes_have_plans_too_unless_they_are_no_queries(planted_url: str) -> None:
    finder = PlanFinder(planted_url)
    assert await finder.fingerprint_of("UPDATE written SET id = $1") != await finder.fingerprint_of(
        "DELETE FROM written"
    )
    with pytest.raises(NoPlan):
        await finder.fingerprint_of("COMMIT")


async def test_the_same_statement_for_each_row_is_told_with_its_field(planted_url: str, plans: PlanReader) -> None:
    columns = row_class(["pad"], None, None)
    engine = create_engine(planted_url, pool_size=1).execution_options(isolation_level="AUTOCOMMIT")
    database = ExplainedReads(engine, 1)
    WATCH.set(watch := Watch("test", is_recorded=True))
    for path, times in {"feed.edges.node.author": 6, "feed": 5}.items():
        AT.set(path)
        for number in range(times):
            await database.rows(
                Reading(Statement("SELECT pad FROM large WHERE id = $1", ("id",), {"id": number}), columns, None)
            )
    await database.close()
    found = await explained(plans, *database.runs(watch))
    assert [(asking.path, asking.times) for asking in found.asked_by] == [("feed.edges.node.author", 6), ("feed", 5)]
    (verdict,) = found.verdicts
    assert verdict.kind is Kind.N_PLUS_ONE
    assert "feed.edges.node.author asked 6 times" in verdict.evidence
    assert found.runs == 11
    assert found.values is None


def of(kind: str, *parts: dict[str, Any], relation: str = "", rows: int = 1) -> dict[str, Any]:
    """A step as EXPLAIN tells it."""
    return {"Node Type": kind, "Plan Rows": rows, "Plans": list(parts), "Relation Name": relation}


def months(*names: str) -> dict[str, Any]:
    return of("Append", *(of("Seq Scan", relation=f"change_log_{name}") for name in names))


SHAPES = {
    "another estimate": (of("Seq Scan", relation="posts"), of("Seq Scan", relation="posts", rows=9), True),
    "another table": (of("Seq Scan", relation="posts"), of("Seq Scan", relation="users"), False),
    "another step": (of("Sort", of("Result")), of("Sort", of("Result"), of("Result")), False),
    "another month": (months("2026_11", "2026_12"), months("2026_12", "2027_01", "2027_02"), True),
}


@pytest.mark.parametrize("case", SHAPES)
async def test_the_fingerprint_is_of_the_shape(case: str) -> None:
    first, second, is_same = SHAPES[case]
    assert (plan_of({"Plan": first}).fingerprint == plan_of({"Plan": second}).fingerprint) is is_same
