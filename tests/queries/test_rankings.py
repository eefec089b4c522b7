"""What the statements of a ranking may read: the list its thousand posts, a page its own."""

import re
from collections.abc import AsyncIterator
from itertools import product

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service.database import create_engine
from feed_service.queries import rankings
from feed_service.queries.feeds import RANK_SORTS
from feed_service.queries.prepared import for_ids
from feed_service.viewer import ANONYMOUS, Viewer
from tests.queries.plans import MODES, explained

FILL = """
    INSERT INTO users (username, display_name) SELECT 'user' || n, '' FROM generate_series(1, 2000) AS n;
    INSERT INTO posts (author_id, slug, title, body, status, published_at)
        SELECT 1 + n % 2000, n, '', '', 'published', now() - n * interval '1 minute'
        FROM generate_series(1, 20000) AS n;
    INSERT INTO post_rank (post_id, author_id, hot_key, like_count, comment_count, last_activity_at)
        SELECT id, author_id, id, id % 77, id % 11, published_at FROM posts;
    INSERT INTO mutes (muter_id, muted_id) SELECT 1, n FROM generate_series(2, 500) AS n;
    ANALYZE
"""


@pytest_asyncio.fixture
async def engine(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(empty_database_url, pool_size=1)
    async with engine.begin() as connection:
        for statement in FILL.split(";\n"):
            await connection.execute(text(statement))
    yield engine
    await engine.dispose()


async def test_a_list_is_made_from_an_index_that_has_its_order(engine: AsyncEngine) -> None:
    for mode, order in product(MODES, RANK_SORTS):
        plan = await explained(engine, mode, rankings.best(order))
        assert not re.search(r"Seq Scan|Sort", plan.text), plan.text
        assert plan.buffers < 12 * rankings.SIZE, plan.text


async def test_a_page_reads_its_own_posts_only(engine: AsyncEngine) -> None:
    for mode, viewer in product(MODES, (ANONYMOUS, Viewer(1))):
        plan = await explained(engine, mode, for_ids(rankings.listed, list(range(7, 19_000, 600)), viewer))
        assert not re.search(r"Seq Scan on (posts|users)", plan.text), plan.text
        assert plan.buffers < 10 * 32 + 50, plan.text
