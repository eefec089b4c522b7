"""Work that outlives a request, or comes back every so often, done step by step by whichever process takes it up."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base, BigId, Count, Created, index


class Job(Base):
    """`step` and `progress` say how far it has come, and are written in the transaction that did the work.

    A running job is held by `leased_by` until `leased_until`; after a crash another takes it up from there.
    `attempts` counts how often the step that is next was begun.

    Regular work is the row of its kind that has `every_s`, the seconds from the begin of one run to that of the next:
    it is never done, and `ran_at` and `took_s` are of its last whole run. Runs change no column that an index has or
    asks for, so that the row stays where it is however often it is written.
    """

    __tablename__ = "jobs"

    id: Mapped[BigId]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")
    step: Mapped[str | None]
    task: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    progress: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    run_after: Mapped[Created]
    leased_by: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[Count]
    error: Mapped[str | None]
    created_by_id: Mapped[int | None]
    created_at: Mapped[Created]
    finished_at: Mapped[datetime | None]
    every_s: Mapped[float | None]
    started_at: Mapped[datetime | None]
    ran_at: Mapped[datetime | None]
    took_s: Mapped[float | None]
    runs: Mapped[Count]
    failures: Mapped[Count]

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
        index(
            "ix_jobs_open",
            "id",
            postgresql_where=text("finished_at IS NULL AND every_s IS NULL"),
            serves="jobs.due",
        ),
        index(
            "ix_jobs_regular",
            "kind",
            unique=True,
            postgresql_where=text("every_s IS NOT NULL"),
            serves="jobs.due_again",
        ),
        {"postgresql_with": {"fillfactor": 50}},
    )
