"""The plan of feeds: all posts of everybody followed are sorted, or the heads of each are merged."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
from sqlalchemy import select

from benchmarks.feed_viewers import BenchViewer, added, forget
from benchmarks.optimisations.cases import Case, Optimisation, Side
from benchmarks.optimisations.ground import Ground
from feed_service import models
from feed_service.cache import read_through
from feed_service.database import READING, ReadDatabase, create_engine
from feed_service.loaders import feeds
from feed_service.loaders.batching import Reader
from feed_service.paging import Slice
from feed_service.queries.batches import ids_parameter, is_any
from feed_service.queries.feed_filters import FeedFilter
from feed_service.queries.prepared import SOMEBODY
from feed_service.queries.visibility import id_of, not_muted_for, post_listed_for
from feed_service.statements import reading
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind, PostOrder

SIZES = (50, 500, 5_000)
TEMPERS = ("active", "quiet")
PAGE, TURNS = 20, 10

FOLLOWED = reading(select(models.UserFollow.followee_id).where(models.UserFollow.follower_id == id_of(SOMEBODY)))
SORTED = reading(
    select(models.Post.id)
    .where(is_any(models.Post.author_id, ids_parameter("authors")))
    .where(post_listed_for(SOMEBODY), not_muted_for(SOMEBODY, models.Post.author_id))
    .order_by(models.Post.published_at.desc(), models.Post.id.desc())
    .limit(PAGE)
)
"""As the documents have it, but with one parameter for all ids, and a full order."""


@asynccontextmanager
async def cases(ground: Ground) -> AsyncIterator[Sequence[Case]]:
    """For viewers who have just come and follow the most active people, or those who are silent for longest.

    The plain statement is planned for its values each time: by one plan for all values it takes up to ten times as
    long (docs/decisions/0003-feed-query.md).
    """
    planned = create_engine(ground.url, pool_size=1, **READING | {"plan_cache_mode": "force_custom_plan"})
    async with AsyncExitStack() as stack:
        off = ReadDatabase(planned.execution_options(isolation_level="AUTOCOMMIT"), 1)
        on = ReadDatabase.connect(ground.url, pool_size=1)
        stack.push_async_callback(off.close)
        stack.push_async_callback(on.close)
        connection = await asyncpg.connect(ground.url)
        stack.push_async_callback(connection.close)
        await forget(connection)
        stack.push_async_callback(forget, connection)
        yield [case(off, on, await added(connection, size, temper)) for temper in TEMPERS for size in SIZES]


def case(off: ReadDatabase, on: ReadDatabase, viewer: BenchViewer) -> Case:
    cache = read_through.connect("memory://")
    followed = feeds.feed(FeedKind.FOLLOWING_USERS, PostOrder.NEWEST, FeedFilter(), None)

    async def sorted_(_: int) -> list[int]:
        me = {"viewer_id": viewer.user_id}
        authors: Sequence[int] = await off.scalars(FOLLOWED, me)
        return [*await off.scalars(SORTED, me | {"authors": authors})]

    async def merged(_: int) -> list[int]:
        reader = Reader(on, cache, Viewer(viewer.user_id))
        (page,) = await feeds.pages(reader, [feeds.FeedPart(followed, Slice(PAGE))])
        return [item.id for item in page.items]

    return Case(f"{viewer.follows:,} {viewer.temper}", TURNS, Side(sorted_), Side(merged), [off, on])


FEED_PLAN = Optimisation(
    "Feed plan",
    "the ids of everybody followed, then all their posts, sorted, planned for these ids",
    "a bounded window of the newest posts, then the newest posts of each, merged (docs/decisions/0003-feed-query.md)",
    cases,
)
