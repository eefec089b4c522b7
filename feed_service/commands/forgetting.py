"""What is kept for a time only, and then deleted: a bounded number of rows in each transaction.

What is kept by months goes with whole partitions: see `forgetting_partitions`.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import DateTime, Integer, bindparam, delete, select, tuple_

from feed_service import models
from feed_service.commands.transaction import Transaction
from feed_service.transactions import compiled

FORGOTTEN = 1_000
"""Rows that one call forgets at most."""

JOBS_KEPT = timedelta(days=30)
"""Those that are done. Failed ones stay until they were tried again."""

OBSERVATIONS_KEPT = timedelta(days=7)
"""How far back a report looks."""

BEFORE, LIMIT = bindparam("before", type_=DateTime(timezone=True)), bindparam("limit", type_=Integer)

job = models.Job
_first_jobs = select(job.id).order_by(job.id).limit(LIMIT).scalar_subquery()
FORGET_JOBS = compiled(delete(job).where(job.id.in_(_first_jobs), job.state == "done", job.finished_at < BEFORE))


async def forget_jobs(tx: Transaction) -> int:
    """How many that are done went; while there are any, there may be more."""
    return await tx.sql.run(FORGET_JOBS, before=datetime.now(UTC) - JOBS_KEPT, limit=FORGOTTEN)


seen = models.Observation
_seen_key = (seen.kind, seen.at, seen.source)
_old_observations = select(*_seen_key).where(seen.at < BEFORE).order_by(*_seen_key).limit(LIMIT)
FORGET_OBSERVATIONS = compiled(delete(seen).where(tuple_(*_seen_key).in_(_old_observations)))


async def forget_observations(tx: Transaction) -> int:
    """As `forget_jobs`, of what was measured. The whole key is gone through: a process leaves 10,000 rows a week."""
    return await tx.sql.run(FORGET_OBSERVATIONS, before=datetime.now(UTC) - OBSERVATIONS_KEPT, limit=FORGOTTEN)
