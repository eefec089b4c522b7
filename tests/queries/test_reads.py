"""What the hot statements read: the same by a plan for any values, and no more on a larger site."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service.database import create_engine
from feed_service.paging import Slice
from feed_service.queries import (
    analytics,
    analytics_days,
    comment_trees,
    comments,
    feed_reasons,
    feeds,
    follows,
    posts,
    rankings,
    users,
)
from feed_service.queries import likes as likes_
from feed_service.queries import viewer_states as states
from feed_service.queries.prepared import Prepared, for_ids, for_parents
from feed_service.viewer import ANONYMOUS, Viewer
from feed_service.vocabulary import CommentOrder, FeedKind, PostOrder
from tests.queries.plans import CUSTOM, GENERIC, explained

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROW = """
    INSERT INTO users (id, username, display_name) SELECT n, 'user' || n, '' FROM generate_series({first}, {last}) AS n;
    INSERT INTO posts (id, author_id, slug, title, body, status, published_at)
        SELECT n, 1 + (n * 7919) % {last}, n, '', repeat('text ', 100), 'published', {start} - n * interval '1 minute'
        FROM generate_series({first}, {last}) AS n;
    INSERT INTO post_stats (post_id) SELECT n FROM generate_series({first}, {last}) AS n;
    INSERT INTO post_rank (post_id, author_id, hot_key, like_count, comment_count, last_activity_at)
        SELECT id, author_id, -id, 0, 0, published_at FROM posts WHERE id >= {first};
    INSERT INTO post_tags (post_id, tag_id, author_id, published_at)
        SELECT id, 1 + (id + k) % 20, author_id, published_at FROM posts, generate_series(1, 3) AS k
        WHERE id >= {first};
    INSERT INTO comments (id, post_id, author_id, path, body, created_at)
        SELECT 4 * n + k, n, 1 + (n + k) % {last}, int8send(k) || int8send(4 * n + k), '', {start}
        FROM generate_series({first}, {last}) AS n, generate_series(0, 3) AS k;
    INSERT INTO comments (id, post_id, author_id, parent_id, path, body, created_at)
        SELECT 1000000 + id, post_id, author_id, id, path || int8send(1) || int8send(1000000 + id), '', created_at
        FROM comments WHERE post_id >= {first} AND parent_id IS NULL;
    INSERT INTO comment_rank (comment_id, post_id, parent_id, like_count)
        SELECT id, post_id, parent_id, 0 FROM comments WHERE post_id >= {first};
    INSERT INTO comment_stats (comment_id) SELECT id FROM comments WHERE post_id >= {first};
    INSERT INTO post_likes (user_id, post_id)
        SELECT k, n FROM generate_series({first}, {last}) AS n, generate_series(1, 12) AS k;
    INSERT INTO post_likes (user_id, post_id) SELECT n, 1 FROM generate_series({first} + 12, {last}) AS n;
    INSERT INTO user_follows (follower_id, followee_id) SELECT n, 1 FROM generate_series({first} + 1, {last}) AS n;
    VACUUM ANALYZE
"""
"""People, posts, threads of eight comments. Twelve like every post, viewer 1 among them; post 1 and user 1 are for all.
What comes later is older, so that the same posts stay in front."""

TAGS = "INSERT INTO tags (slug, name) SELECT 'tag' || n, '' FROM generate_series(1, 20) AS n"

FOLLOWS = """
    INSERT INTO user_follows (follower_id, followee_id) SELECT 1, n FROM generate_series(2, 41) AS n;
    INSERT INTO tag_follows (user_id, tag_id) SELECT 1, n FROM generate_series(1, 5) AS n;
    INSERT INTO blocks (blocker_id, blocked_id) SELECT 1, n FROM generate_series(50, 60) AS n
