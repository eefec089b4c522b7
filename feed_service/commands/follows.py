"""Who follows whom: sets, never toggles. Nobody follows across a block."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, exists, or_, select
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands import people
from feed_service.commands.permissions import not_found, signed_in
from feed_service.commands.transaction import Change, Transaction
from feed_service.errors import Invalid, Refused
from feed_service.queries.batches import each_of, ids_parameter
from feed_service.transactions import compiled
from feed_service.vocabulary import UserErrorCode

MOST_AT_ONCE = 200

ME = bindparam("me", type_=BigInteger)
OTHER_ID = bindparam("other_id", type_=BigInteger)

follow, block = models.UserFollow, models.Block


def blocks(blocker: ColumnElement[int], blocked: ColumnElement[int]) -> ColumnElement[bool]:
    return exists().where(block.blocker_id == blocker, block.blocked_id == blocked)


_other = each_of(ids_parameter("ids")).c.parent_id
_is_blocking, _is_blocked = blocks(ME, _other), blocks(_other, ME)
_rows = select(ME, _other).where(~_is_blocking, ~_is_blocked).order_by(_other)
_follows = insert(follow).from_select(["follower_id", "followee_id"], _rows)
ADD = compiled(_follows.on_conflict_do_nothing().returning(follow.followee_id))
BLOCKED = compiled(select(_other.label("id"), _is_blocking.label("is_blocking")).where(or_(_is_blocking, _is_blocked)))
REMOVE = compiled(delete(follow).where(follow.follower_id == ME, follow.followee_id == OTHER_ID))


@dataclass(frozen=True)
class Followed:
    """Whom the viewer follows now, in the order asked for, and why not the others, by their ids."""

    user_ids: list[int]
    refused: dict[int, Refused]


async def follow_user(tx: Transaction, user_id: int) -> None:
    """Raises Refused: the viewer, somebody not live, or a block. Whoever blocks the viewer is not to be found."""
    for refusal in (await follow_users(tx, [user_id])).refused.values():
        raise refusal


async def follow_users(tx: Transaction, user_ids: Sequence[int]) -> Followed:
    """Follow those whom `follow_user` would follow. Raises Refused only for too many."""
    me = signed_in(tx.viewer)
    if len(user_ids) > MOST_AT_ONCE:
        raise too_many(len(user_ids))
    await people.pass_gates(tx, user_ids)
    live = await people.live_others(tx, user_ids)
    # A statement of its own: it sees the blocks that were committed while the people were being locked.
    new = [row["followee_id"] for row in await tx.sql.rows(ADD, me=me, ids=sorted(live))]
    for user_id in new:
        follow_counted(tx, me, user_id, +1)
    blocked: dict[int, bool] = {}
    if len(new) < len(live):
        rows: list[Any] = await tx.sql.rows(BLOCKED, me=me, ids=sorted(live - set(new)))
        blocked = {row["id"]: row["is_blocking"] for row in rows}
    refused = {one: why_not(one, me, blocked) for one in user_ids if one not in live or one in blocked}
    return Followed([one for one in dict.fromkeys(user_ids) if one not in refused], refused)


def too_many(number: int) -> Invalid:
    message = f"One call follows up to {MOST_AT_ONCE} people; these are {number}."
    return Invalid(UserErrorCode.TOO_MANY, message, ("ids",), f"max={MOST_AT_ONCE}")


def why_not(user_id: int, me: int, blocked: dict[int, bool]) -> Refused:
    """Whoever blocks the viewer is refused like somebody who is not there."""
    if user_id == me:
        return Refused(UserErrorCode.SELF, "Nobody can follow themselves.")
    if blocked.get(user_id):
        return Refused(UserErrorCode.BLOCKED, "You block this user. Unblock them first.")
    return not_found("user")


async def unfollow_user(tx: Transaction, user_id: int) -> None:
    """Also from somebody who cannot be seen any more. Raises Refused if there is neither a follow nor such a user."""
    me = people.not_self(tx, user_id)
    if await tx.sql.run(REMOVE, me=me, other_id=user_id):
        follow_counted(tx, me, user_id, -1)
    else:
        await people.another(tx, user_id)


def follow_counted(tx: Transaction, follower_id: int, followee_id: int, number: int) -> None:
    tx.count(models.UserStats, follower_id, following_count=number)
    tx.count(models.UserStats, followee_id, follower_count=number)
    action = "create" if number > 0 else "delete"
    tx.changed(Change("user_follow", action, followee_id, author_id=follower_id))
