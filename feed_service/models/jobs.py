"""Work that outlives a request, done step by step by whichever process takes it up."""

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

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
        index(
            "ix_jobs_due",
            "run_after",
            "id",
            postgresql_where=text("state IN ('waiting', 'running')"),
            serves="jobs.due",
        ),
    )
