"""What moderators and operators do to users: suspend and restore them, give them a role."""

from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, func, null, select, update

from feed_service import models
from feed_service.commands.audit import AuditEvent
from feed_service.commands.permissions import moderator, not_found
from feed_service.commands.transaction import Change, Transaction
from feed_service.errors import Invalid, NotFound, Refused
from feed_service.transactions import compiled
from feed_service.viewer import Role
from feed_service.vocabulary import UserErrorCode

MOST_IN_REASON = 1_000

user = models.User
USER_ID = bindparam("user_id", type_=BigInteger)

_locked = select(user.id, user.role, user.suspended_at).where(user.deleted_at.is_(None)).with_for_update(key_share=True)
LOCKED = compiled(_locked.where(user.id == USER_ID))
LOCKED_NAMED = compiled(_locked.where(func.lower(user.username) == bindparam("username", type_=Text)))
SUSPEND = compiled(update(user).where(user.id == USER_ID).values(suspended_at=func.now()))
RESTORE = compiled(update(user).where(user.id == USER_ID).values(suspended_at=null()))
SET_ROLE = compiled(update(user).where(user.id == USER_ID).values(role=bindparam("role", type_=Text)))


async def suspend_user(tx: Transaction, user_id: int, reason: str) -> None:
    """Take a user and all they wrote off every list, until they are restored. No number and no session is touched.

    Raises Refused: the viewer may not, or there is no such user.
    """
    moderator(tx.viewer)
    _check_reason(reason)
    found = await _within_reach(tx, user_id)
    if found["suspended_at"] is None:
        await tx.sql.run(SUSPEND, user_id=user_id)
        tx.changed(Change("user", "suspend", user_id, author_id=user_id, was_listed=True, is_listed=False))
        tx.audited(AuditEvent("user.suspend", "user", user_id, owner_id=user_id, private={"reason": reason}))


async def restore_user(tx: Transaction, user_id: int) -> None:
    """Raises Refused as `suspend_user`."""
    found = await _within_reach(tx, user_id)
    if found["suspended_at"] is not None:
        await tx.sql.run(RESTORE, user_id=user_id)
        tx.changed(Change("user", "restore", user_id, author_id=user_id, was_listed=False, is_listed=True))
        tx.audited(AuditEvent("user.restore", "user", user_id))


async def set_role(tx: Transaction, username: str, role: Role) -> Role:
    """By the operator; counts from the next request on. Returns the role before. Raises NotFound."""
    found = await tx.sql.row(LOCKED_NAMED, username=username.lower())
    if found is None:
        raise NotFound(f"There is no user named {username}.")
    before = Role(found["role"])
    if before is not role:
        await tx.sql.run(SET_ROLE, user_id=found["id"], role=role.value)
        tx.changed(Change("user", "update", found["id"], author_id=found["id"]))
        facts = {"before": before.value, "after": role.value}
        tx.audited(AuditEvent("user.set_role", "user", found["id"], facts))
    return before


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid(UserErrorCode.EMPTY, "A suspension needs a reason.", ("reason",), "min=1")
    if len(reason) > MOST_IN_REASON:
        message = f"A reason has {MOST_IN_REASON} characters or less."
        raise Invalid(UserErrorCode.TOO_LONG, message, ("reason",), f"max={MOST_IN_REASON}")


async def _within_reach(tx: Transaction, user_id: int) -> Any:  # noqa: ANN401 - a record.
    """The user, locked. Nobody moderates themselves, and only admins moderate moderators and admins."""
    me = moderator(tx.viewer)
    found = await tx.sql.row(LOCKED, user_id=user_id)
    if found is None:
        raise not_found("user")
    if user_id == me:
        raise Refused(UserErrorCode.SELF, "Nobody can do this to themselves.", ("id",))
    if found["role"] != Role.USER and tx.viewer.role is not Role.ADMIN:
        raise Refused(UserErrorCode.FORBIDDEN, "Only an admin may do this to a moderator or an admin.")
    return found
