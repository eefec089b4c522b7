"""The stream itself: one snapshot, a right trailer, an end at every fault, and as much memory as a few chunks."""

import asyncio
import tracemalloc

import pytest
from sqlalchemy import func

from feed_service import models
from feed_service.errors import RateLimited, Unavailable
from feed_service.exports.source import Source
from feed_service.exports.stream import AT_ONCE, ExportDatabase
from feed_service.exports.tables import table
from feed_service.queries.exports import Section
from tests.exports.reading import exported, key_of, read
from tests.imports.running import fetch
from tests.scratch import execute

MANY = "INSERT INTO external_ids SELECT 'made', 'row', lpad(n::text, 30, '0'), n FROM generate_series(1, {}) AS n"
BUSY = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"
END = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'
"""
MAX_GROWTH_BYTES = 8_000_000


class Broken(Exception):
    """What a client that leaves does to its export."""


class Reader:
    """Takes some of the chunks, and then no more."""

    def __init__(self, chunks: int) -> None:
        self.chunks = chunks
        self.body = b""

    async def __call__(self, lines: bytes) -> None:
        if not self.chunks:
            raise Broken
        self.chunks -= 1
        self.body += lines


class Dreamer(Reader):
    """Takes some of the chunks, and then neither more nor leave."""

    def __init__(self, chunks: int) -> None:
        super().__init__(chunks)
        self.asleep = asyncio.Event()

    async def __call__(self, lines: bytes) -> None:
        if not self.chunks:
            self.asleep.set()
            await asyncio.Event().wait()
        await super().__call__(lines)


async def ignore(_: bytes) -> None:
    """A client that reads everything and keeps nothing."""


async def test_all_rows_are_as_they_were_at_the_beginning(empty_database_url: str, exports: ExportDatabase) -> None:
    await execute(empty_database_url, MANY.format(20_000))
    before = await exported(exports, table("external_ids"))
    body: list[bytes] = []

    async def meddle(lines: bytes) -> None:
        """After the header, and again amid the rows, other transactions change everything."""
        body.append(lines)
        if len(body) in {1, 3}:
            await execute(empty_database_url, "UPDATE external_ids SET local_id = local_id + 1")
            await execute(empty_database_url, "DELETE FROM external_ids WHERE local_id % 2 = 0")
            await execute(empty_database_url, "INSERT INTO external_ids SELECT 'late', '', now()::text, 0")

    await exports.export(table("external_ids"), meddle)
    assert len(body) > 10
    assert read(b"".join(body)).rows == before.rows
    assert (await exported(exports, table("external_ids"))).rows != before.rows


async def test_a_cut_export_goes_on_behind_its_last_whole_line(
    empty_database_url: str, exports: ExportDatabase
) -> None:
    await execute(empty_database_url, MANY.format(20_000))
    whole = await exported(exports, table("external_ids"))
    rows, cut = [], None
    for chunks in (2, 3, 7):
        reader = Reader(chunks)
        with pytest.raises(Broken):
            await exports.export(table("external_ids"), reader, after=cut)
        part = read(reader.body[:-5])
        assert part.trailer is None
        rows += part.rows
        cut = key_of(part.rows[-1])
    rest = await exported(exports, table("external_ids"), after=cut)
    assert rest.trailer
    assert rest.trailer["rows"] == 20_000 - len(rows)
    assert [*rows, *rest.rows] == whole.rows


async def test_whoever_leaves_frees_the_connection_at_once(empty_database_url: str, exports: ExportDatabase) -> None:
    await execute(empty_database_url, MANY.format(20_000))
    for chunks in range(AT_ONCE * 3):
        with pytest.raises(Broken):
            await exports.export(table("external_ids"), Reader(chunks))
    assert await fetch(empty_database_url, BUSY) == [(0,)]
    assert (await exported(exports, table("external_ids"))).trailer


async def test_a_cancelled_export_frees_the_connection_at_once(
    empty_database_url: str, exports: ExportDatabase
) -> None:
    await execute(empty_database_url, MANY.format(20_000))
    for chunks in range(AT_ONCE * 3):
        reader = Dreamer(chunks)
        export = asyncio.ensure_future(exports.export(table("external_ids"), reader))
        await reader.asleep.wait()
        export.cancel()
        with pytest.raises(asyncio.CancelledError):
            await export
    assert await fetch(empty_database_url, BUSY) == [(0,)]
    assert (await exported(exports, table("external_ids"))).trailer


async def test_postgres_stops_looking_for_rows_when_nobody_waits_for_them(
    empty_database_url: str, exports: ExportDatabase
) -> None:
    """It has nothing to write meanwhile by which it would notice."""
    await execute(empty_database_url, MANY.format(1))
    rows = models.ExternalId.__table__
    section = Section("slow", rows, [rows.c.local_id], [func.pg_sleep(30).label("slow")])
    reader = Dreamer(1)
    export = asyncio.ensure_future(exports.export(Source("slow", {}, [section]), reader))
    async with asyncio.timeout(10):
        while await fetch(empty_database_url, BUSY) != [(1,)]:
            assert not export.done()
        export.cancel()
        with pytest.raises(asyncio.CancelledError):
            await export
        while await fetch(empty_database_url, BUSY) != [(0,)]:
            pass


async def test_a_server_that_ends_the_connection_ends_the_export(
    empty_database_url: str, exports: ExportDatabase
) -> None:
    await execute(empty_database_url, MANY.format(20_000))
    body: list[bytes] = []

    async def cut(lines: bytes) -> None:
        body.append(lines)
        if len(body) == 3:
            await execute(empty_database_url, END)

    with pytest.raises(Unavailable):
        await exports.export(table("external_ids"), cut)
    assert read(b"".join(body)).trailer is None
    assert (await exported(exports, table("external_ids"))).trailer


async def test_a_user_has_one_export_at_a_time_whichever_process_is_asked(
    empty_database_url: str, exports: ExportDatabase
) -> None:
    other_process = ExportDatabase.connect(empty_database_url)
    refused: list[type[Exception]] = []

    async def ask_again(_: bytes) -> None:
        for database, user_id in ((exports, 7), (other_process, 7), (other_process, 8)):
            try:
                await database.export(table("tags"), ignore, user_id=user_id)
            except RateLimited as error:
                refused.append(type(error))

    await exports.export(table("tags"), ask_again, user_id=7)
    await other_process.close()
    assert refused == [RateLimited] * 4, "twice each, at the header and at the trailer, and never user 8"
    assert await exports.export(table("tags"), ignore, user_id=7) == 0


async def test_memory_stays_flat_however_slowly_the_rows_are_taken(
    empty_database_url: str, exports: ExportDatabase
) -> None:
    await execute(empty_database_url, MANY.format(200_000))
    await exports.export(table("tags"), ignore)
    size = 0

    async def dawdle(lines: bytes) -> None:
        """Between two chunks, the loop has time to read whatever PostgreSQL could send."""
        nonlocal size
        size += len(lines)
        for _ in range(3):
            await asyncio.sleep(0)

    tracemalloc.start()
    try:
        assert await exports.export(table("external_ids"), dawdle) == 200_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 4 * MAX_GROWTH_BYTES
    assert peak < MAX_GROWTH_BYTES
