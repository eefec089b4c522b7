"""Users and what stands between two of them: follows, blocks and mutes."""

from datetime import datetime

from sqlalchemy import CheckConstraint, func, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base, BigId, Created, index, reference


class User(Base):
    __tablename__ = "users"

    id: Mapped[BigId]
    username: Mapped[str]
    display_name: Mapped[str]
    bio: Mapped[str | None]
    avatar_url: Mapped[str | None]
    role: Mapped[str] = mapped_column(server_default="user")
    created_at: Mapped[Created]
    suspended_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("role IN ('user', 'moderator', 'admin')", name="role"),
        CheckConstraint("username ~ '^[A-Za-z0-9_]{1,40}$'", name="username"),
        # Of patterns, so that it finds names by `=` and by their beginnings: a second index costs a bulk 3 µs a row.
        index(
            "uq_users_username",
            func.lower(literal_column("username")).label("lowered"),
            unique=True,
            postgresql_ops={"lowered": "text_pattern_ops"},
            serves="users.by_usernames",
        ),
        index(
            "ix_users_name_prefix",
            func.lower(literal_column("display_name")).label("lowered"),
            postgresql_ops={"lowered": "text_pattern_ops"},
            serves="search.matching_users",
        ),
        index(
            "ix_users_names",
            literal_column("((username || ' '::text) || display_name)").label("names"),
            postgresql_using="gin",
            postgresql_ops={"names": "gin_trgm_ops"},
            serves="search.matching_users",
        ),
    )


class UserFollow(Base):
    """`follower_id` follows `followee_id`."""

    __tablename__ = "user_follows"

    follower_id: Mapped[int] = reference("users.id", primary_key=True)
    followee_id: Mapped[int] = reference("users.id", primary_key=True)
    created_at: Mapped[Created]

    __table_args__ = (
        CheckConstraint("follower_id <> followee_id", name="not_self"),
        index(
            "ix_user_follows_followers",
            text("followee_id"),
            text("created_at DESC"),
            text("follower_id DESC"),
            serves="follows.followers_of",
        ),
        index(
            "ix_user_follows_following",
            text("follower_id"),
            text("created_at DESC"),
            text("followee_id DESC"),
            serves="follows.followed_by",
        ),
    )


class Block(Base):
    """`blocker_id` and `blocked_id` do not see each other; who blocked whom matters only for lifting it."""

    __tablename__ = "blocks"

    blocker_id: Mapped[int] = reference("users.id", primary_key=True)
    blocked_id: Mapped[int] = reference("users.id", primary_key=True)
    created_at: Mapped[Created]

    __table_args__ = (
        CheckConstraint("blocker_id <> blocked_id", name="not_self"),
        index("ix_blocks_blocked", "blocked_id", "blocker_id", serves="visibility.blocked_between"),
        index(
            "ix_blocks_newest",
            text("blocker_id"),
            text("created_at DESC"),
            text("blocked_id DESC"),
            serves="relationships.blocked_by",
        ),
    )


class Mute(Base):
    """`muter_id` does not want `muted_id` in feeds."""

    __tablename__ = "mutes"

    muter_id: Mapped[int] = reference("users.id", primary_key=True)
    muted_id: Mapped[int] = reference("users.id", primary_key=True)
    created_at: Mapped[Created]

    __table_args__ = (
        CheckConstraint("muter_id <> muted_id", name="not_self"),
        index("ix_mutes_muted", "muted_id", serves="foreign key"),
        index(
            "ix_mutes_newest",
            text("muter_id"),
            text("created_at DESC"),
            text("muted_id DESC"),
            serves="relationships.muted_by",
        ),
    )
