"""Ranking generations: walks that stand still while everything moves, and what becomes of them without the cache."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service.cache import entries, read_through
from feed_service.cache.read_through import ReadThrough
from feed_service.database import ReadDatabase, create_engine
from feed_service.embedded import valkey
from feed_service.loaders import rankings
from feed_service.loaders.batching import Reader
from feed_service.loaders.generations import Generation, Generations
from feed_service.loaders.rankings import Snapshot
from feed_service.loaders.reads import Class
from feed_service.loaders.warming import warm, warming
from feed_service.paging import Item, Page, Slice
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.vocabulary import FeedKind, PostOrder
from tests.queries.feed_world import VIEWERS, FeedWorld, part_of
from tests.reads import noted

NOWHERE = "redis://127.0.0.1:1/0"
ORDERS = {PostOrder.HOT: FeedKind.POPULAR, PostOrder.MOST_COMMENTED: FeedKind.DISCUSSED}
STRANGER = 99
"""A viewer whom nobody blocks."""


@dataclass
class Process:
    """What one process that serves has: its memory, its clock, its way to the cache. `statements` are its reads."""

    database: ReadDatabase
    cache: ReadThrough
    now_s: float = 1_000.0

    def __post_init__(self) -> None:
        self.generations = Generations(lambda: self.now_s)
        self.statements = noted(self.database)

    @property
    def builds(self) -> int:
        return sum("array(" in statement for statement in self.statements)

    @property
    def reader(self) -> Reader:
        return Reader(self.database, self.cache, ANONYMOUS, self.generations)

    async def page(
        self, part: Slice, order: PostOrder = PostOrder.HOT, viewer: int | None = None
    ) -> tuple[Page[Item], Snapshot]:
        who = Viewer(viewer) if viewer else ANONYMOUS
        found = await rankings.page(replace(self.reader, viewer=who), order, part)
        await asyncio.sleep(0)
        return found

    async def current(self, order: PostOrder = PostOrder.HOT) -> Generation:
        return await self.generations.current(order, self.database, self.cache)


@asynccontextmanager
async def process(database_url: str, cache_url: str) -> AsyncIterator[Process]:
    running = Process(ReadDatabase.connect(database_url, pool_size=4), read_through.connect(cache_url))
    yield running
    await running.cache.close()
    await running.database.close()


@pytest_asyncio.fixture
async def engine(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(empty_database_url, pool_size=2)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def world(engine: AsyncEngine) -> FeedWorld:
    world = FeedWorld(random.Random(5))  # noqa: S311 - a world that is the same every time.
    await world.write(engine)
    return world


@pytest_asyncio.fixture
async def one(world: FeedWorld, empty_database_url: str) -> AsyncIterator[Process]:  # noqa: ARG001 - there is one.
    async with process(empty_database_url, "memory://") as running:
        yield running


@pytest_asyncio.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey_url) as client:
        await client.flushall()
        yield client


@pytest_asyncio.fixture
async def two(
    world: FeedWorld,  # noqa: ARG001 - there is one.
    redis: Redis,  # noqa: ARG001 - it is empty.
    empty_database_url: str,
    valkey_url: str,
) -> AsyncIterator[tuple[Process, Process]]:
    async with process(empty_database_url, valkey_url) as first, process(empty_database_url, valkey_url) as second:
        yield first, second


async def execute(engine: AsyncEngine, statement: str, **values: Any) -> None:  # noqa: ANN401 - values of columns.
    async with engine.begin() as connection:
        await connection.execute(text(statement), values)


@pytest.mark.parametrize("order", ORDERS)
async def test_any_part_of_a_generation_is_what_plain_python_finds(
    world: FeedWorld, one: Process, order: PostOrder
) -> None:
    places = {post_id: place for place, post_id in enumerate((await one.current(order)).post_ids)}
    number = (await one.current(order)).id
    for viewer in VIEWERS:
        listed = [(post_id, (number, -places[post_id])) for post_id, _ in world.items(viewer, ORDERS[order], order)]
        for part in world.slices(listed, 12):
            page, snapshot = await one.page(part, order, viewer)
            wanted = part_of(listed, part, ascending=False)
            assert page == Page.cut([Item(*item) for item in wanted], part), part
            assert not snapshot.is_restarted
    assert one.builds == 1


@pytest.mark.parametrize("backwards", [False, True])
async def test_a_walk_neither_repeats_nor_skips_while_ranks_move_and_posts_go(
    engine: AsyncEngine, world: FeedWorld, one: Process, *, backwards: bool
) -> None:
    frozen, gone, seen = list((await one.current()).post_ids), set[int](), list[int]()
    part = Slice(4, backwards)
    while True:
        page, snapshot = await one.page(part)
        ids = [item.id for item in page.items]
        assert not gone & set(ids)
        assert list(snapshot.generation.post_ids) == frozen
        seen = ids + seen if backwards else seen + ids
        if not page.has_more:
            break
        part = replace(part, before=page.items[0].key) if backwards else replace(part, after=page.items[-1].key)
        hidden = world.random.choice(frozen)
        gone.add(hidden)
        one.now_s += 30
        await execute(engine, "UPDATE posts SET deleted_at = now() WHERE id = :id", id=hidden)
        await execute(engine, "UPDATE post_rank SET hot_key = random() * 1000")
    assert len(seen) == len(set(seen))
    assert [post_id for post_id in seen if post_id not in gone] == [
        post_id for post_id in frozen if post_id not in gone
    ]


async def test_pages_are_full_and_cheap_though_half_the_list_is_hidden(engine: AsyncEngine, one: Process) -> None:
    await execute(engine, "INSERT INTO users (id, username, display_name) VALUES (99, 'hidden', '')")
    await execute(
        engine,
        """INSERT INTO posts (id, author_id, slug, title, body, status, published_at)
        SELECT n, CASE WHEN n < 1600 THEN 99 ELSE 1 END, n, '', '', 'published', now() - interval '1 day'
        FROM generate_series(1001, 2000) AS n""",
    )
    await execute(
        engine,
        """INSERT INTO post_rank (post_id, author_id, hot_key, like_count, comment_count, last_activity_at)
        SELECT id, author_id, 1e9 - id, 0, 0, published_at FROM posts WHERE id > 1000""",
    )
    assert list((await one.current()).post_ids) == list(range(1001, 2001))
    await execute(engine, "UPDATE users SET suspended_at = now() WHERE id = 99")
    one.statements.clear()
    page, _ = await one.page(Slice(20))
    assert [item.id for item in page.items] == list(range(1600, 1620))
    assert len(one.statements) <= 4
    one.statements.clear()
    page, _ = await one.page(Slice(100, after=page.items[-1].key))
    assert [item.id for item in page.items] == list(range(1620, 1720))
    assert len(one.statements) == 1


async def test_a_page_notes_its_posts_and_the_one_beyond(one: Process) -> None:
    reader, ids = one.reader, list((await one.current()).post_ids)
    await rankings.page(reader, PostOrder.HOT, Slice(3))
    assert reader.reads.ids == {Class.POSTS: set(ids[:4])}


async def test_a_generation_lasts_a_minute_and_its_pages_longer(one: Process) -> None:
    page, first = await one.page(Slice(3))
    one.now_s += 59
    assert (await one.current()).id == first.generation.id
    one.now_s += 2
    one.cache = read_through.connect("memory://")
    second = await one.current()
    assert second.id != first.generation.id
    assert one.builds == 2
    again, snapshot = await one.page(Slice(3, after=page.items[0].key))
    assert (snapshot.generation, snapshot.is_restarted) == (first.generation, False)
    assert again.items[:2] == page.items[1:]


async def test_two_processes_share_a_generation_that_one_of_them_builds(two: tuple[Process, Process]) -> None:
    pages = await asyncio.gather(*(process.page(Slice(5)) for process in two for _ in range(25)))
    assert len({snapshot.generation.id for _, snapshot in pages}) == 1
    assert [page for page, _ in pages] == [pages[0][0]] * 50
    assert sum(process.builds for process in two) == 1


async def test_a_second_process_goes_on_with_the_cursor_of_the_first(two: tuple[Process, Process]) -> None:
    first, second = two
    page, snapshot = await first.page(Slice(5))
    following, same = await second.page(Slice(5, after=page.items[-1].key))
    assert same == snapshot
    assert (following, same) == await first.page(Slice(5, after=page.items[-1].key))
    assert (first.builds, second.builds) == (1, 0)


async def test_a_flushed_cache_disturbs_no_walk_but_that_of_a_process_that_starts_anew(
    two: tuple[Process, Process], redis: Redis
) -> None:
    first, second = two
    page, snapshot = await first.page(Slice(5))
    await redis.flushall()
    following, same = await first.page(Slice(5, after=page.items[-1].key))
    assert (same, following.items[0].key) == (snapshot, (snapshot.generation.id, -5))
    restarted, other = await second.page(Slice(5, after=page.items[-1].key))
    assert other.is_restarted
    assert [item.key for item in restarted.items] == [(other.generation.id, -place) for place in range(5)]
    assert restarted == (await second.page(Slice(5, backwards=True, before=page.items[-1].key)))[0]


async def test_processes_agree_again_a_second_after_a_flush(two: tuple[Process, Process], redis: Redis) -> None:
    for process_ in two:
        await process_.current()
    await redis.flushall()
    for process_ in two:
        process_.now_s += 1
    assert await two[0].current() == await two[1].current()
    assert sum(process_.builds for process_ in two) <= 2


async def test_an_overtaken_generation_is_not_offered_again(two: tuple[Process, Process], redis: Redis) -> None:
    first, second = two
    old = await first.current()
    await redis.flushall()
    new = await second.current()
    first.now_s += 2
    assert await first.current() == new
    await redis.flushall()
    first.now_s += 2
    newest = await first.current()
    assert newest.id not in {old.id, new.id}


async def test_one_process_of_all_makes_the_lists_at_start(two: tuple[Process, Process]) -> None:
    for process_ in two:
        await warm(process_.reader)
    assert (two[0].builds, two[1].builds) == (4, 0)
    assert await two[1].current() == await two[0].current()
    assert two[1].statements == []


async def test_a_database_that_is_away_keeps_no_service_from_starting(caplog: pytest.LogCaptureFixture) -> None:
    async with process("postgresql://postgres@127.0.0.1:1/nowhere", "memory://") as running:
        await warm(running.reader)
        async with warming(running.reader):
            pass
    assert [record.message for record in caplog.records] == [
        "The rankings could not be made at start; the first reader will."
    ]


async def test_without_a_cache_each_process_builds_its_own_once_a_minute(
    world: FeedWorld,  # noqa: ARG001 - there is one.
    empty_database_url: str,
) -> None:
    async with process(empty_database_url, NOWHERE) as first, process(empty_database_url, NOWHERE) as second:
        for _ in range(29):
            await asyncio.gather(*(first.current() for _ in range(10)))
            first.now_s += 2
        assert first.builds == 1
        page, snapshot = await first.page(Slice(5))
        _, other = await second.page(Slice(5, after=page.items[-1].key))
        assert (snapshot.is_restarted, other.is_restarted) == (False, True)
        first.now_s += 5
        assert (await first.current()).id != snapshot.generation.id
        assert (await first.page(Slice(5, after=page.items[-1].key)))[1] == snapshot


@pytest.mark.parametrize("rubbish", [b"\xff", b"[1,", b"{}", b"[1, 2]", b'"x"', b"null", b'[1, 1e400, ["x"]]', None])
async def test_a_generation_that_the_cache_spoils_is_replaced(
    two: tuple[Process, Process], redis: Redis, rubbish: bytes | None
) -> None:
    first, second = two
    generation = await first.current()
    key = entries.RANKING.key(PostOrder.HOT, generation.id)
    assert await redis.exists(key)
    await (redis.delete(key) if rubbish is None else redis.set(key, rubbish))
    own = await second.current()
    assert list(own.post_ids) == list(generation.post_ids)
    assert [(await process_.current()).id for process_ in two] == [generation.id, own.id]
    await redis.delete(entries.CURRENT_RANKING.key(PostOrder.HOT))
    for process_ in two:
        process_.now_s += 60
    assert await first.current() == await second.current()


@pytest.mark.parametrize("rubbish", [b"\xff", b"[]", b'"x"', b"null", b"true", b"17"])
async def test_rubbish_in_place_of_the_current_id_is_read_past(
    world: FeedWorld, two: tuple[Process, Process], redis: Redis, rubbish: bytes
) -> None:
    everything = [post_id for post_id, _ in world.items(STRANGER, FeedKind.POPULAR, PostOrder.HOT)]
    await redis.set(entries.CURRENT_RANKING.key(PostOrder.HOT), rubbish)
    for _ in range(3):
        assert list((await two[0].current()).post_ids) == everything
        two[0].now_s += 2
    assert two[0].builds == 1


async def test_a_full_cache_costs_the_sharing_only(
    world: FeedWorld,  # noqa: ARG001 - there is one.
    empty_database_url: str,
    tmp_path: Path,
) -> None:
    with valkey.running(tmp_path) as server:
        async with Redis.from_url(server.url) as client:
            await client.config_set("maxmemory-policy", "noeviction")
            await client.config_set("maxmemory", "1")
        async with process(empty_database_url, server.url) as running:
            page, snapshot = await running.page(Slice(5))
            running.now_s += 30
            assert (await running.page(Slice(5, after=page.items[-1].key)))[1] == snapshot
            assert await running.current() == snapshot.generation
            assert running.builds == 1


async def test_the_current_id_is_known_from_memory_while_somebody_reads(one: Process) -> None:
    known = one.generations.current_id
    assert (known(FeedKind.POPULAR), known(FeedKind.HOME)) == (None, None)
    found = await one.current()
    assert known(FeedKind.POPULAR) == known(FeedKind.POPULAR, PostOrder.HOT) == found.id
    assert known(FeedKind.POPULAR, PostOrder.TOP) is known(FeedKind.DISCUSSED) is None
    one.now_s += 5
    assert known(FeedKind.POPULAR) is None


async def test_memory_keeps_fifteen_minutes(one: Process) -> None:
    found = []
    for _ in range(20):
        one.cache = read_through.connect("memory://")
        found.append((await one.page(Slice(1)))[0].items[0].key)
        one.now_s += 61
    one.cache = read_through.connect("memory://")
    restarted = [(await one.page(Slice(1, after=key)))[1].is_restarted for key in found]
    assert restarted == [True] * 6 + [False] * 14
