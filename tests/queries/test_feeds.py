"""Every feed against plain Python over the same rows, and what its statements may read."""

import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service.database import ReadDatabase, create_engine
from feed_service.paging import Slice
from feed_service.queries import feed_users, feeds
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind, PostOrder
from tests.queries.feed_world import VIEWERS, FeedWorld, part_of

TIMED = [
    (kind, order)
    for kind in FeedKind
    if kind not in feeds.RANKED_KINDS
    for order in (PostOrder.NEWEST, PostOrder.OLDEST)
]
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
    return [(row.id, sort.key(row)) for row in await database.rows(*statement)]


@pytest.mark.usefixtures("_ways")
@pytest.mark.parametrize("seed", range(3))
async def test_any_part_of_any_feed_is_what_plain_python_finds(
    engine: AsyncEngine, database: ReadDatabase, seed: int
) -> None:
    world = FeedWorld(random.Random(seed))  # noqa: S311 - a world that is the same every time.
    await world.write(engine)
    for viewer in VIEWERS:
        for kind, order in TIMED + RANKED:
            items = world.items(viewer, kind, order)
            for part in world.slices(items, 6):
                expected = part_of(items, part, ascending=order is PostOrder.OLDEST)
                assert await rows_of(database, viewer, kind, order, part) == expected, (viewer, kind, order, part)
