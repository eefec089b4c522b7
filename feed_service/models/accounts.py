"""How users prove who they are. Nothing of this is public, and no secret is in it: tokens are kept as their SHA-256."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base, BigId, Count, Created, index, reference


class Account(Base):
    """A user's e-mail address and password; someone whom another provider signs in has neither.

    `email_key` is the address as it is compared. Only a confirmed one is anybody's own.
    """

    __tablename__ = "accounts"

    user_id: Mapped[int] = reference("users.id", primary_key=True)
    email: Mapped[str | None]
    email_key: Mapped[str | None]
    email_confirmed_at: Mapped[datetime | None]
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[datetime | None]

    __table_args__ = (
        index(
            "uq_accounts_email",
            "email_key",
            unique=True,
            postgresql_where=text("email_confirmed_at IS NOT NULL"),
            serves="accounts.account_with_email",
        ),
        index("ix_accounts_email", "email_key", "user_id", serves="accounts.receiver_of_reset"),
    )


class Session(Base):
    """A sign-in that lasts: it is over when the row is gone, or at `expires_at`."""

    __tablename__ = "sessions"

    id: Mapped[BigId]
    user_id: Mapped[int] = reference("users.id")
    created_at: Mapped[Created]
    refreshed_at: Mapped[Created]
    expires_at: Mapped[datetime]

    __table_args__ = (
        index("ix_sessions_user", text("user_id"), text("id DESC"), serves="accounts.sessions_of"),
        index("ix_sessions_expires", "expires_at", serves="accounts.expired_sessions"),
    )


class RefreshToken(Base):
    """A token that was given out. Used ones stay for a while, to know them again.

    `nonce` makes the token that was answered when this one was used; only who has this one can make it.
    """

    __tablename__ = "refresh_tokens"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    used_at: Mapped[datetime | None]
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint("(used_at IS NULL) = (nonce IS NULL)", name="nonce_when_used"),
        index("ix_refresh_tokens_session", "session_id", "used_at", serves="accounts.old_refresh_tokens"),
    )


class MailedToken(Base):
    """What a mail holds to confirm its address, or to choose a new password: good once, until it expires.

    One that was asked for an address nobody has is kept as well, so that this takes no less time; nobody has it.
    """

    __tablename__ = "mailed_tokens"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    purpose: Mapped[str]
    user_id: Mapped[int | None] = reference("users.id")
    email_key: Mapped[str]
    expires_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("purpose IN ('confirm', 'reset')", name="purpose"),
        index("ix_mailed_tokens_user", "user_id", serves="foreign key"),
        index("ix_mailed_tokens_expires", "expires_at", serves="accounts.expired_mailed_tokens"),
    )


class AttemptCount(Base):
    """How often something that can be guessed was tried in the window that begins at `since`.

    `hash` is the SHA-256 of what was tried, a login name for example, whether there is anybody of that name or not.
    """

    __tablename__ = "attempt_counts"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    n: Mapped[Count]

    __table_args__ = (index("ix_attempt_counts_since", "since", serves="accounts.old_attempts"),)


class ExternalIdentity(Base):
    """Who a user is at the identity provider. It outlives the account, so that a deleted one does not come back."""

    __tablename__ = "external_identities"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = reference("users.id")
    created_at: Mapped[Created]

    __table_args__ = (index("ix_external_identities_user", "user_id", serves="foreign key"),)
