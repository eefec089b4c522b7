"""Regular work as rows of `jobs`: each comes back when its time has come, and is never done and never given up."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    Double,
    Interval,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from feed_service import models
from feed_service.commands.jobs import COLUMNS, HELD, HOLDER, JOB_ID, LEASE, WAIT, Job, Step
from feed_service.commands.transaction import Transaction
from feed_service.queries import jobs
from feed_service.transactions import compiled

job = models.Job

_given = func.unnest(bindparam("kinds", type_=ARRAY(Text)), bindparam("periods", type_=ARRAY(Double)))
_wanted = _given.table_valued(column("kind", Text), column("every_s", Double)).render_derived(name="wanted")
_is_there = exists(select(job.id).where(job.kind == _wanted.c.kind, job.every_s == _wanted.c.every_s))
_missing = insert(job).from_select(["kind", "every_s"], select(_wanted.c.kind, _wanted.c.every_s).where(~_is_there))
_second = literal(timedelta(seconds=1), Interval)
ENSURE = compiled(
    _missing.on_conflict_do_update(
        index_elements=[job.kind],
        index_where=job.every_s.is_not(None),
        set_={
            "every_s": _missing.excluded.every_s,
            "run_after": func.least(job.run_after, func.now() + _missing.excluded.every_s * _second),
        },
    )
)
_due = jobs.due_again().limit(1).with_for_update(skip_locked=True).cte("due")
_begins = case((job.step.is_(None), func.now()), else_=job.started_at)
CLAIM = compiled(
    update(job)
    .where(job.id == _due.c.id)
    .values(
        state="running", leased_by=HOLDER, leased_until=func.now() + LEASE, attempts=job.attempts + 1,
        started_at=_begins,
    )
    .returning(*COLUMNS, _due.c.state.label("was"))
)  # fmt: skip
_held = and_(job.id == JOB_ID, job.leased_by == HOLDER, job.state == "running")
_left: dict[str, Any] = {"state": "waiting", "leased_by": None, "leased_until": None}
_took_s = func.extract("epoch", func.clock_timestamp() - job.started_at)
RAN = compiled(
    update(job)
    .where(_held)
    .values(
        **_left, step=null(), progress=bindparam("next_progress", type_=JSONB), attempts=0, error=null(),
        run_after=func.now() + job.every_s * _second, ran_at=func.clock_timestamp(), took_s=cast(_took_s, Double),
        runs=job.runs + 1,
    )
)  # fmt: skip
GO_ON = compiled(
    update(job)
    .where(_held)
    .values(
        **_left, step=bindparam("next_step", type_=Text), progress=bindparam("next_progress", type_=JSONB),
        attempts=0, error=null(), run_after=func.now() + WAIT,
    )
)  # fmt: skip
PUT_OFF = compiled(
    update(job)
    .where(_held)
    .values(
        **_left, error=bindparam("why", type_=Text), failures=job.failures + 1, run_after=func.now() + WAIT,
    )
)  # fmt: skip


async def ensure(tx: Transaction, periods: Mapping[str, float]) -> None:
    """Have a row for each kind, due now if it is new; periods, in seconds, are as the code has them."""
    kinds = sorted(periods)
    await tx.sql.run(ENSURE, kinds=kinds, periods=[periods[kind] for kind in kinds])


async def claim(tx: Transaction, kinds: Sequence[str], holder: str, lease: timedelta) -> tuple[Job, bool] | None:
    """(what is due longest, whether whoever had it before has died of it or lost it), or None."""
    row = await tx.sql.row(CLAIM, kinds=list(kinds), holder=holder, lease=lease)
    return None if row is None else (Job.of(row, {}), row["was"] == "running")


async def advance(tx: Transaction, job_id: int, holder: str, step: Step) -> bool:
    """Do one piece, and say in the same transaction when the next is due. Whether that is now.

    As with `jobs.advance`, the row is locked until the commit, and whoever has lost it does nothing.
    """
    row = await tx.sql.row(HELD, job_id=job_id, holder=holder)
    if row is None:
        return False
    left = await step(tx, Job.of(row, {}))
    following = {"job_id": job_id, "holder": holder, "next_progress": dict(left.progress)}
    if left.step is None:
        await tx.sql.run(RAN, **following)
        return False
    await tx.sql.run(GO_ON, next_step=left.step, wait=left.wait or timedelta(), **following)
    return left.wait is None


async def put_off(tx: Transaction, job_id: int, holder: str, why: str, wait: Callable[[int], timedelta]) -> None:
    """Have it tried again after `wait(attempts)`, however often that was."""
    row = await tx.sql.row(HELD, job_id=job_id, holder=holder)
    if row is not None:
        await tx.sql.run(PUT_OFF, job_id=job_id, holder=holder, why=why, wait=wait(row["attempts"]))
