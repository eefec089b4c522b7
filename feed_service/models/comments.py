"""Comments in threads, their likes, and the narrow table that siblings are ordered by."""

from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base, BigId, Created, index, reference

MAX_DEPTH = 100
"""Levels of a thread. A deeper reply hangs on its ancestor at this level; beyond 168 the index entry would not fit."""

PATH_STEP = 16
"""Bytes of `path` per level: 8 of microseconds since 1970 and 8 of id, big-endian, both shifted to sort as unsigned."""


class Comment(Base):
    """`path` is the way from the root, one step per level: the order of a thread read depth first, oldest first.

    `parent_id` is the comment it hangs on in the tree; `reply_to_id` is the comment it answers, which is another one
    only below `MAX_DEPTH`.
    """

    __tablename__ = "comments"

    id: Mapped[BigId]
    post_id: Mapped[int] = reference("posts.id")
    author_id: Mapped[int] = reference("users.id")
    parent_id: Mapped[int | None] = reference("comments.id")
    reply_to_id: Mapped[int | None] = reference("comments.id")
    path: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[str]
    created_at: Mapped[Created]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    deleted_by_id: Mapped[int | None] = reference("users.id")
    version: Mapped[int] = mapped_column(server_default="1")

    @property
    def is_tombstone(self) -> bool:
        """Rows of `queries.comments` tell: it keeps its replies together, and shows neither author nor body."""
        return False

    __table_args__ = (
        CheckConstraint(
            f"octet_length(path) % {PATH_STEP} = 0"
            f" AND octet_length(path) BETWEEN {PATH_STEP} AND {PATH_STEP * MAX_DEPTH}",
            name="path",
        ),
        index("uq_comments_path", "post_id", "path", unique=True, serves="comment_trees.trees"),
        index(
            "ix_comments_roots",
            text("post_id"),
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("parent_id IS NULL"),
            serves="comments.roots_of_posts",
        ),
        index(
            "ix_comments_replies",
            text("parent_id"),
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("parent_id IS NOT NULL"),
            serves="comments.replies_of_comments",
        ),
        index(
            "ix_comments_author",
            text("author_id"),
            text("created_at DESC"),
            text("id DESC"),
            serves="foreign key",
        ),
        index(
            "ix_comments_newest",
            text("post_id"),
            text("created_at DESC"),
            postgresql_where=text("deleted_at IS NULL"),
            serves="comments.last_at",
        ),
        index(
            "ix_comments_deleted_with_text",
            "deleted_at",
            "id",
            postgresql_where=text("deleted_at IS NOT NULL AND body <> ''"),
            serves="forgotten.comments_with_text",
        ),
        index(
            "ix_comments_deleted_by",
            "deleted_by_id",
            postgresql_where=text("deleted_by_id IS NOT NULL"),
            serves="foreign key",
        ),
        index(
            "ix_comments_reply_to",
            "reply_to_id",
            postgresql_where=text("reply_to_id IS NOT NULL"),
            serves="foreign key",
        ),
    )

    @property
    def depth(self) -> int:
        """0 for a comment on the post itself."""
        return len(self.path) // PATH_STEP - 1


class CommentLike(Base):
    __tablename__ = "comment_likes"

    user_id: Mapped[int] = reference("users.id", primary_key=True)
    comment_id: Mapped[int] = reference("comments.id", primary_key=True)
    created_at: Mapped[Created]

    __table_args__ = (
        index(
            "ix_comment_likes_likers",
            text("comment_id"),
            text("created_at DESC"),
            text("user_id DESC"),
            serves="likes.likers_of_comments",
        ),
    )


class CommentRank(Base):
    """The likes by which siblings are ordered: an indexed copy of `comment_stats`."""

    __tablename__ = "comment_rank"

    comment_id: Mapped[int] = reference("comments.id", primary_key=True)
    post_id: Mapped[int] = reference("posts.id")
    parent_id: Mapped[int | None]
    like_count: Mapped[int]

    __table_args__ = (
        index(
            "ix_comment_rank_roots",
            text("post_id"),
            text("like_count DESC"),
            text("comment_id DESC"),
            postgresql_where=text("parent_id IS NULL"),
            serves="comments.roots_of_posts",
        ),
        index(
            "ix_comment_rank_replies",
            text("parent_id"),
            text("like_count DESC"),
            text("comment_id DESC"),
            postgresql_where=text("parent_id IS NOT NULL"),
            serves="comments.replies_of_comments",
        ),
        {"postgresql_with": {"fillfactor": 80}},
    )


def child_path(parent: bytes, created_at_us: int, comment_id: int) -> bytes:
    """The path of a comment under `parent` (empty for a root), its time in microseconds since 1970.

    The sign bit is flipped, so that times before 1970 sort first as well.
    """
    step = (created_at_us + (1 << 63)).to_bytes(8, "big") + comment_id.to_bytes(8, "big")
    return parent + step
