"""Snapshots of another history are never compared: whoever finds that the history is another renews the epoch."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from feed_service.database import create_engine
from feed_service.errors import Unavailable
from feed_service.imports.demo import load_demo
from feed_service.polling import epochs
from feed_service.polling.epochs import Outdated
from feed_service.polling.snapshots import Snapshot
from feed_service.polling.tail import Event, Tail
from tests.polling.processes import processes

Another = Callable[[], Tail]

KILL = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = $2 AND query ILIKE $1
"""


@pytest_asyncio.fixture
async def another(empty_database_url: str) -> AsyncIterator[Another]:
    async with processes(empty_database_url) as another:
        yield another


async def connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def connection(empty_database_url: str) -> AsyncIterator[Any]:
    async for connection in connected(empty_database_url):
        yield connection


@pytest_asyncio.fixture
async def killer(empty_database_url: str) -> AsyncIterator[Any]:
    async for connection in connected(empty_database_url):
        yield connection


async def test_of_many_processes_that_start_at_once_one_stores_the_epoch(another: Another, connection: Any) -> None:  # noqa: ANN401 - asyncpg's.
    standings = await asyncio.gather(*(another().caught_up(0) for _ in range(5)))
    assert {standing.epoch for standing in standings} == {await connection.fetchval("SELECT epoch FROM feed_epoch")}
    assert {standing.number for standing in standings} == {1}


async def test_an_import_begins_another_epoch_in_every_process(another: Another, empty_database_url: str) -> None:
    tails, told = [another(), another()], list[Sequence[Event] | None]()
    before = [await tail.caught_up(0) for tail in tails]
    tails[0].listen(told.append)
    engine = create_engine(empty_database_url, pool_size=1)
    assert await load_demo(engine, datetime.now(UTC)) is not None
    await engine.dispose()
    after = await asyncio.gather(*(tail.caught_up(0) for tail in tails))
    assert len({standing.epoch for standing in [*before, *after]}) == 2
    assert after[0].number > before[0].number
    assert tails[0].since(before[0].snapshot, before[0].clock_us) is None
    assert told == [None]


async def test_another_timeline_is_found_when_the_connection_is_lost(another: Another, connection: Any) -> None:  # noqa: ANN401 - asyncpg's.
    first, second = another(), another()
    before = await first.caught_up(0)
    assert (await second.caught_up(0)).epoch == before.epoch
    await connection.execute("UPDATE feed_epoch SET timeline = timeline + 1")
    assert (await first.caught_up(0)).epoch == before.epoch, "the same connection has the same server"
    await connection.fetch(KILL, "%pg_current_snapshot%", "idle")
    renewed = await asyncio.gather(first.caught_up(0), second.caught_up(0))
    assert {standing.epoch for standing in renewed} == {await connection.fetchval("SELECT epoch FROM feed_epoch")}
    assert before.epoch not in {standing.epoch for standing in renewed}


async def test_a_server_that_went_back_is_found_by_its_transactions(another: Another) -> None:
    tail = another()
    before = await tail.caught_up(0)
    tail._standing = before._replace(snapshot=Snapshot(2**60, 2**60, frozenset()))  # noqa: SLF001 - of a later history.
    after = await tail.caught_up(0)
    assert after.epoch != before.epoch
    assert tail.since(after.snapshot, after.clock_us) == []


async def test_who_waits_for_a_read_that_is_cut_off_is_told_and_nobody_else(
    another: Another,
    connection: Any,  # noqa: ANN401 - asyncpg's.
    killer: Any,  # noqa: ANN401 - asyncpg's.
) -> None:
    tail = another()
    before = await tail.caught_up(0)
    async with connection.transaction():
        await connection.execute("LOCK TABLE feed_epoch IN ACCESS EXCLUSIVE MODE")
        waiting = [asyncio.create_task(tail.caught_up(0)) for _ in range(3)]
        gone = asyncio.create_task(tail.caught_up(0))
        while not all(task.done() for task in waiting):
            gone.cancel()
            await killer.fetch(KILL, "%feed_epoch%", "active")
            await asyncio.sleep(0.01)
    for task in waiting:
        assert isinstance(task.exception(), Unavailable)
    with pytest.raises(asyncio.CancelledError):
        await gone
    after = await tail.caught_up(0)
    assert (after.number, after.epoch) == (before.number + 1, before.epoch)


async def test_a_role_that_may_not_ask_for_the_server_has_an_epoch_as_well(connection: Any) -> None:  # noqa: ANN401 - asyncpg's.
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("CREATE ROLE feed_test_plain")
    await connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    await connection.execute("GRANT SELECT ON feed_epoch TO feed_test_plain")
    known = await epochs_identity(connection)
    await connection.execute("INSERT INTO feed_epoch VALUES (true, 7, $1, $2, $3)", *known)
    await connection.execute("SET ROLE feed_test_plain")
    identity = await epochs.check(connection)
    assert (identity.system_id, identity.timeline, identity.database_id) == (None, known[1], known[2])
    await transaction.rollback()


async def epochs_identity(connection: Any) -> tuple[int | None, int | None, int]:  # noqa: ANN401 - asyncpg's.
    with pytest.raises(Outdated) as found:
        await epochs.check(connection)
    identity = found.value.identity
    assert identity.system_id == await connection.fetchval("SELECT system_identifier FROM pg_control_system()")
    assert identity.timeline == 1
    return identity
