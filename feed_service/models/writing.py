"""What writing needs beside the things written: idempotency keys, earlier versions, and who viewed what."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, LargeBinary, PrimaryKeyConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base, BigId, Created, index, reference


class IdempotencyKey(Base):
    """What a viewer's mutation under a key has made; good for 24 hours."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[int] = reference("users.id", primary_key=True)
    mutation: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    made: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[Created]

    __table_args__ = (index("ix_idempotency_keys_created", "created_at", serves="idempotency.expired"),)


class ContentEdit(Base):
    """The text of a post or a comment before an edit: version `version`, replaced by the editor at `replaced_at`."""

    __tablename__ = "content_edits"

    id: Mapped[BigId]
    post_id: Mapped[int | None] = reference("posts.id")
    comment_id: Mapped[int | None] = reference("comments.id")
    version: Mapped[int]
    editor_id: Mapped[int] = reference("users.id")
    title: Mapped[str | None]
    body: Mapped[str]
    replaced_at: Mapped[datetime]

    @property
    def is_text_shown(self) -> bool:
        """Rows of `queries.edits` tell whether the viewer may read it."""
        return False

    __table_args__ = (
        CheckConstraint("num_nonnulls(post_id, comment_id) = 1", name="one_subject"),
        index(
            "uq_content_edits_post",
            text("post_id"),
            text("version DESC"),
            unique=True,
            postgresql_where=text("post_id IS NOT NULL"),
            serves="edits.of_posts",
        ),
        index(
            "uq_content_edits_comment",
            text("comment_id"),
            text("version DESC"),
            unique=True,
            postgresql_where=text("comment_id IS NOT NULL"),
            serves="edits.of_comments",
        ),
        index("ix_content_edits_editor", "editor_id", serves="foreign key"),
    )


class PostView(Base):
    """A viewer looked at a post within the hour that begins at `hour`: counted once."""

    __tablename__ = "post_views"

    hour: Mapped[datetime]
    post_id: Mapped[int]
    user_id: Mapped[int]

    __table_args__ = (
        PrimaryKeyConstraint("post_id", "hour", "user_id"),
        index("ix_post_views_user", "user_id", "hour", "post_id", serves="exports.viewed_by"),
        {"postgresql_partition_by": "RANGE (hour)"},
    )
