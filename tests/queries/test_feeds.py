"""Every feed against plain Python over the same rows, and what its statements may read."""

import random
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service import models
from feed_service.database import ReadDatabase, create_engine
from feed_service.paging import Slice
from feed_service.queries import feed_users, feeds
from feed_service.queries.feed_filters import FeedFilter
from feed_service.queries.feed_membership import membership
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind, PostOrder
from tests.queries.feed_world import VIEWERS, FeedWorld, part_of
from tests.queries.plans import MODES, explained

TIMED = [
    (kind, order)
    for kind in FeedKind
    if kind not in feeds.RANKED_KINDS
    for order in (PostOrder.NEWEST, PostOrder.OLDEST)
]
OF_USERS = [(kind, order) for kind, order in TIMED if kind in {FeedKind.HOME, FeedKind.FOLLOWING_USERS}]
RANKED = [(kind, order) for kind in feeds.RANKED_KINDS for order in feeds.ALLOWED_ORDERS[kind]]


@pytest_asyncio.fixture
async def engine(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(empty_database_url, pool_size=2)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def database(empty_database_url: str) -> AsyncIterator[ReadDatabase]:
    database = ReadDatabase.connect(empty_database_url, pool_size=2)
    yield database
    await database.close()


@pytest.fixture(params=["merge", "small window", "wide window"])
def _ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sizes of a small world: who follows none or 3 or 9 then takes each of the ways there are to a page."""
    if request.param != "merge":
        monkeypatch.setattr(feed_users, "MANY_FOLLOWS", 3)
        monkeypatch.setattr(feed_users, "VERY_MANY_FOLLOWS", 9)
        monkeypatch.setattr(feed_users, "SAMPLE", 3)
        monkeypatch.setattr(feed_users, "WINDOW", 6 if request.param == "small window" else 40)
    feeds.statement_by_time.cache_clear()
    yield
    feeds.statement_by_time.cache_clear()


async def rows_of(
    database: ReadDatabase, viewer: int, kind: FeedKind, order: PostOrder, part: Slice
) -> list[tuple[int, tuple[Any, ...]]]:
    if kind in feeds.RANKED_KINDS:
        sort, statement = feeds.RANK_SORTS[order], feeds.ranked_posts(Viewer(viewer), order, part)
    else:
        sort, statement = feeds.TIME_SORTS[order], feeds.by_time(Viewer(viewer), kind, order, part)
    rows = await database.rows(*statement)
    if kind not in feeds.RANKED_KINDS:
        assert {row.snapshot.count(":") for row in rows} == {2}, "an empty page tells what it could see as well"
    return [(row.id, sort.key(row)) for row in rows if row.id is not None]


@pytest.mark.usefixtures("_ways")
@pytest.mark.parametrize("seed", range(2))
async def test_any_part_of_any_feed_is_what_plain_python_finds(
    engine: AsyncEngine, database: ReadDatabase, seed: int
) -> None:
    world = FeedWorld(random.Random(seed))  # noqa: S311 - a world that is the same every time.
    await world.write(engine)
    for viewer in VIEWERS:
        for kind, order in TIMED + RANKED:
            items = world.items(viewer, kind, order)
            for part in world.slices(items, 4):
                expected = part_of(items, part, ascending=order is PostOrder.OLDEST)
                assert await rows_of(database, viewer, kind, order, part) == expected, (viewer, kind, order, part)


@pytest.mark.usefixtures("_ways")
async def test_who_follows_few_gets_the_same_and_who_follows_many_is_told(
    engine: AsyncEngine, database: ReadDatabase
) -> None:
    world = FeedWorld(random.Random(0))  # noqa: S311 - a world that is the same every time.
    await world.write(engine)
    stored = dict(await database.rows(select(models.UserStats.user_id, models.UserStats.following_count)))
    for viewer, (kind, order) in product(VIEWERS, OF_USERS):
        items = world.items(viewer, kind, order)
        follows_many = stored[viewer] >= feed_users.MANY_FOLLOWS
        for part in world.slices(items, 4):
            expected = [] if follows_many else part_of(items, part, ascending=order is PostOrder.OLDEST)
            rows = await database.rows(*feeds.by_time(Viewer(viewer), kind, order, part, is_of_few=True))
            assert {row.follows_many for row in rows} == {follows_many}
            assert [(row.id, (row.published_at, row.id)) for row in rows if row.id is not None] == expected


@pytest.mark.parametrize("seed", range(2))
async def test_a_post_is_a_member_exactly_if_the_feed_holds_it(
    engine: AsyncEngine, database: ReadDatabase, seed: int
) -> None:
    world = FeedWorld(random.Random(seed))  # noqa: S311 - a world that is the same every time.
    await world.write(engine)
    ids = [post["id"] for post in world.posts]
    for viewer in VIEWERS:
        for kind in FeedKind:
            expected = dict(world.items(viewer, kind, PostOrder.NEWEST))
            for wanted in (FeedFilter(), FeedFilter(tags=("tag1", "tag2"), exclude_tags=("tag3",))):
                rows = await database.rows(*membership(Viewer(viewer), kind, ids, wanted))
                assert len(rows) == len(ids), "posts of any state are told of"
                members = {row.id: (row.published_at, row.id) for row in rows if row.is_in}
                assert members == {one: key for one, key in expected.items() if passes(world.tags_of[one], wanted)}


def passes(tags: set[int], wanted: FeedFilter) -> bool:
    return wanted == FeedFilter() or (bool(tags & {1, 2}) and 3 not in tags)


CROWD = """
    INSERT INTO users (username, display_name) SELECT 'user' || n, '' FROM generate_series(1, 6000) AS n;
    INSERT INTO posts (author_id, slug, title, body, status, published_at)
        SELECT 1 + (n * 7919) % 6000, n, '', '', 'published', now() - n * interval '1 minute'
        FROM generate_series(1, 24000) AS n;
    INSERT INTO posts (author_id, slug, title, body) SELECT 1 + n % 6000, 'draft' || n, '', ''
        FROM generate_series(1, 3000) AS n;
    INSERT INTO tags (slug, name) SELECT 'tag' || n, '' FROM generate_series(1, 20) AS n;
    INSERT INTO post_tags (post_id, tag_id, author_id, published_at)
        SELECT id, 1 + id % 20, author_id, published_at FROM posts;
    ANALYZE;
    INSERT INTO user_follows (follower_id, followee_id) SELECT 1, n FROM generate_series(2, 5001) AS n;
    INSERT INTO user_follows (follower_id, followee_id) SELECT 2, n FROM generate_series(101, 600) AS n;
    INSERT INTO tag_follows (user_id, tag_id) SELECT n, id FROM generate_series(1, 2) AS n, tags;
    INSERT INTO user_stats (user_id, following_count) VALUES (1, {many}), (2, {some});
"""
"""The statistics know nothing of the follows, as of any viewer who has just come."""


@pytest_asyncio.fixture(params=["through the window", "through the merge"])
async def crowd(engine: AsyncEngine, request: pytest.FixtureRequest) -> AsyncIterator[AsyncEngine]:
    """Viewer 1 follows 5,000 people, viewer 2 follows 500, both 20 tags; the stored numbers choose the way."""
    counts = {"many": 5_000, "some": 500} if request.param == "through the window" else {"many": 0, "some": 0}
    async with engine.begin() as connection:
        # Autovacuum, which comes when it likes, would tell the planner that nearly all follows are those of viewer 1.
        await connection.execute(text("ALTER TABLE user_follows SET (autovacuum_enabled = off)"))
        await connection.execute(text("DELETE FROM pg_statistic WHERE starelid = 'user_follows'::regclass"))
        for statement in CROWD.format(**counts).split(";\n"):
            await connection.execute(text(statement))
    async with engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text("VACUUM"))
    yield engine
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE user_follows RESET (autovacuum_enabled)"))


MOST_PAGES = {1: 20_000, 2: 2_500}
"""Buffers that a page may touch: four for each head of 5,000 or 500 authors, and little else."""


@pytest.mark.parametrize("mode", MODES)
async def test_no_plan_reads_more_than_the_heads_of_the_followed(crowd: AsyncEngine, mode: str) -> None:
    middle = (datetime.now(UTC) - timedelta(days=9), 0)
    parts = [Slice(20), Slice(20, after=middle), Slice(20, backwards=True, before=middle), Slice(20, backwards=True)]
    for kind, order in TIMED:
        for viewer, part in product(MOST_PAGES, parts):
            plan = await explained(crowd, mode, feeds.by_time(Viewer(viewer), kind, order, part))
            assert not re.search(r"Seq Scan on (posts|post_tags|user_follows)", plan.text), plan.text
            assert plan.buffers < MOST_PAGES[viewer], plan.text
