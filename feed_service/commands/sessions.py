"""Sessions: opened, carried on by refresh tokens that are good once, and ended, which takes them out of their table.

A used refresh token that comes back was copied: its session ends. Only within `GRACE` is it answered as it was the
first time, with the same successor, so that two tabs or a lost answer end no session; see docs/decisions/0006.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, LargeBinary, bindparam, delete, insert, select, tuple_, update

from feed_service import models
from feed_service.accounts.bearer_secrets import hash_of, new_nonce, new_secret, successor_of
from feed_service.commands.audit import AuditEvent
from feed_service.commands.permissions import not_found, signed_in
from feed_service.commands.transaction import Transaction
from feed_service.queries import accounts
from feed_service.queries.visibility import user_is_live
from feed_service.transactions import compiled
from feed_service.viewer import Viewer

IDLE = timedelta(days=30)
"""A session that is not refreshed for so long is over."""

LONGEST = timedelta(days=90)
GRACE = timedelta(seconds=10)

KNOWN_AGAIN = timedelta(days=7)
"""How long a used token is kept. Later it is just unknown: at four an hour, all of them would be 8,600 per session."""

SESSION_ID = bindparam("session_id", type_=BigInteger)
HASH = bindparam("hash", type_=LargeBinary)
session, token = models.Session, models.RefreshToken

OPEN = compiled(
    insert(session).values(user_id=bindparam("user_id"), expires_at=bindparam("expires_at")).returning(session.id)
)
END_SUPERFLUOUS = compiled(delete(session).where(session.id.in_(accounts.superfluous_sessions())))
ADD_TOKEN = compiled(insert(token).values(hash=HASH, session_id=SESSION_ID))
_locked = select(session.id, session.user_id, session.created_at, session.expires_at)
LOCKED = compiled(
    _locked.add_columns(user_is_live(session.user_id).label("is_live"))
    .where(session.id.in_(select(token.session_id).where(token.hash == HASH)))
    .with_for_update(key_share=True, of=session)
)
TOKEN = compiled(select(token.used_at, token.nonce).where(token.hash == HASH))
USE = compiled(
    update(token)
    .where(token.hash == bindparam("used", type_=LargeBinary))
    .values(used_at=bindparam("used_at", type_=DateTime(timezone=True)), nonce=bindparam("nonce", type_=LargeBinary))
)
CARRY_ON = compiled(
    update(session)
    .where(session.id == SESSION_ID)
    .values(refreshed_at=bindparam("now"), expires_at=bindparam("expires_at"))
)
FORGET_USED = compiled(delete(token).where(token.hash.in_(accounts.old_refresh_tokens())))
END = compiled(delete(session).where(session.id == SESSION_ID, session.user_id == accounts.USER_ID))
END_ALL_BUT = compiled(
    delete(session).where(session.user_id == accounts.USER_ID, session.id != bindparam("kept", type_=BigInteger))
)
NONE_KEPT = 0


@dataclass(frozen=True)
class Opened:
    user_id: int
    session_id: int
    refresh_token: str


async def open_session(tx: Transaction, user_id: int) -> Opened:
    """The oldest of too many sessions of the user end."""
    now, refresh_token = datetime.now(UTC), new_secret()
    await tx.sql.run(END_SUPERFLUOUS, user_id=user_id)
    session_id: int = await tx.sql.value(OPEN, user_id=user_id, expires_at=now + IDLE)
    await tx.sql.run(ADD_TOKEN, hash=hash_of(refresh_token), session_id=session_id)
    return Opened(user_id, session_id, refresh_token)


async def refresh(tx: Transaction, refresh_token: str) -> Opened | None:
    """The session with its next token; None for a token that is not good, or not good any more.

    It answers rather than raises, because a token that was used before ends its session, which must be stored.
    """
    now, hashed = datetime.now(UTC), hash_of(refresh_token)
    found = await tx.sql.row(LOCKED, hash=hashed)
    if found is None or found["expires_at"] <= now or not found["is_live"]:
        return None
    # Read after the lock was granted, this is what a refresh in another tab has left.
    state = await tx.sql.row(TOKEN, hash=hashed)
    if state is None:
        return None
    tx.viewer = Viewer(found["user_id"])
    if state["used_at"] is None:
        return await _carried_on(tx, found, refresh_token, now)
    if now - state["used_at"] <= GRACE:
        return Opened(found["user_id"], found["id"], successor_of(refresh_token, bytes(state["nonce"])))
    await _ended(tx, found["user_id"], found["id"], "session.reuse")
    return None


async def _carried_on(tx: Transaction, found: Any, refresh_token: str, now: datetime) -> Opened:  # noqa: ANN401 - a record.
    nonce, session_id = new_nonce(), found["id"]
    following = successor_of(refresh_token, nonce)
    await tx.sql.run(
        CARRY_ON, session_id=session_id, now=now, expires_at=min(now + IDLE, found["created_at"] + LONGEST)
    )
    await tx.sql.run(USE, used=hash_of(refresh_token), used_at=now, nonce=nonce)
    await tx.sql.run(ADD_TOKEN, hash=hash_of(following), session_id=session_id)
    await tx.sql.run(FORGET_USED, session_id=session_id, before=now - KNOWN_AGAIN)
    return Opened(found["user_id"], session_id, following)


async def log_out(tx: Transaction, refresh_token: str | None) -> None:
    """End the session of the viewer, and that of the token. Nothing to end is no error."""
    if tx.viewer.user_id is not None and tx.viewer.session_id is not None:
        await _ended(tx, tx.viewer.user_id, tx.viewer.session_id, "session.log_out")
    if refresh_token is not None:
        found = await tx.sql.row(LOCKED, hash=hash_of(refresh_token))
        if found is not None:
            tx.viewer = Viewer(found["user_id"])
            await _ended(tx, found["user_id"], found["id"], "session.log_out")


async def revoke(tx: Transaction, session_id: int) -> None:
    """End one of the viewer's sessions. Raises Refused if there is none of theirs with this id."""
    if not await _ended(tx, signed_in(tx.viewer), session_id, "session.revoke"):
        raise not_found("session")


