"""What a process knows of the change log is what PostgreSQL says, however commits fall and whoever reads."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from feed_service.database import ReadDatabase
from feed_service.polling.changes import Position, unseen
from feed_service.polling.memory import EPOCH
from feed_service.polling.tail import Event, Lane, Standing, Tail
from feed_service.queries.tail import MOST_EVENTS
from tests.polling.processes import processes
from tests.world import world_on

Open = Callable[[], Awaitable[Any]]
MANY = "INSERT INTO change_log (kind, action, subject_id) SELECT 'post', 'test', n FROM generate_series(1, $1::int) n"
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


async def test_a_scheduled_post_falls_due_by_the_clock(
    tails: Callable[[], Tail], opened: Open, empty_database_url: str
) -> None:
    tail, connection = tails(), await opened()
    start = await tail.caught_up(0)
    async with world_on(empty_database_url) as world:
        ann, tag = await world.user("ann"), await world.tag("cats")
        at = datetime.now(UTC) + timedelta(seconds=0.3)
        post = await world.post(ann, at=at, status="scheduled", tags=(tag,))
        await world.post(ann, at=at, status="scheduled", deleted_at=at)
    before = await tail.caught_up(0)
    assert subjects(tail, start) == []
    await connection.execute("SELECT pg_sleep_until($1)", at + timedelta(milliseconds=1))
    end = await tail.caught_up(0)
    found = tail.since(before.snapshot, before.clock_us)
    assert found is not None
    (due,) = found
    assert (due.action, due.post_id, due.author_id, due.is_tagged) == ("due", post.id, ann.id, (tag.id,))
    assert due.at == due.is_published_at == (at - EPOCH) // timedelta(microseconds=1)
    assert tail.since(before.snapshot, due.at) == [], "whose clock had come so far has seen it"
    assert tail.since(end.snapshot, before.clock_us) == [due], "though it has seen all transactions"
    assert tail.is_behind(end.snapshot, end.clock_us + 1)


LATE = """
INSERT INTO change_log (at, kind, action, subject_id, post_id, is_published_at)
VALUES ($1::timestamptz - interval '10 s', 'post', 'schedule', 9, 9, $1::timestamptz + interval '1 microsecond')
"""


async def test_a_post_whose_time_came_before_its_commit_is_told_to_whoever_saw_the_event_and_not_the_post(
    tails: Callable[[], Tail], opened: Open
) -> None:
    tail, connection = tails(), await opened()
    start = await tail.caught_up(0)
    await connection.execute(LATE, EPOCH + timedelta(microseconds=start.clock_us))
    end = await tail.caught_up(0)
    found = tail.since(end.snapshot, start.clock_us)
    assert found is not None
    assert [(event.action, event.subject_id, event.at - start.clock_us) for event in found] == [("due", 9, 1)]
    assert tail.since(end.snapshot, end.clock_us) == []
    assert len(tail.since(start.snapshot, start.clock_us) or ()) == 2, "the event itself as well"


async def test_a_bulk_makes_the_tail_begin_anew(tails: Callable[[], Tail], opened: Open) -> None:
    tail, connection = tails(), await opened()
    told: list[Sequence[Event] | None] = []
    start = await tail.caught_up(0)
    tail.listen(told.append)
    await connection.execute(MANY, MOST_EVENTS)
    middle = await tail.caught_up(0)
    assert subjects(tail, start) == list(range(1, MOST_EVENTS + 1))
    await connection.execute(MANY, MOST_EVENTS + 1)
    end = await tail.caught_up(0)
    assert [tail.since(one.snapshot, one.clock_us) for one in (start, middle)] == [None, None]
    assert subjects(tail, end) == []
    assert [events and len(events) for events in told] == [MOST_EVENTS, None]


class Wanderer:
    """A poller whose tokens any process may be asked with; it knows what the log itself says of each."""

    def __init__(self, position: Standing) -> None:
        self.position = position
        self.seqs: list[int] = []

    async def poll(self, tail: Tail, reading: ReadDatabase) -> None:
        if tail.is_behind(self.position.snapshot, self.position.clock_us):
            await tail.caught_up(0)
        standing = tail.standing
        found = tail.since(self.position.snapshot, self.position.clock_us)
        told = await unseen(reading, Position(self.position.snapshot.text, standing.snapshot.text), 5_000)
        assert found is not None
        assert [event.seq for event in sorted(found)] == [event.seq for event in told.events]
        assert tail.is_behind(self.position.snapshot) is False
        self.seqs += [event.seq for event in found]
        self.position = standing


async def hold_and_end(connection: Any, seed: int, committed: set[int], is_over: asyncio.Event) -> None:  # noqa: ANN401 - asyncpg's.
    """Transactions of one to three events, held for a moment, most of them committed."""
    chance = random.Random(seed)  # noqa: S311 - no secret.
    while not is_over.is_set():
        transaction = connection.transaction()
        await transaction.start()
        written = set()
        for _ in range(chance.randint(1, 3)):
            written.add(await write(connection, seed))
            await asyncio.sleep(chance.choice([0, 0.001, 0.02]))
        if chance.random() < 0.1:
            await transaction.rollback()
        else:
            await transaction.commit()
            committed |= written


async def test_tokens_wander_between_processes_among_many_writers_and_nothing_is_lost(
    tails: Callable[[], Tail], opened: Open, empty_database_url: str
) -> None:
    chance, reading = random.Random(4), ReadDatabase.connect(empty_database_url, pool_size=1)  # noqa: S311 - no secret.
    late, processes = await opened(), [tails(), tails()]
    committed: set[int] = set()
    async with late.transaction():
        committed.add(await write(late, 0))
        starts = [await tail.caught_up(0) for tail in processes]
        is_over, wanderers = asyncio.Event(), [Wanderer(starts[-1]) for _ in range(20)]
        writers = [asyncio.create_task(hold_and_end(await opened(), n, committed, is_over)) for n in range(8)]
        polls = 0
        while polls < 300 or len(committed) <= 200:
            polls += 1
            tail = chance.choice(processes)
            await tail.caught_up(chance.choice([0, 0.005, 1]))
            await chance.choice(wanderers).poll(tail, reading)
        is_over.set()
        await asyncio.gather(*writers)
    for tail in processes:
        await tail.caught_up(0)
    for wanderer in wanderers:
        await wanderer.poll(chance.choice(processes), reading)
        assert len(wanderer.seqs) == len(set(wanderer.seqs)), "repeated"
        assert set(wanderer.seqs) == committed, "lost, or never committed"
    assert len(committed) > 200
    await reading.close()


async def test_the_log_is_behind_only_while_somebody_asks(
    tails: Callable[[], Tail], monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = tails()
    await tail.caught_up()
    assert tail.lag_s == 0.0
    monkeypatch.setattr(tail, "database", ReadDatabase.connect("postgresql://nobody@127.0.0.1:1/away"))
    with pytest.raises(OSError, match=r"refused|failed"):
        await tail.caught_up(0)
    assert tail.lag_s > 0.0
    monkeypatch.setattr("feed_service.polling.tail.GONE_S", -1.0)
    assert tail.lag_s == 0.0, "who asked has gone"
