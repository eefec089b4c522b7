"""Jobs that wait for somebody to take them up."""

from typing import Any

from sqlalchemy import ARRAY, Select, Text, any_, bindparam, func, or_, select

from feed_service import models

KINDS = bindparam("kinds", type_=ARRAY(Text))


def due() -> Select[*tuple[Any, ...]]:
    """(id,) of those of `:kinds` whose time has come, also those that a crash has left half done; longest due first."""
    job = models.Job
    is_open = or_(job.state == "waiting", job.state == "running")
    unheld = or_(job.leased_until.is_(None), job.leased_until <= func.now())
    return (
        select(job.id)
        .where(is_open, job.run_after <= func.now(), unheld, job.kind == any_(KINDS))
        .order_by(job.run_after, job.id)
    )


def unfinished() -> Select[*tuple[Any, ...]]:
    """All that are not done, for the operator; oldest first."""
    job = models.Job
    return select(job).where(job.state != "done").order_by(job.id)