"""

UNSEEN = "UPDATE pg_class SET relallvisible = 0"
"""Rows that may have to be looked at beside their index, so that another index may seem as good."""

START = "'2026-01-01Z'::timestamptz"
SMALL, LARGE = 1_500, 6_000
VIEWER = Viewer(1)
POSTS = list(range(3, 1_400, 70))
COMMENTS = [4 * post for post in POSTS]
MIDDLE = (datetime(2025, 12, 31, 12, tzinfo=UTC), 0)
MONTH = timedelta(days=30)
TOP, PAGE = CommentOrder.TOP, Slice(20)
SORT = comments.SORTS[TOP]

HOT: dict[str, Prepared] = {
    "followed users": feeds.by_time(VIEWER, FeedKind.FOLLOWING_USERS, PostOrder.NEWEST, PAGE),
    "home": feeds.by_time(VIEWER, FeedKind.HOME, PostOrder.NEWEST, Slice(20, after=MIDDLE)),
    "everything": feeds.by_time(ANONYMOUS, FeedKind.GLOBAL, PostOrder.NEWEST, PAGE),
    "ranked": for_ids(rankings.listed, POSTS, ANONYMOUS),
    "posts": for_ids(posts.by_ids, POSTS, VIEWER),
    "posts of authors": for_parents(
        posts.of_authors, POSTS, posts.AUTHOR_SORTS[PostOrder.NEWEST], Slice(3), VIEWER, PostOrder.NEWEST
    ),
    "roots": for_parents(comments.roots_of_posts, POSTS[:1], SORT, PAGE, VIEWER, TOP, True),
    "previews": for_ids(comments.previews_of_posts, POSTS, VIEWER, TOP, 3, True),
    "replies": for_parents(comments.replies_of_comments, COMMENTS, SORT, Slice(3), VIEWER, TOP, True),
    "thread": comment_trees.trees(VIEWER, POSTS[:1], PAGE, 8),
    "users": for_ids(users.by_ids, POSTS, VIEWER),
    "authors": for_ids(users.whoever_by_ids, POSTS),
    "states of posts": for_ids(states.of_posts, POSTS, VIEWER, states.OF_POSTS),
    "states of users": for_ids(states.of_users, POSTS, VIEWER, states.OF_USERS),
    "reasons": for_ids(feed_reasons.of_posts, POSTS, VIEWER, feed_reasons.ALL),
    "analytics": for_ids(analytics.of_subjects, POSTS, None, analytics.posts_of_author, MONTH),
    "analytics by tag": for_ids(
        analytics.parts_of_subjects, POSTS, None, analytics.posts_of_author, analytics.tags_on, MONTH, 50
    ),
    "analytics by day": for_ids(analytics_days.of_authors, POSTS, None, MONTH),
    "likers": for_parents(likes_.likers_of_posts, [1], likes_.LIKERS_OF_POST, PAGE, VIEWER),
    "followers": for_parents(follows.followers_of, [1], follows.FOLLOWERS, PAGE, VIEWER),
}


MAY_GROW = {"posts": 2, "analytics": 4, "analytics by tag": 4, "analytics by day": 4}
"""Posts are joined to all users of a small site, and on a large one to each author; reading a table would be four times
as much. Analytics look up likes in the table where VACUUM has not been, which depends on when autovacuum comes."""


MAY_TURN = {"likers", "analytics", "analytics by tag", "analytics by day"}
"""PostgreSQL expects thirteen likes of a post, and may sort all six thousand of this one instead of reading 21. Where
it counts the likes of a post, it may look at each beside the same index."""


async def run(engine: AsyncEngine, script: str) -> None:
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for statement in script.split(";\n"):
            await connection.execute(text(statement))


async def cost(engine: AsyncEngine, mode: str) -> dict[str, int]:
    """The least of three: a first look also reads what PostgreSQL keeps about tables, and cleans up behind writers."""
    return {
        name: min([(await explained(engine, mode, prepared)).buffers for _ in range(3)])
        for name, prepared in HOT.items()
    }


@pytest_asyncio.fixture(loop_scope="module")
async def engine(module_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(module_database_url, pool_size=1)
    yield engine
    await engine.dispose()


async def test_the_hot_statements_read_the_same_by_any_plan_and_on_any_site(engine: AsyncEngine) -> None:
    await run(engine, TAGS)
    await run(engine, GROW.format(first=1, last=SMALL, start=START))
    await run(engine, FOLLOWS)
    small = await cost(engine, GENERIC)
    await run(engine, GROW.format(first=SMALL + 1, last=LARGE, start=START))
    large, custom = await cost(engine, GENERIC), await cost(engine, CUSTOM)
    await run(engine, UNSEEN)
    unseen = await cost(engine, GENERIC)
    worse = {name: (large[name], best) for name, best in custom.items() if large[name] > 1.5 * best}
    assert not worse, "pages by the generic plan, and by the custom one"
    # One level more of an index is one page more for each look into it.
    growth = {name: large[name] / before for name, before in small.items()}
    grown = {name: (small[name], large[name]) for name, by in growth.items() if by > MAY_GROW.get(name, 1.5)}
    assert not grown, "pages on a small site, and on a large one"
    turned = {name: (large[name], pages) for name, pages in unseen.items() if pages > 1.5 * large[name]}
    assert not turned.keys() - MAY_TURN, "pages after VACUUM, and where PostgreSQL thinks that it has not come for long"
