"""The change log on real connections: nothing lost, nothing repeated, and nobody waited for, however commits fall."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from feed_service.database import ReadDatabase, create_engine
from feed_service.errors import BadUserInput
from feed_service.polling.changes import News, Position, start, unseen, values_of
from feed_service.polling.snapshots import Snapshot
from feed_service.queries import changes, missed

Open = Callable[[], Awaitable[Any]]

ANN, BOB = 1, 2
WRITERS, POLLS, MOST_WINDOWS = 10, 400, 200
WRITE = "INSERT INTO change_log (kind, action, subject_id, author_id) VALUES ('post', 'test', $1, $2) RETURNING seq"


@pytest_asyncio.fixture
async def reading(empty_database_url: str) -> AsyncIterator[ReadDatabase]:
    database = ReadDatabase.connect(empty_database_url, pool_size=2)
    yield database
    await database.close()


@pytest_asyncio.fixture
async def opened(empty_database_url: str) -> AsyncIterator[Open]:
    """A function that opens one more connection."""
    connections: list[Any] = []

    async def connect() -> Any:  # noqa: ANN401 - asyncpg has no types.
        connections.append(await asyncpg.connect(empty_database_url.replace("+asyncpg", "")))
        return connections[-1]

    yield connect
    await asyncio.gather(*(connection.close() for connection in connections))


async def write(connection: Any, subject_id: int, author_id: int | None = ANN) -> int:  # noqa: ANN401 - asyncpg's.
    seq: int = await connection.fetchval(WRITE, subject_id, author_id)
    return seq


async def begun(connection: Any, subject_id: int, author_id: int = ANN) -> Any:  # noqa: ANN401 - asyncpg's.
    """A transaction that has written one event, and is not over."""
    transaction = connection.transaction()
    await transaction.start()
    await write(connection, subject_id, author_id)
    return transaction


def subjects(news: News) -> list[int]:
    return [row.subject_id for row in news.events]


async def test_a_late_commit_is_neither_missed_nor_waited_for(reading: ReadDatabase, opened: Open) -> None:
    first, second, third = [await opened() for _ in range(3)]
    one = await begun(first, 1)
    two = await begun(second, 2, BOB)
    position = await start(reading)
    await write(third, 3)

    news = await unseen(reading, position, 10)
    assert subjects(news) == [3], "the younger is not made to wait for the two that are open"
    await two.commit()
    news = await unseen(reading, news.position, 10)
    assert subjects(news) == [2]
    await write(third, 4)
    await one.commit()
    news = await unseen(reading, news.position, 10)
    assert subjects(news) == [1, 4]
    assert subjects(await unseen(reading, news.position, 10)) == []


async def test_what_is_rolled_back_was_never_there(reading: ReadDatabase, opened: Open) -> None:
    first, second = await opened(), await opened()
    position = await start(reading)
    one = await begun(first, 1)
    await write(second, 2)
    news = await unseen(reading, position, 10)
    await one.rollback()
    assert subjects(news) == [2]
    assert subjects(await unseen(reading, news.position, 10)) == []


async def test_a_window_is_cut_and_its_rest_does_not_grow(reading: ReadDatabase, opened: Open) -> None:
    first, second = await opened(), await opened()
    late = await begun(first, 1)
    position = await start(reading)
    for subject in (2, 3, 4):
        await write(second, subject)
    news = await unseen(reading, position, 2)
    assert (subjects(news), news.has_more) == ([2, 3], True)
    await late.commit()
    await write(second, 5)
    news = await unseen(reading, news.position, 2)
    assert (subjects(news), news.has_more) == ([4], False), "what came after the first window waits for the next poll"
    news = await unseen(reading, news.position, 2)
    assert (subjects(news), news.has_more) == ([1, 5], False)


class Writers:
    """Ten that write one to three events each time, hold them for a moment, and commit most of them."""

    def __init__(self) -> None:
        self.committed: set[int] = set()
        self.is_over = False

    async def work(self, connection: Any, seed: int) -> None:  # noqa: ANN401 - asyncpg's.
        chance = random.Random(seed)  # noqa: S311 - no secret.
        while not self.is_over:
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
                self.committed |= written


class Poller:
    """Reads in windows of at most seven, and keeps what it was told."""

    def __init__(self, reading: ReadDatabase, position: Position) -> None:
        self.reading, self.position = reading, position
        self.seqs: list[int] = []
        self.windows = 0

    async def poll(self, writers: Writers) -> None:
        due = set(writers.committed)
        for _ in range(MOST_WINDOWS):
            news = await unseen(self.reading, self.position, 7)
            self.position, self.windows = news.position, self.windows + 1
            self.seqs += [row.seq for row in news.events]
            if not news.has_more:
                break
        assert not news.has_more, "it never ends"
        assert due <= set(self.seqs), "what was committed before the poll is told by it, whoever is still open"


async def test_pollers_among_many_writers_are_told_everything_once(reading: ReadDatabase, opened: Open) -> None:
    await begun(await opened(), 0)  # Open for the whole time, and never committed.
    writers, position = Writers(), await start(reading)
    pollers = [Poller(reading, position) for _ in range(2)]
    working = [asyncio.create_task(writers.work(await opened(), seed)) for seed in range(WRITERS)]
    for number in range(POLLS):
        await pollers[number % 2].poll(writers)
        await asyncio.sleep(random.choice([0, 0, 0.01]))  # noqa: S311 - no secret.
    writers.is_over = True
    await asyncio.gather(*working)
    for poller in pollers:
        await poller.poll(writers)
        assert len(poller.seqs) == len(set(poller.seqs)), "repeated"
        assert set(poller.seqs) == writers.committed, "lost, or never committed"
        assert poller.windows > POLLS / 2 + 1, "no window was ever cut"
    assert len(writers.committed) > 500


async def read(url: str, statement: changes.Events, values: Mapping[str, Any]) -> tuple[int, int]:
    """(buffers, rows of the log) that a statement touches with the plan it has in the product."""
    engine = create_engine(url, pool_size=1, plan_cache_mode="force_generic_plan")
    compiled = statement.compile(engine)
    values = compiled.construct_params(values)
    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        await raw.execute(f"PREPARE measured AS {compiled}")
        given = ", ".join(literal(values[name]) for name in compiled.positiontup or ())
        (found,) = await raw.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE measured ({given})")
    await engine.dispose()
    plan = found["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], rows_read(plan)


def literal(value: int | list[int] | datetime) -> str:
    return f"'{{{','.join(map(str, value))}}}'" if isinstance(value, list) else f"'{value}'"


def rows_read(plan: dict[str, Any]) -> int:
    own = 0
    if plan.get("Relation Name", "").startswith("change_log_") and "horizon" not in plan["Relation Name"]:
        own = int((plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"])
    return own + sum(rows_read(part) for part in plan.get("Plans", ()))


MANY = """
INSERT INTO change_log (kind, action, subject_id, author_id)
SELECT 'post', 'test', n, n % 50 FROM generate_series(1, 5000) n
"""


async def test_a_transaction_open_for_long_makes_no_poll_read_more(
    reading: ReadDatabase, opened: Open, empty_database_url: str
) -> None:
    connection = await opened()
    touched = {}
    for is_open in (False, True):
        late = await begun(await opened(), 0) if is_open else None
        await connection.execute(MANY)
        await connection.execute("VACUUM ANALYZE change_log")
        position = await start(reading)
        assert bool(Snapshot.parse(position.since).open_xids) is is_open
        for subject in range(10):
            await write(connection, subject)
        touched[is_open] = await read(empty_database_url, changes.unseen(51, is_bounded=False), values_of(position))
        assert len((await unseen(reading, position, 50)).events) == 10
        if late is not None:
            await late.rollback()
    (calm_buffers, calm_rows), (buffers, rows) = touched[False], touched[True]
    assert calm_rows == rows == 10
    assert buffers <= calm_buffers + 14, "one more look into the index of each partition, for the one that is open"
    assert calm_buffers <= 40


MIXED = """
INSERT INTO change_log (kind, action, subject_id, author_id, post_id)
SELECT kind, 'test', n, n, n FROM generate_series(1, 2000) n, unnest('{post_like,user_follow,comment}'::text[]) kind
"""


@pytest.mark.parametrize("of", ["feeds", "thread"])
async def test_who_was_away_reads_what_concerns_them_and_nothing_else(
    reading: ReadDatabase, opened: Open, empty_database_url: str, of: str
) -> None:
    connection = await opened()
    await connection.execute(MIXED)
    position = await start(reading)
    await connection.execute(MIXED)
    for subject in range(7):
        await write(connection, subject)
    await connection.execute("VACUUM ANALYZE change_log")
    values = values_of(position) | {"viewer_id": ANN, "due_after": datetime.now(UTC)}
    if of == "thread":
        _, rows = await read(empty_database_url, missed.of_thread(), values | {"post_id": 9})
        assert rows == 7 + 1 + 1, "posts, a follow of the viewer, a comment on the post"
    else:
        _, rows = await read(empty_database_url, missed.of_feeds(), values)
        assert rows == 7 + 1, "posts, and a follow of the viewer"


async def test_transactions_of_another_server_in_a_restored_log_are_no_news(
    reading: ReadDatabase, opened: Open
) -> None:
    connection = await opened()
    position = await start(reading)
    await write(connection, 1)
    await connection.execute("UPDATE change_log SET xid = '9000000000000000000'")
    await write(connection, 2)
    for _ in range(2):
        news = await unseen(reading, position, 10)
        assert subjects(news) == [2]
    assert subjects(await unseen(reading, news.position, 10)) == []


MALFORMED = ["", "x", "1:2", "1:2:1,", "\u0661:2:"]
OUT_OF_ORDER = ["0:1:", "2:1:", "5:9:4", "5:9:9", "5:9:7,6", "5:9:6,6", f"1:{2**63}:"]


@pytest.mark.parametrize("text", MALFORMED + OUT_OF_ORDER)
async def test_what_is_no_snapshot_is_refused(reading: ReadDatabase, text: str) -> None:
    with pytest.raises(BadUserInput):
        await unseen(reading, Position(text), 10)


async def test_a_position_that_is_ahead_of_the_database_is_refused(reading: ReadDatabase) -> None:
    with pytest.raises(BadUserInput):
        await unseen(reading, Position(f"{2**62}:{2**62}:"), 10)
