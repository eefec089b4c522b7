"""Jobs that wait for somebody to take them up, and how all that are not done stand."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Double,
    Select,
    Text,
    all_,
    and_,
    any_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
)

from feed_service import models

KINDS = bindparam("kinds", type_=ARRAY(Text))


job = models.Job

IS_REGULAR: ColumnElement[bool] = job.every_s.is_not(None)
IS_SHOWN = or_(IS_REGULAR, job.finished_at.is_(None))

UNHELD = or_(job.leased_until.is_(None), job.leased_until <= func.now())
_waits = and_(job.state != "failed", UNHELD)
LAG_S = case((_waits, func.greatest(cast(func.extract("epoch", func.now() - job.run_after), Double), 0.0)), else_=0.0)


def due() -> Select[*tuple[Any, ...]]:
    """(id,) of those of `:kinds` whose time has come, also those that a crash has left half done; oldest first."""
    is_open = (job.finished_at.is_(None), job.every_s.is_(None))
    return select(job.id).where(*is_open, job.state != "failed", *_free()).order_by(job.id)


def due_again() -> Select[*tuple[Any, ...]]:
    """(id, state) as of `due`, of regular work; longest due first."""
    return select(job.id, job.state).where(IS_REGULAR, *_free()).order_by(job.run_after, job.id)


def _free() -> tuple[ColumnElement[bool], ...]:
    return job.run_after <= func.now(), UNHELD, job.kind == any_(KINDS)


def listed() -> Select[*tuple[Any, ...]]:
    """All regular work, by kind, and behind it what is not done, oldest first; for the operator.

    `shown` is the state as it matters: `failing` waits after a failure, `removed` is regular and none of `:kinds`.
    """
    shown = case(
        (and_(IS_REGULAR, job.kind != all_(KINDS)), "removed"),
        (and_(job.state == "waiting", job.error.is_not(None)), "failing"),
        else_=job.state,
    )
    columns = (
        job.id, job.kind, shown.label("shown"), job.step, job.every_s, job.run_after, LAG_S.label("lag_s"),
        job.started_at, job.ran_at, job.took_s, job.runs, job.attempts, job.failures, job.error,
        func.now().label("now"),
    )  # fmt: skip
    return select(*columns).where(IS_SHOWN).order_by(job.every_s.is_(None), case((IS_REGULAR, job.kind)), job.id)


def waits() -> Select[*tuple[Any, ...]]:
    """(kind, is_regular, open, lag_s, failures, failed) of each kind; what is done is not looked at.

    `lag_s`: how long that which is due longest has waited, though nobody holds it. `failures`: attempts that failed, of
    regular work since its row was made, of others of those that are not done; `failed`: how many were given up.
    """
    is_failed = job.state == "failed"
    told = (
        func.count().filter(~is_failed).label("open"),
        func.max(LAG_S).label("lag_s"),
        cast(func.sum(job.failures), BigInteger).label("failures"),
        func.count().filter(is_failed).label("failed"),
    )
    is_regular = IS_REGULAR.label("is_regular")
    return select(job.kind, is_regular, *told).where(IS_SHOWN).group_by(job.kind, IS_REGULAR).order_by(job.kind)


def progress_of() -> Select[*tuple[Any, ...]]:
    """(run_after, ran_at, error, progress) of the regular work `:kind`."""
    wanted = (IS_REGULAR, job.kind == bindparam("kind", type_=Text))
    return select(job.run_after, job.ran_at, job.error, job.progress).where(*wanted)
