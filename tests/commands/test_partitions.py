"""Monthly partitions: made ahead in time, dropped in time, and nobody who writes or reads is told or loses anything."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from click.testing import CliRunner, Result
from sqlalchemy import make_url

from feed_service.cli import cli
from feed_service.commands import audit, audit_trail, partitions
from feed_service.commands.audit_trail import Head, Verdict
from feed_service.commands.forgetting_partitions import drop_partitions
from feed_service.commands.partitions import TooManyStrays, create_partitions, listed
from feed_service.commands.transaction import Writer
from feed_service.database import ReadDatabase
from feed_service.errors import Overloaded
from feed_service.models.partitions import CHANGES_KEPT, MONTHLY, VIEWS_KEPT, Month, is_partition
from feed_service.polling.changes import Forgotten, start, unseen
from feed_service.transactions import Statements, WriteDatabase
from feed_service.viewer import ANONYMOUS, Viewer
from tests.audit.test_trail import ANN, did
from tests.scratch import execute, scratch_database

Connection = Any
"""asyncpg has no types."""

NOW = datetime.now(UTC)
THIS = Month.of(NOW)
LATER = THIS.later(6).start
"""When all of this month has been kept for long enough."""

ZONE = "Pacific/Kiritimati"
"""14 hours ahead: there the months begin while they have not even ended on the first day here."""


@pytest_asyncio.fixture
async def url(server_url: str, template: str) -> AsyncIterator[str]:
    """A database of the test's own, whose sessions live in another time zone."""
    async with scratch_database(server_url, template) as url:
        await execute(url, f"ALTER DATABASE \"{make_url(url).database}\" SET timezone = '{ZONE}'")
        yield url


@pytest_asyncio.fixture
async def writer(url: str) -> AsyncIterator[Writer]:
    database = WriteDatabase.connect(url, pool_size=6)
    yield Writer(database, ANONYMOUS)
    await database.close()


@pytest_asyncio.fixture
async def owner(url: str) -> AsyncIterator[Connection]:
    """A connection of whoever owns the tables."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    yield connection
    await connection.close()


async def create(writer: Writer, now: datetime) -> int:
    """How many were made."""
    made = 0
    while await writer.run(create_partitions, now):
        made += 1
    return made


async def names(writer: Writer, table: str = "change_log") -> list[str]:
    return [one.name for one in await writer.run(listed) if one.table_name == table]


WRITE = """
WITH log AS (INSERT INTO change_log (at, kind, action, subject_id) VALUES ($1, 'post', 'test', $2)),
    viewed AS (INSERT INTO post_views VALUES (date_trunc('hour', $1), $2, 1))
INSERT INTO audit_events (stream, number, at, action, subject_kind, request_id, facts, hash)
    VALUES ('test', $2, $1, 'test', 'post', 'r', '{}', '')
