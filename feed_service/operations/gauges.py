"""What `/metrics` tells of the database, whichever process is asked: jobs, drift, partitions."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from feed_service.database import ReadDatabase
from feed_service.errors import FeedError
from feed_service.exposition import DatabaseFigures
from feed_service.models.partitions import Partition, missing
from feed_service.queries import jobs, partitions

WITHIN_S = 1.0
"""Prometheus gives up after ten, and wants the other numbers most when the database is away."""

RECONCILE = "reconcile"
"""The job that compares all numbers with a recount."""


async def figures(database: ReadDatabase) -> DatabaseFigures | None:
    """None if the database does not answer in time."""
    try:
        async with asyncio.timeout(WITHIN_S):
            return await _figures(database)
    except (TimeoutError, FeedError, SQLAlchemyError, OSError):
        return None


async def _figures(database: ReadDatabase) -> DatabaseFigures:
    waits = await database.rows(jobs.waits())
    parts = [Partition(*row) for row in await database.rows(partitions.listed())]
    rounds = [row.progress for row in await database.rows(jobs.progress_of(), {"kind": RECONCILE})]
    last = (rounds[0].get("last_round") if rounds else None) or {}
    return DatabaseFigures(
        [(row.kind, row.lag_s, row.failures, row.failed) for row in waits],
        last.get("wrong", {}),
        last.get("repaired", 0),
        Counter(monthly.table for monthly, _ in missing(parts, datetime.now(UTC))),
    )
