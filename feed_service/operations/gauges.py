"""What `/metrics` tells of the database, whichever process is asked: jobs, drift, partitions."""

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from feed_service.database import ReadDatabase
from feed_service.errors import FeedError
from feed_service.exposition import DatabaseFigures
from feed_service.models.partitions import Partition, missing
from feed_service.queries import jobs, partitions
from feed_service.reasons import reason
from feed_service.transactions import sqlstate_of

log = logging.getLogger(__name__)

WITHIN_S = 1.0
"""Prometheus gives up after ten, and wants the other numbers most when the database is away."""

RECONCILE = "reconcile"
"""The job that compares all numbers with a recount."""


# Made once: to compile them anew takes 20 ms, and takes the place of others that are kept compiled.
WAITS, PARTITIONS, PROGRESS = jobs.waits(), partitions.listed(), jobs.progress_of()


async def figures(database: ReadDatabase) -> DatabaseFigures | None:
    """None if the database does not answer in time, or cannot: without these numbers, all others are still told."""
    try:
        async with asyncio.timeout(WITHIN_S):
            return await _figures(database)
    except (TimeoutError, FeedError, SQLAlchemyError, OSError):
        return None
    except Exception as error:
        if not sqlstate_of(error):
            raise
        # As of a role that may not see something, which does not pass by itself.
        log.warning("What the database should tell of itself could not be read: %s", reason(error))
        return None


async def _figures(database: ReadDatabase) -> DatabaseFigures:
    waits = await database.rows(WAITS)
    parts = [Partition(*row) for row in await database.rows(PARTITIONS)]
    rounds = [row.progress for row in await database.rows(PROGRESS, {"kind": RECONCILE})]
    last = (rounds[0].get("last_round") if rounds else None) or {}
    return DatabaseFigures(
        [(row.kind, row.lag_s, row.failures, row.failed) for row in waits],
        last.get("wrong", {}),
        last.get("repaired", 0),
        Counter(monthly.table for monthly, _ in missing(parts, datetime.now(UTC))),
    )
