"""Keyset: a deep page is found by counting all rows before it (OFFSET), or begins where the last one ended."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Integer, bindparam, select

from benchmarks.optimisations.cases import Case, Optimisation, Side
from benchmarks.optimisations.ground import Ground
from feed_service import models
from feed_service.database import ReadDatabase
from feed_service.paging import Slice
from feed_service.queries import feeds
from feed_service.queries.visibility import post_listed_once_due_for
from feed_service.statements import reading
from feed_service.viewer import ANONYMOUS
from feed_service.vocabulary import FeedKind, PostOrder

PAGE, TURNS = 20, 10
DEPTHS = (0.0, 0.01, 0.5)
"""Parts of all posts that lie before the first page that is asked for."""

POST = models.Post
BY_OFFSET = reading(
    select(POST.id, POST.published_at)
    .where(post_listed_once_due_for(ANONYMOUS), POST.published_at <= bindparam("until", type_=DateTime(timezone=True)))
    .order_by(POST.published_at.desc(), POST.id.desc())
    .limit(bindparam("size", type_=Integer))
    .offset(bindparam("passed", type_=Integer))
)


@asynccontextmanager
async def cases(ground: Ground) -> AsyncIterator[Sequence[Case]]:
    database = ReadDatabase.connect(ground.url, pool_size=1)
    try:
        total = await database.by_driver(lambda driver: driver.fetchval("SELECT count(*) FROM posts"))
        yield [await case(database, max(PAGE, round(part * total))) for part in DEPTHS]
    finally:
        await database.close()


async def case(database: ReadDatabase, depth: int) -> Case:
    """Turn 0 is the page behind `depth` posts, each later turn the page behind the one before it.

    The clock stands still for OFFSET: a post that fell due meanwhile would move all places.
    """
    until = datetime.now(UTC)

    async def by_offset(passed: int, size: int) -> Sequence[Any]:
        return await database.rows(BY_OFFSET, {"until": until, "passed": passed, "size": size})

    before = await by_offset(depth - 1, PAGE * TURNS)
    keys = [(row.published_at, row.id) for row in before[::PAGE]]

    async def off(turn: int) -> list[int]:
        return [row.id for row in await by_offset(depth + PAGE * turn, PAGE + 1)]

    async def on(turn: int) -> list[int]:
        part = Slice(PAGE, after=keys[turn])
        rows = await database.rows(*feeds.by_time(ANONYMOUS, FeedKind.GLOBAL, PostOrder.NEWEST, part))
        return [row.id for row in rows if row.id is not None]

    return Case(f"behind {depth:,} posts", len(keys), Side(off), Side(on), [database])


KEYSET = Optimisation(
    "Keyset",
    "OFFSET: all rows before the page are read, judged and thrown away",
    "the page begins behind the (time, id) that the cursor names",
    cases,
)
