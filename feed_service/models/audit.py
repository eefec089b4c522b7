"""The audit trail: append-only events, chained by hashes, one chain per stream."""

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base, Count, Created, index


class AuditStream(Base):
    """The end of a chain: whoever appends to it locks this row, after all others but those of numbers.

    Events up to number `forgotten` may have been dropped; `forgotten_hash` is what the next one is chained to.
    """

    __tablename__ = "audit_streams"

    name: Mapped[str] = mapped_column(primary_key=True)
    length: Mapped[Count]
    last_hash: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''::bytea"))
    forgotten: Mapped[Count]
    forgotten_hash: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''::bytea"))


class AuditEvent(Base):
    """Who did what to whom: a trigger refuses whatever is not an insert.

    `private` is personal data, encrypted with the key of `owner_id`, whose data they are. `hash` covers all other
    columns and the hash before it; without the owner's key, the chain still verifies. `at` is in the key because the
    trail is in partitions by it; that a number is given out once is due to the lock on the stream.
    """

    __tablename__ = "audit_events"

    stream: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    actor_id: Mapped[int | None]
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[int | None]
    request_id: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    owner_id: Mapped[int | None]
    private: Mapped[bytes | None] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        index("ix_audit_events_subject", "subject_kind", "subject_id", text("at DESC"), serves="audit.about"),
        {"postgresql_partition_by": "RANGE (at)"},
    )


class AuditKey(Base):
    """What decrypts a person's data in the trail; `key` is null when they were made unreadable, for ever."""

    __tablename__ = "audit_keys"

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Created]