"""
STORED = "SELECT tableoid::regclass::text, count(*) FROM {} GROUP BY 1 ORDER BY 1"


async def stored(owner: Connection) -> dict[str, int]:
    """Rows by partition."""
    return {name: n for one in MONTHLY for name, n in await owner.fetch(STORED.format(one.table))}


def test_months_are_those_of_the_calendar_in_utc() -> None:
    assert [Month(2026, 3).later(n) for n in (-2, -1, 1)] == [(2026, 1), (2026, 2), (2026, 4)]
    assert (Month(2026, 12).later(1), Month(2027, 1).later(-1), Month(2026, 8).later(-20)) == (
        (2027, 1), (2026, 12), (2024, 12)
    )  # fmt: skip
    assert (Month(2028, 3).start - Month(2028, 2).start).days == 29
    assert Month.of(datetime(2026, 3, 31, 23, 59, tzinfo=UTC)).later(1).start == datetime(2026, 4, 1, tzinfo=UTC)
    assert Month.of(datetime(2026, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))) == (2027, 1)
    months = [Month(2026, 11).later(n) for n in range(-400, 400)]
    assert all(28 <= (after.start - before.start).days <= 31 for before, after in pairwise(months))
    assert [month.later(-n) for n, month in zip(range(-400, 400), months, strict=True)] == [(2026, 11)] * 800


async def test_partitions_are_there_ahead_and_made_once(writer: Writer) -> None:
    """On the last evening of a year, in a session that is in the next one already."""
    assert await create(writer, NOW) == 0, "the migration made them"
    last_evening = datetime(THIS.year + 3, 12, 31, 23, 30, tzinfo=UTC)
    assert await create(writer, last_evening) == 4 * len(MONTHLY)
    found = await writer.run(listed)
    assert await create(writer, last_evening) == 0
    assert [one.name for one in await writer.run(listed)] == [one.name for one in found]
    assert all(is_partition(one.name) for one in found)
    made = [(one.begins_at, one.ends_at) for one in found if one.table_name == "post_views"][-5:-1]
    months = [Month(THIS.year + 3, 12).later(n) for n in range(5)]
    assert made == [(one.start, after.start) for one, after in pairwise(months)]


async def test_a_missing_partition_is_made_again_with_the_rows_that_had_no_other(
    writer: Writer, owner: Connection
) -> None:
    gap = THIS.later(3)
    for one in MONTHLY:
        await owner.execute(f"DROP TABLE IF EXISTS {one.named(gap)}")
    for number, at in enumerate((NOW, gap.start, gap.later(1).start - timedelta(microseconds=1), gap.later(40).start)):
        await owner.execute(WRITE, at, number)
    for one in MONTHLY:
        assert (await stored(owner))[one.default] >= 2
    assert await create(writer, NOW) >= 2 * len(MONTHLY)
    for one in MONTHLY:
        found = {name: n for name, n in (await stored(owner)).items() if name.startswith(one.table)}
        assert one.default not in found
        assert sum(found.values()) == 4
        assert (found[one.named(gap)], found[one.named(gap.later(40))]) == (2, 1)
    new = f"audit_events_{gap.year}_{gap.number:02}"
    for refused in ("UPDATE {} SET action = ''", "DELETE FROM {}", "TRUNCATE {}"):
        for table in ("audit_events", new, "audit_events_default"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await owner.execute(refused.format(table))


async def test_writers_lose_nothing_while_partitions_come_and_go(writer: Writer, owner: Connection, url: str) -> None:
    """They write what has no partition yet and is being moved, and read all of it; the oldest month goes meanwhile."""
    old = Month.of(NOW - VIEWS_KEPT).later(-1)
    for table in [one.name for one in await writer.run(listed) if not one.is_default]:
        await owner.execute(f"DROP TABLE {table}")
    await create(writer, old.start)
    await owner.execute(WRITE, old.start, 1)
    has_begun, is_over, written = asyncio.Event(), asyncio.Event(), 0

    async def write(number: int) -> None:
        nonlocal written
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        while not is_over.is_set():
            number += 10
            await connection.execute(WRITE, NOW, number)
            written += 1
            if written >= 20:
                has_begun.set()
            committed = written
            count = await connection.fetchval("SELECT count(*) FROM audit_events WHERE subject_kind = 'post'")
            assert count > committed, "the one of the old month, and what was committed, wherever it is"
        await connection.close()

    async def upkeep() -> None:
        await has_begun.wait()
        for work in (create_partitions, drop_partitions):
            is_more = True
            while is_more:
                try:
                    is_more = await writer.run(work, NOW)
                except Overloaded:
                    await asyncio.sleep(0.01)
        is_over.set()

    await asyncio.wait_for(asyncio.gather(upkeep(), *(write(number) for number in range(2, 6))), 30)
    found = await stored(owner)
    assert {one.table: found.get(one.named(THIS)) for one in MONTHLY} == {one.table: written for one in MONTHLY}
    assert (MONTHLY[0].named(old) in found, MONTHLY[1].named(old) in found) == (False, True), "the trail is kept"


async def test_who_is_in_the_way_is_not_waited_for(
    writer: Writer, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "BRIEFLY", "10ms")
    before = await names(writer)
    async with owner.transaction():
        await owner.fetch("SELECT FROM post_views")
        with pytest.raises(Overloaded, match="in use"):
            await writer.run(create_partitions, LATER)
    monkeypatch.setattr(partitions, "MOST_MOVED_BYTES", 0)
    await owner.execute(WRITE, LATER, 1)
    with pytest.raises(TooManyStrays, match=r"_default holds .*--ensure"):
        await create(writer, LATER)
    assert await names(writer) == before
    assert await writer.run(create_partitions, LATER, is_patient=True)


async def test_pollers_are_told_exactly_what_went_with_a_partition(writer: Writer, owner: Connection, url: str) -> None:
    reading = ReadDatabase.connect(url, pool_size=1)
    ends_at = next(one.ends_at for one in await writer.run(listed) if one.table_name == "change_log")
    assert ends_at is not None
    before = await start(reading)
    await owner.execute(WRITE, NOW, 1)
    after = await start(reading)
    await owner.execute(WRITE, ends_at, 2)
    kept_until = ends_at + CHANGES_KEPT
    assert not await writer.run(drop_partitions, kept_until - timedelta(seconds=1))
    assert await writer.run(drop_partitions, kept_until)
    assert [row.subject_id for row in (await unseen(reading, after, 10)).events] == [2]
    with pytest.raises(Forgotten):
        await unseen(reading, before, 10)
    await reading.close()


async def test_chains_are_whole_from_where_the_trail_was_dropped(
    writer: Writer, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def verified(*noted: Head) -> Verdict:
        return await writer.database.transact(lambda sql: audit_trail.verify(sql, noted), isolation="repeatable_read")

    async def heads(sql: Statements) -> list[Head]:
        return [head async for head in audit_trail.heads(sql)]

    ann, old = Writer(writer.database, Viewer(ANN)), THIS.later(-3)
    await owner.execute(f"DROP TABLE {(await names(writer, 'audit_events'))[0]}")
    await create(writer, old.start)
    await create(writer, NOW)
    with monkeypatch.context() as then:
        then.setattr(audit, "datetime", SimpleNamespace(now=lambda _: old.start))
        await ann.run(did, "a1", "a2", "a3")
    noted = await writer.database.transact(heads)
    row = await owner.fetchrow("SELECT * FROM audit_events WHERE number = 2")
    while await writer.run(drop_partitions, NOW):
        pass
    assert await verified(*noted) == Verdict(3, []), "it is kept for ever unless it is asked for"
    while await writer.run(drop_partitions, NOW, audit_months=1):
        pass
    assert await verified(*noted) == Verdict(2, [], 3), "the trail tells of two months that went"
    await ann.run(did, "a4", "a5")
    insert = "INSERT INTO audit_events VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    await owner.execute(insert, *row)
    assert await create(writer, NOW) == 1
    assert await verified(*noted) == Verdict(4, [], 3), "what is still there of before, or again, is passed over"

    last = await owner.fetchrow("SELECT * FROM audit_events WHERE number = 5")
    await owner.execute(insert, *(value if name != "at" else LATER for name, value in last.items()))
    assert [str(fault) for fault in (await verified()).faults] == [f"user:{ANN}, event 5: there more than once"]
    await owner.execute("ALTER TABLE audit_events DISABLE TRIGGER USER; DELETE FROM audit_events WHERE number = 4")
    assert f"user:{ANN}, event 4: missing, up to event 4" in [str(fault) for fault in (await verified()).faults]


def test_the_command_lists_partitions_and_sees_to_them(empty_database_url: str) -> None:
    def run(*words: str) -> Result:
        return CliRunner().invoke(cli, ["partitions", *words], env={"DATABASE_URL": empty_database_url})

    shown = run("--ensure")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert [line.split()[0] for line in shown.stdout.splitlines() if "default" in line] == sorted(
        one.default for one in MONTHLY
    )
    assert run().stdout == shown.stdout
    assert run("--audit-months", "3").exit_code == 2
