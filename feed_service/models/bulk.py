"""Bulks: many lines that somebody has sent, and what became of each."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base, BigId, Count, Created, index, reference


class Bulk(Base):
    """Lines of one kind. `job_id` does them, chunk by chunk, once all have arrived.

    `counts` is `{"outcomes": {"followed": 2}, "refusals": {"SELF": 1}}` of the chunks that are done. It is cancelled if
    `cancelled_at` came before the last of them.
    """

    __tablename__ = "bulks"

    id: Mapped[BigId]
    kind: Mapped[str]
    is_dry_run: Mapped[bool]
    created_by_id: Mapped[int | None] = reference("users.id")
    created_at: Mapped[Created]
    idempotency_key: Mapped[str | None]
    request_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    byte_count: Mapped[Count]
    line_count: Mapped[Count]
    chunk_count: Mapped[Count]
    done_chunk_count: Mapped[Count]
    done_line_count: Mapped[Count]
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    job_id: Mapped[int | None]
    cancelled_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    forgotten_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("done_chunk_count BETWEEN 0 AND chunk_count", name="done"),
        index(
            "uq_bulks_idempotency_key",
            "created_by_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
            serves="bulk.under_key",
        ),
        index("ix_bulks_created_by", "created_by_id", text("id DESC"), serves="bulk.unfinished_of"),
        index("ix_bulks_kept", "created_at", postgresql_where=text("forgotten_at IS NULL"), serves="bulk.forgettable"),
    )


class BulkChunk(Base):
    """Some of the lines, the first of them number `first_line`; what became of them is NDJSON as well."""

    __tablename__ = "bulk_chunks"

    bulk_id: Mapped[int] = mapped_column(ForeignKey("bulks.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_line: Mapped[int]
    line_count: Mapped[Count]
    lines: Mapped[bytes] = mapped_column(LargeBinary)
    outcomes: Mapped[bytes | None] = mapped_column(LargeBinary)


class BulkEffect(Base):
    """What a dry run would have made of something, for the chunks after it: they cannot find it done."""

    __tablename__ = "bulk_effects"

    bulk_id: Mapped[int] = mapped_column(ForeignKey("bulks.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[dict[str, Any]] = mapped_column(JSONB)


class BulkDeletion(Base):
    """A bulk has deleted this post, and it is still that deletion while the post's own `deleted_at` is the same."""

    __tablename__ = "bulk_deletions"

    bulk_id: Mapped[int] = reference("bulks.id", primary_key=True)
    post_id: Mapped[int] = reference("posts.id", primary_key=True)
    deleted_at: Mapped[datetime]

    __table_args__ = (index("ix_bulk_deletions_post", "post_id", serves="foreign key"),)
