"""Counters: narrow rows without an index on any counter, so that counting stays a HOT update."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from feed_service.models.base import Base, Count, index, reference


def never_negative(*columns: str) -> CheckConstraint:
    return CheckConstraint(" AND ".join(f"{column} >= 0" for column in columns), name="not_negative")


FILLFACTOR = {"postgresql_with": {"fillfactor": 80}}


class PostStats(Base):
    __tablename__ = "post_stats"

    post_id: Mapped[int] = reference("posts.id", primary_key=True)
    like_count: Mapped[Count]
    comment_count: Mapped[Count]
    bookmark_count: Mapped[Count]
    view_count: Mapped[Count]
    commenter_count: Mapped[Count]
    last_comment_at: Mapped[datetime | None]

    __table_args__ = (
        never_negative("like_count", "comment_count", "bookmark_count", "view_count", "commenter_count"),
        FILLFACTOR,
    )


class UserStats(Base):
    __tablename__ = "user_stats"

    user_id: Mapped[int] = reference("users.id", primary_key=True)
    post_count: Mapped[Count]
    follower_count: Mapped[Count]
    following_count: Mapped[Count]
    received_like_count: Mapped[Count]
    view_count: Mapped[Count]
    comment_count: Mapped[Count]
    last_published_at: Mapped[datetime | None]

    __table_args__ = (
        never_negative(
            "post_count",
            "follower_count",
            "following_count",
            "received_like_count",
            "view_count",
            "comment_count",
        ),
        FILLFACTOR,
    )


class CommentStats(Base):
    """`reply_count` counts direct replies, `descendant_count` all comments below; deleted ones count nowhere."""

    __tablename__ = "comment_stats"

    comment_id: Mapped[int] = reference("comments.id", primary_key=True)
    like_count: Mapped[Count]
    reply_count: Mapped[Count]
    descendant_count: Mapped[Count]

    __table_args__ = (never_negative("like_count", "reply_count", "descendant_count"), FILLFACTOR)


class TagStats(Base):
    __tablename__ = "tag_stats"

    tag_id: Mapped[int] = reference("tags.id", primary_key=True)
    post_count: Mapped[Count]
    follower_count: Mapped[Count]

    __table_args__ = (never_negative("post_count", "follower_count"), FILLFACTOR)


class PostCommenter(Base):
    """How many comments a user has under a post; rows with n > 0 are the post's unique commenters."""

    __tablename__ = "post_commenter"

    post_id: Mapped[int] = reference("posts.id", primary_key=True)
    user_id: Mapped[int] = reference("users.id", primary_key=True)
    n: Mapped[Count]

    __table_args__ = (
        never_negative("n"),
        index("ix_post_commenter_user", "user_id", serves="foreign key"),
        FILLFACTOR,
    )
