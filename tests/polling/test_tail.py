"""What a process knows of the change log is what PostgreSQL says, however commits fall and whoever reads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest_asyncio

from feed_service.polling.tail import Event, Lane, Standing, Tail
from tests.polling.processes import processes

Open = Callable[[], Awaitable[Any]]
WRITE = "INSERT INTO change_log (kind, action, subject_id, author_id) VALUES ($2, 'test', $1, 1) RETURNING seq"


@pytest_asyncio.fixture
async def opened(empty_database_url: str) -> AsyncIterator[Open]:
    """A function that opens one more connection."""
    async with AsyncExitStack() as beside:

        async def connect() -> Any:  # noqa: ANN401 - asyncpg has no types.
            connection = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
            beside.push_async_callback(connection.close)
            return connection

        yield connect


@pytest_asyncio.fixture
async def tails(empty_database_url: str) -> AsyncIterator[Callable[[], Tail]]:
    async with processes(empty_database_url) as another:
        yield another


async def write(connection: Any, subject_id: int, kind: str = "post") -> int:  # noqa: ANN401 - asyncpg's.
    seq: int = await connection.fetchval(WRITE, subject_id, kind)
    return seq


def subjects(tail: Tail, standing: Standing, lane: Lane = Lane.FEEDS) -> list[int]:
    found = tail.since(standing.snapshot, standing.clock_us, lane)
    assert found is not None
    return [event.subject_id for event in found]


async def test_a_late_commit_is_neither_missed_nor_waited_for(tails: Callable[[], Tail], opened: Open) -> None:
    tail, first, second = tails(), await opened(), await opened()
    late = first.transaction()
    await late.start()
    await write(first, 1)
    start = await tail.caught_up(0)
    await write(second, 2)
    middle = await tail.caught_up(0)
    assert (subjects(tail, start), subjects(tail, middle)) == ([2], [])
    await late.commit()
    await write(second, 3, "post_like")
    end = await tail.caught_up(0)
    assert (subjects(tail, start), subjects(tail, middle), subjects(tail, end)) == ([2, 1], [1], [])
    assert subjects(tail, start, Lane.REACTIONS) == [3]
    assert [event.subject_id for event in tail.after(middle.number) or ()] == [1]
    assert [standing.number for standing in (start, middle, end)] == [1, 2, 3]


async def test_many_who_wait_share_one_read_that_began_after_they_came(tails: Callable[[], Tail], opened: Open) -> None:
    tail, connection = tails(), await opened()
    start = await tail.caught_up(0)
    running = asyncio.create_task(tail.caught_up(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await write(connection, 1)
    standings = await asyncio.gather(*(tail.caught_up(0) for _ in range(100)))
    assert (await running).number == start.number + 1
    assert {standing.number for standing in standings} == {start.number + 2}, "not the one that was under way"
    assert subjects(tail, start) == [1]
    assert await tail.caught_up(60) == standings[0], "young enough"


def kinds(events: list[Event] | None) -> list[tuple[str, int]]:
    return [(event.action, event.subject_id) for event in events or ()]
