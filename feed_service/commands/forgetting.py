"""What is kept for a time only, and then deleted: a bounded number of rows in each transaction."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import DateTime, Integer, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands.transaction import Transaction
from feed_service.queries import changes
from feed_service.transactions import compiled

FORGOTTEN = 1_000
"""Rows that one call forgets at most."""

CHANGES_KEPT = timedelta(days=7)
"""How long a poller may be away without having to begin anew."""

VIEWS_KEPT = timedelta(hours=2)
"""A view is counted once in each hour; what is older than that counts nothing any more."""

JOBS_KEPT = timedelta(days=30)
"""Those that are done. Failed ones stay until they were tried again."""

OBSERVATIONS_KEPT = timedelta(days=7)
"""How far back a report looks."""

BEFORE, LIMIT = bindparam("before", type_=DateTime(timezone=True)), bindparam("limit", type_=Integer)

log, horizon = models.ChangeLog, models.ChangeLogHorizon

_old = changes.oldest().cte("old")
_gone = delete(log).where(log.seq == _old.c.seq).returning(log.xid).cte("gone")
_newest = select(_gone.c.xid).order_by(_gone.c.xid.desc()).limit(1)
_moved = insert(horizon).from_select(["xid"], _newest)
FORGET_CHANGES = compiled(
    _moved.on_conflict_do_update(index_elements=["id"], set_={"xid": func.greatest(_moved.excluded.xid, horizon.xid)})
)


async def forget_changes(tx: Transaction) -> bool:
    """Delete the oldest events of the log, and say so to pollers in the same moment. Whether there may be more."""
    before = datetime.now(UTC) - CHANGES_KEPT
    return bool(await tx.sql.run(FORGET_CHANGES, before=before, limit=FORGOTTEN))


view = models.PostView
_key = (view.hour, view.post_id, view.user_id)
_old_views = select(*_key).where(view.hour < BEFORE).order_by(*_key).limit(LIMIT)
FORGET_VIEWS = compiled(delete(view).where(tuple_(*_key).in_(_old_views)))


async def forget_views(tx: Transaction) -> int:
    """How many went; while there are any, there may be more."""
    return await tx.sql.run(FORGET_VIEWS, before=datetime.now(UTC) - VIEWS_KEPT, limit=FORGOTTEN)


job = models.Job
_first_jobs = select(job.id).order_by(job.id).limit(LIMIT).scalar_subquery()
FORGET_JOBS = compiled(delete(job).where(job.id.in_(_first_jobs), job.state == "done", job.finished_at < BEFORE))


async def forget_jobs(tx: Transaction) -> int:
    """As `forget_views`, of jobs that are done."""
    return await tx.sql.run(FORGET_JOBS, before=datetime.now(UTC) - JOBS_KEPT, limit=FORGOTTEN)


seen = models.Observation
_seen_key = (seen.kind, seen.at, seen.source)
_old_observations = select(*_seen_key).where(seen.at < BEFORE).order_by(*_seen_key).limit(LIMIT)
FORGET_OBSERVATIONS = compiled(delete(seen).where(tuple_(*_seen_key).in_(_old_observations)))


async def forget_observations(tx: Transaction) -> int:
    """As `forget_views`, of what was measured. The whole key is gone through: a process leaves 10,000 rows a week."""
    return await tx.sql.run(FORGET_OBSERVATIONS, before=datetime.now(UTC) - OBSERVATIONS_KEPT, limit=FORGOTTEN)
