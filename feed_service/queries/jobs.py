"""Jobs that wait for somebody to take them up."""

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, any_, bindparam, func, or_, select

from feed_service import models

KINDS = bindparam("kinds", type_=ARRAY(Text))


job = models.Job


def due() -> Select[*tuple[Any, ...]]:
    """(id,) of those of `:kinds` whose time has come, also those that a crash has left half done; oldest first."""
    is_open = (job.finished_at.is_(None), job.every_s.is_(None))
    return select(job.id).where(*is_open, job.state != "failed", *_free()).order_by(job.id)


def due_again() -> Select[*tuple[Any, ...]]:
    """(id, state) as of `due`, of regular work; longest due first."""
    return select(job.id, job.state).where(job.every_s.is_not(None), *_free()).order_by(job.run_after, job.id)


def _free() -> tuple[ColumnElement[bool], ...]:
    unheld = or_(job.leased_until.is_(None), job.leased_until <= func.now())
    return job.run_after <= func.now(), unheld, job.kind == any_(KINDS)


def unfinished() -> Select[*tuple[Any, ...]]:
    """All that are not done, for the operator; oldest first."""
    return select(job).where(job.state != "done").order_by(job.id)
