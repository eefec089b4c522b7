"""Jobs, from their creation to their end: a step's work and where it leaves the job are one transaction.

Those that come back are in `regular_jobs`.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import BigInteger, DateTime, Interval, Text, bindparam, case, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB

from feed_service import models
from feed_service.commands.transaction import Transaction
from feed_service.queries import jobs
from feed_service.transactions import compiled

Memory = dict[Any, Any]


@dataclass(frozen=True)
class Job:
    """What a step is given. `step` is None before the first; `task` never changes, `progress` is what steps keep."""

    id: int
    kind: str
    step: str | None
    task: Mapping[str, Any]
    progress: Mapping[str, Any]
    created_by_id: int | None
    attempts: int
    """How often the next step was begun, this time included."""
    memory: Memory = field(default_factory=dict)
    """What steps keep for those after them in the same process: only what another process can make anew."""

    @classmethod
    def of(cls, row: Any, memory: Memory) -> Self:  # noqa: ANN401 - a record.
        return cls(
            row["id"], row["kind"], row["step"], row["task"], row["progress"],
            row["created_by_id"], row["attempts"], memory,
        )  # fmt: skip


@dataclass(frozen=True)
class Progress:
    """Where a step leaves its job: what to do next, or nothing more (None), what to remember, how long to wait."""

    step: str | None
    progress: Mapping[str, Any] = field(default_factory=dict)
    wait: timedelta | None = None


Step = Callable[[Transaction, Job], Awaitable[Progress]]

JOB_ID = bindparam("job_id", type_=BigInteger)
HOLDER = bindparam("holder", type_=Text)
LEASE = bindparam("lease", type_=Interval)
WAIT = bindparam("wait", type_=Interval)

job = models.Job
COLUMNS = (job.id, job.kind, job.step, job.task, job.progress, job.created_by_id, job.attempts)

ADD = compiled(
    insert(job)
    .values(
        kind=bindparam("kind"), task=bindparam("task"), created_by_id=bindparam("created_by_id"),
        run_after=func.coalesce(bindparam("run_after", type_=DateTime(timezone=True)), func.now()),
    )
    .returning(job.id)
)  # fmt: skip
CLAIM = compiled(
    update(job)
    .where(job.id == jobs.due().limit(1).with_for_update(skip_locked=True).scalar_subquery())
    .values(
        state="running", leased_by=HOLDER, leased_until=func.now() + LEASE, attempts=job.attempts + 1,
        started_at=func.coalesce(job.started_at, func.now()),
    )
    .returning(*COLUMNS)
)  # fmt: skip
_held = (job.id == JOB_ID, job.leased_by == HOLDER, job.state == "running")
HELD = compiled(select(*COLUMNS).where(*_held).with_for_update(key_share=True))
ADVANCE = compiled(
    update(job)
    .where(*_held)
    .values(
        step=bindparam("next_step", type_=Text), progress=bindparam("next_progress", type_=JSONB),
        leased_until=func.now() + LEASE, attempts=1, error=None,
    )
)  # fmt: skip
_given_back: dict[str, Any] = {"leased_by": None, "leased_until": None}
FINISH = compiled(
    update(job)
    .where(*_held)
    .values(
        state="done", step=None, progress=bindparam("next_progress", type_=JSONB), finished_at=func.now(),
        attempts=0, error=None, **_given_back,
    )
)  # fmt: skip
WAIT_FOR_NEXT = compiled(
    update(job)
    .where(*_held)
    .values(
        state="waiting", step=bindparam("next_step", type_=Text), progress=bindparam("next_progress", type_=JSONB),
        run_after=func.now() + WAIT, attempts=0, error=None, **_given_back,
    )
)  # fmt: skip
GIVE_BACK = compiled(update(job).where(*_held).values(state="waiting", attempts=job.attempts - 1, **_given_back))
_failed: dict[str, Any] = {"error": bindparam("why", type_=Text), "failures": job.failures + 1}
PUT_OFF = compiled(
    update(job).where(*_held).values(state="waiting", run_after=func.now() + WAIT, **_failed, **_given_back)
)
FAIL = compiled(update(job).where(*_held).values(state="failed", **_failed, **_given_back))
RETRY = compiled(
    update(job)
    .where(job.id == JOB_ID, or_(job.state == "failed", job.every_s.is_not(None)))
    .values(
        state=case((job.state == "failed", "waiting"), else_=job.state), run_after=func.now(), finished_at=None,
        attempts=case((job.state == "running", job.attempts), else_=0),
    )
)  # fmt: skip


async def create(tx: Transaction, kind: str, task: Mapping[str, Any], *, run_after: datetime | None = None) -> int:
    """The id of a job that begins when this transaction is committed, or at `run_after`. `task` is JSON."""
    created_by = tx.viewer.user_id
    job_id: int = await tx.sql.value(ADD, kind=kind, task=dict(task), created_by_id=created_by, run_after=run_after)
    return job_id


def new_holder() -> str:
    return secrets.token_hex(8)


async def claim(tx: Transaction, kinds: Sequence[str], holder: str, lease: timedelta) -> Job | None:
    """Take up the job that is due longest; None if there is none that nobody else holds."""
    row = await tx.sql.row(CLAIM, kinds=list(kinds), holder=holder, lease=lease)
    return None if row is None else Job.of(row, {})


async def advance(
    tx: Transaction, job_id: int, holder: str, lease: timedelta, step: Step, memory: Memory | None = None
) -> bool:
    """Do one step of a job that `holder` has taken up. Whether there is another to do now.

    The job's row is locked until the commit, so nobody else can take it up meanwhile however long the step takes;
    a holder who has lost it, because it slept through its lease, does nothing at all.
    """
    row = await tx.sql.row(HELD, job_id=job_id, holder=holder)
    if row is None:
        return False
    left = await step(tx, Job.of(row, {} if memory is None else memory))
    if left.step is None:
        await tx.sql.run(FINISH, job_id=job_id, holder=holder, next_progress=dict(left.progress))
        return False
    following = {"job_id": job_id, "holder": holder, "next_step": left.step, "next_progress": dict(left.progress)}
    if left.wait is not None:
        await tx.sql.run(WAIT_FOR_NEXT, wait=left.wait, **following)
        return False
    await tx.sql.run(ADVANCE, lease=lease, **following)
    return True


async def give_back(tx: Transaction, job_id: int, holder: str) -> None:
    """Leave the job to the next who asks: this process is told to stop."""
    await tx.sql.run(GIVE_BACK, job_id=job_id, holder=holder)


async def put_off(
    tx: Transaction, job_id: int, holder: str, why: str, most_attempts: int, wait: Callable[[int], timedelta]
) -> None:
    """Have the step tried again after `wait(attempts)`, or give the job up until an operator has it tried again."""
    row = await tx.sql.row(HELD, job_id=job_id, holder=holder)
    if row is None:
        return
    if row["attempts"] >= most_attempts:
        await tx.sql.run(FAIL, job_id=job_id, holder=holder, why=why)
    else:
        await tx.sql.run(PUT_OFF, job_id=job_id, holder=holder, why=why, wait=wait(row["attempts"]))


async def retry(tx: Transaction, job_id: int) -> bool:
    """Have a failed job tried again, from the step that failed, or a regular one at once. Whether it was one."""
    return bool(await tx.sql.run(RETRY, job_id=job_id))
