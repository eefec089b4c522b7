"""Accounts: made, logged in to, their passwords changed. Hashes come in ready made, and mails go out after the commit.

`commands.signing_in` does what is slow before, between and after these transactions.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from feed_service import models
from feed_service.accounts.rules import email_key
from feed_service.commands import attempts, mailed, sessions
from feed_service.commands.audit import AuditEvent
from feed_service.commands.mailed import Letter
from feed_service.commands.permissions import signed_in
from feed_service.commands.sessions import Opened
from feed_service.commands.transaction import Change, Transaction, not_repeatable
from feed_service.errors import Refused
from feed_service.queries import accounts
from feed_service.transactions import compiled
from feed_service.viewer import Viewer
from feed_service.vocabulary import UserErrorCode

account = models.Account
USER_ID = accounts.USER_ID
PASSWORD_HASH = bindparam("password_hash", type_=Text)

_user = upsert(models.User).values(username=bindparam("username"), display_name=bindparam("display_name"))
ADD_USER = compiled(
    _user.on_conflict_do_nothing(index_elements=[func.lower(models.User.username)]).returning(models.User.id)
)
ADD_STATS = compiled(insert(models.UserStats).values(user_id=bindparam("user_id")))
ADD_ACCOUNT = compiled(
    insert(account).values(
        user_id=bindparam("user_id"), email=bindparam("email"), email_key=bindparam("email_key"),
        password_hash=PASSWORD_HASH, password_changed_at=func.now(),
    )
)  # fmt: skip
NAMED = compiled(accounts.account_named())
WITH_EMAIL = compiled(accounts.account_with_email())
OWN = compiled(accounts.own_account())
LOCKED_HASH = compiled(select(account.password_hash).where(account.user_id == USER_ID).with_for_update(key_share=True))
REHASHED = compiled(update(account).where(account.user_id == USER_ID).values(password_hash=PASSWORD_HASH))
CHANGED = compiled(
    update(account)
    .where(account.user_id == USER_ID)
    .values(password_hash=PASSWORD_HASH, password_changed_at=func.now())
)


@dataclass(frozen=True)
class NewAccount:
    """What somebody wants to be called, within the rules."""

    username: str
    display_name: str
    email: str


@not_repeatable
async def sign_up(tx: Transaction, wanted: NewAccount, password_hash: str) -> tuple[Opened, Letter | None]:
    """The first session of the new user, and what to write to the address. Raises Refused if the user name is taken."""
    user_id = await add_user(tx, wanted.username, wanted.display_name)
    if user_id is None:
        raise Refused(UserErrorCode.TAKEN, "This user name is taken.", ("username",))
    key = email_key(wanted.email)
    await tx.sql.run(ADD_ACCOUNT, user_id=user_id, email=wanted.email, email_key=key, password_hash=password_hash)
    letter = await mailed.confirmation(tx, user_id, wanted.username, wanted.email, key)
    personal = {"username": wanted.username, "email": wanted.email}
    tx.audited(AuditEvent("account.sign_up", "user", user_id, owner_id=user_id, private=personal))
    return await sessions.open_session(tx, user_id), letter


async def add_user(tx: Transaction, username: str, display_name: str) -> int | None:
    """The id of a new user, who does the rest of this transaction; None if the name is taken."""
    user_id: int | None = await tx.sql.value(ADD_USER, username=username, display_name=display_name)
    if user_id is not None:
        await tx.sql.run(ADD_STATS, user_id=user_id)
        tx.viewer = Viewer(user_id)
        tx.changed(Change("user", "create", user_id, author_id=user_id))
    return user_id


async def credentials(tx: Transaction, login: str, now: datetime) -> Any:  # noqa: ANN401 - a record.
    """(user_id, password_hash, is_live) of the one who logs in by name or confirmed address; None if there is nobody.

    The attempt is counted, before anybody knows whether it is right, so that many at once do not slip through.
    Raises RateLimited.
    """
    key = email_key(login)
    await attempts.require(tx, attempts.LOG_INS, key, now)
    return await tx.sql.row(WITH_EMAIL if "@" in key else NAMED, login=key)


async def own_credentials(tx: Transaction, now: datetime) -> Any:  # noqa: ANN401 - a record.
    """(user_id, username, email, password_hash, …) of the viewer. The attempt is counted. Raises RateLimited."""
    me = signed_in(tx.viewer)
    await attempts.require(tx, attempts.OWN_PASSWORDS, str(me), now)
    return await tx.sql.row(OWN, user_id=me)


async def own_password_was_right(tx: Transaction, now: datetime) -> None:
    await attempts.taken_back(tx, attempts.OWN_PASSWORDS, str(signed_in(tx.viewer)), now)


@not_repeatable
async def log_in(
    tx: Transaction, login: str, tried_at: datetime, user_id: int, seen_hash: str, new_hash: str | None
) -> Opened | None:
    """A session for whoever knew the password behind `seen_hash`; None if it was changed meanwhile."""
    if await tx.sql.value(LOCKED_HASH, user_id=user_id) != seen_hash:
        return None
    if new_hash is not None:
        await tx.sql.run(REHASHED, user_id=user_id, password_hash=new_hash)
    await attempts.taken_back(tx, attempts.LOG_INS, email_key(login), tried_at)
    tx.viewer = Viewer(user_id)
    opened = await sessions.open_session(tx, user_id)
    tx.audited(AuditEvent("session.log_in", "session", opened.session_id))
    return opened


@not_repeatable
async def change_password(tx: Transaction, seen_hash: str, new_hash: str) -> None:
    """End the viewer's other sessions. Raises Refused if another password was set meanwhile."""
    me = signed_in(tx.viewer)
    if await tx.sql.value(LOCKED_HASH, user_id=me) != seen_hash:
        raise wrong_password("current")
    await _set_password(tx, me, new_hash, kept_session=tx.viewer.session_id)
    await mailed.forget_resets(tx, me)
    tx.audited(AuditEvent("account.change_password", "user", me))


@not_repeatable
async def reset_password(tx: Transaction, secret: str, new_hash: str) -> None:
    """End all sessions of the one to whom the secret was mailed. Raises Refused if it is not good, or not any more."""
    user_id = await mailed.use_for_reset(tx, secret)
    await _set_password(tx, user_id, new_hash, kept_session=None)
    tx.viewer = Viewer(user_id)
    tx.audited(AuditEvent("account.reset_password", "user", user_id))


async def _set_password(tx: Transaction, user_id: int, new_hash: str, kept_session: int | None) -> None:
    await tx.sql.run(CHANGED, user_id=user_id, password_hash=new_hash)
    await sessions.end_all_but(tx, user_id, kept_session)


def wrong_password(field: str) -> Refused:
    return Refused(UserErrorCode.INVALID_CREDENTIALS, "The password is wrong.", (field,))
