"""Whose token it is and whose it will be; sessions; and what is over and can be forgotten.

Most take their values as parameters and are made once: one of them runs with every request that is signed in.
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, Integer, Select, Text, and_, bindparam, func, select

from feed_service import models
from feed_service.queries.batches import Ids, ids_parameter, is_any
from feed_service.queries.visibility import user_is_live

Statement = Select[*tuple[Any, ...]]

MOST_SESSIONS = 100
"""Of one user; a further one ends the oldest."""

USER_ID = bindparam("user_id", type_=BigInteger)
LIMIT = bindparam("limit", type_=Integer)


def live_accounts() -> Statement:
    """(user_id, role, session_id) of those of the users `:user_ids` who are live.

    A row for each of the sessions `:session_ids` that is theirs and not over; one without a session for who has none.
    """
    user, session = models.User, models.Session
    is_on = and_(
        session.user_id == user.id,
        is_any(session.id, ids_parameter("session_ids")),
        session.expires_at > func.now(),
    )
    found = select(user.id.label("user_id"), user.role, session.id.label("session_id")).outerjoin(session, is_on)
    return found.where(is_any(user.id, ids_parameter("user_ids")), user_is_live(user.id))


def live_account_named() -> Statement:
    """(id, role) of the user called `:username`, in lower case, if live."""
    user = models.User
    return select(user.id, user.role).where(named("username"), user_is_live(user.id))


def account_of_identity() -> Statement:
    """(id, role, is_live) of the user who is `:subject` at the provider `:issuer`."""
    user, identity = models.User, models.ExternalIdentity
    found = (identity.issuer == bindparam("issuer", type_=Text), identity.subject == bindparam("subject", type_=Text))
    of_user = select(user.id, user.role, user_is_live(user.id).label("is_live"))
    return of_user.join(identity, identity.user_id == user.id).where(*found)


def account_named() -> Statement:
    """(user_id, password_hash, is_live) of the user called `:login`, in lower case."""
    return credentials().where(named("login"))


def account_with_email() -> Statement:
    """(user_id, password_hash, is_live) of the user who has confirmed to have the address `:login`, as a key."""
    account = models.Account
    return credentials().where(
        account.email_key == bindparam("login", type_=Text), account.email_confirmed_at.is_not(None)
    )


def credentials() -> Statement:
    user, account = models.User, models.Account
    columns = select(user.id.label("user_id"), account.password_hash, user_is_live(user.id).label("is_live"))
    return columns.outerjoin(account, account.user_id == user.id)


def own_account() -> Statement:
    """(user_id, username, email, email_key, email_confirmed_at, password_hash, is_live) of `:user_id`."""
    user, account = models.User, models.Account
    email = (account.email, account.email_key, account.email_confirmed_at)
    return credentials().add_columns(user.username, *email).where(user.id == USER_ID)


def owner_of_email() -> Statement:
    """(user_id, username, email, is_live) of the user who has confirmed to have the address `:email_key`."""
    account = models.Account
    owned = (account.email_key == bindparam("email_key", type_=Text), account.email_confirmed_at.is_not(None))
    return credentials().add_columns(models.User.username, account.email).where(*owned)


def receiver_of_reset() -> Statement:
    """As `owner_of_email`; of an address that nobody has confirmed, the first who gave it."""
    account = models.Account
    given = credentials().add_columns(models.User.username, account.email)
    of_address = given.where(account.email_key == bindparam("email_key", type_=Text))
    return of_address.order_by(account.email_confirmed_at.is_(None), account.user_id).limit(1)


def emails_of(user_ids: Ids) -> Statement:
    """(user_id, email, email_confirmed_at) of those who have an account."""
    account = models.Account
    return select(account.user_id, account.email, account.email_confirmed_at).where(is_any(account.user_id, user_ids))


def sessions_of(user_ids: Ids) -> Select[models.Session]:
    """Those that are not over, newest first."""
    session = models.Session
    is_on = (is_any(session.user_id, user_ids), session.expires_at > func.now())
    return select(session).where(*is_on).order_by(session.user_id, session.id.desc())


def superfluous_sessions() -> Statement:
    """(id,) of the sessions of `:user_id` beyond the newest, of which one is about to be made."""
    session = models.Session
    newest_first = select(session.id).where(session.user_id == USER_ID).order_by(session.id.desc())
    return newest_first.offset(MOST_SESSIONS - 1)


def expired_sessions() -> Statement:
    session = models.Session
    return select(session.id).where(session.expires_at <= func.now()).order_by(session.expires_at).limit(LIMIT)


def old_refresh_tokens() -> Statement:
    """(hash,) of tokens of the session `:session_id` that were used before `:before`."""
    token = models.RefreshToken
    of_session = token.session_id == bindparam("session_id", type_=BigInteger)
    return select(token.hash).where(of_session, token.used_at < bindparam("before", type_=DateTime(timezone=True)))


def expired_mailed_tokens() -> Statement:
    token = models.MailedToken
    return select(token.hash).where(token.expires_at <= func.now()).order_by(token.expires_at).limit(LIMIT)


def old_attempts() -> Statement:
    """(hash, since) of windows that began before `:before`."""
    attempt = models.AttemptCount
    before = bindparam("before", type_=DateTime(timezone=True))
    return select(attempt.hash, attempt.since).where(attempt.since < before).order_by(attempt.since).limit(LIMIT)


def named(parameter: str) -> ColumnElement[bool]:
    return func.lower(models.User.username) == bindparam(parameter, type_=Text)
