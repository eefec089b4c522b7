"""What the statements of a ranking may read: the list its thousand posts, a page its own."""

import re
from collections.abc import AsyncIterator
from itertools import product

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service.database import create_engine
from feed_service.queries import rankings
from feed_service.queries.feeds import RANK_SORTS
from feed_service.queries.prepared import Prepared, for_ids
from feed_service.viewer import ANONYMOUS, Viewer

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

MODES = ["force_custom_plan", "force_generic_plan"]


@pytest_asyncio.fixture
async def engine(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(empty_database_url, pool_size=1)
    async with engine.begin() as connection:
        for statement in FILL.split(";\n"):
            await connection.execute(text(statement))
    yield engine
    await engine.dispose()


async def plan_of(engine: AsyncEngine, mode: str, prepared: Prepared) -> str:
    compiled = prepared.statement.compile(dialect=postgresql.asyncpg.dialect())  # type: ignore[no-untyped-call]
    values = {**compiled.params, **prepared.values}
    given = ", ".join(literal(values[name]) for name in compiled.positiontup or ())
    async with engine.begin() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await raw.execute(f"PREPARE measured AS {compiled}")
        lines = await raw.fetch(f"EXPLAIN (ANALYZE, BUFFERS) EXECUTE measured {f'({given})' if given else ''}")
        await raw.execute("DEALLOCATE measured")
    return "\n".join(line[0] for line in lines)


def literal(value: object) -> str:
    return f"ARRAY{value}::bigint[]" if isinstance(value, list) else str(value)


def buffers(plan: str) -> int:
    return sum(int(n) for n in re.findall(r"(?:hit|read)=(\d+)", plan.partition("Buffers: ")[2].partition("\n")[0]))


async def test_a_list_is_made_from_an_index_that_has_its_order(engine: AsyncEngine) -> None:
    for mode, order in product(MODES, RANK_SORTS):
        plan = await plan_of(engine, mode, rankings.best(order))
        assert not re.search(r"Seq Scan|Sort", plan), plan
        assert buffers(plan) < 12 * rankings.SIZE, plan


async def test_a_page_reads_its_own_posts_only(engine: AsyncEngine) -> None:
    for mode, viewer in product(MODES, (ANONYMOUS, Viewer(1))):
        plan = await plan_of(engine, mode, for_ids(rankings.listed, list(range(7, 19_000, 600)), viewer))
        assert not re.search(r"Seq Scan on (posts|users)", plan), plan
        assert buffers(plan) < 10 * 32 + 50, plan