async def end_all_but(tx: Transaction, user_id: int, kept: int | None) -> int:
    """How many ended."""
    return await tx.sql.run(END_ALL_BUT, user_id=user_id, kept=kept or NONE_KEPT)


async def _ended(tx: Transaction, user_id: int, session_id: int, action: str) -> bool:
    """Whether it was there."""
    if not await tx.sql.run(END, session_id=session_id, user_id=user_id):
        return False
    tx.audited(AuditEvent(action, "session", session_id))
    return True


FORGOTTEN = 1_000
"""Rows of each other kind that one call forgets."""

SESSIONS_FORGOTTEN = 100
"""With each may go the tokens of a week, at four an hour 670."""

ATTEMPTS_KEPT = timedelta(days=1)

attempt, mailed = models.AttemptCount, models.MailedToken
FORGET_SESSIONS = compiled(delete(session).where(session.id.in_(accounts.expired_sessions())))
FORGET_MAILED = compiled(delete(mailed).where(mailed.hash.in_(accounts.expired_mailed_tokens())))
FORGET_ATTEMPTS = compiled(delete(attempt).where(tuple_(attempt.hash, attempt.since).in_(accounts.old_attempts())))


async def forget_expired(tx: Transaction) -> int:
    """Delete some of each: sessions that are over, with their tokens; mailed tokens; counts of attempts.

    Returns how many went; a job calls it again while there are any.
    """
    gone = await tx.sql.run(FORGET_SESSIONS, limit=SESSIONS_FORGOTTEN)
    gone += await tx.sql.run(FORGET_MAILED, limit=FORGOTTEN)
    return gone + await tx.sql.run(FORGET_ATTEMPTS, limit=FORGOTTEN, before=datetime.now(UTC) - ATTEMPTS_KEPT)
