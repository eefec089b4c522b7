"""What is the same for everybody, made when the service starts, before somebody has to wait for it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from feed_service.loaders import tags
from feed_service.loaders.batching import Reader
from feed_service.queries.feeds import RANK_SORTS
from feed_service.queries.tags import TREND_WINDOW

logger = logging.getLogger(__name__)

LEASE_S = 60.0
"""Of the processes that start within it and share a cache, one does it for all."""


@asynccontextmanager
async def warming(reader: Reader) -> AsyncIterator[None]:
    """The rankings and the trending tags are made beside the block, which does not wait for them."""
    task = asyncio.create_task(warm(reader))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def warm(reader: Reader) -> None:
    """Whatever keeps this from succeeding, readers will meet it themselves: it is no reason not to start."""
    try:
        if await reader.cache.lead("warming", LEASE_S):
            for order in RANK_SORTS:
                await reader.generations.current(order, reader.database, reader.cache)
            await tags.trending_ids(reader, [TREND_WINDOW])
    except Exception:
        logger.warning("The rankings could not be made at start; the first reader will.", exc_info=True)
