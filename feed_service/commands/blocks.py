"""Blocks: they cut the follows both ways, and lifting them does not bring those back."""

from sqlalchemy import and_, delete, or_
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands import people
from feed_service.commands.audit import AuditEvent
from feed_service.commands.follows import ME, OTHER_ID, follow_counted
from feed_service.commands.transaction import Change, Transaction
from feed_service.transactions import compiled

follow, block = models.UserFollow, models.Block

ADD = compiled(insert(block).values(blocker_id=ME, blocked_id=OTHER_ID).on_conflict_do_nothing())
REMOVE = compiled(delete(block).where(block.blocker_id == ME, block.blocked_id == OTHER_ID))
CUT_FOLLOWS = compiled(
    delete(follow)
    .where(
        or_(
            and_(follow.follower_id == ME, follow.followee_id == OTHER_ID),
            and_(follow.follower_id == OTHER_ID, follow.followee_id == ME),
        )
    )
    .returning(follow.follower_id, follow.followee_id)
)


async def block_user(tx: Transaction, user_id: int) -> None:
    """Raises Refused for the viewer and for somebody not live. One can block somebody by whom one is blocked."""
    me = await people.another_alone(tx, user_id)
    if await tx.sql.run(ADD, me=me, other_id=user_id):
        for cut in await tx.sql.rows(CUT_FOLLOWS, me=me, other_id=user_id):
            follow_counted(tx, cut["follower_id"], cut["followee_id"], -1)
        block_changed(tx, me, user_id, "create")


async def unblock_user(tx: Transaction, user_id: int) -> None:
    """Also somebody who cannot be seen any more. Raises Refused if there is neither a block nor such a user."""
    me = people.not_self(tx, user_id)
    if await tx.sql.run(REMOVE, me=me, other_id=user_id):
        block_changed(tx, me, user_id, "delete")
    else:
        await people.another(tx, user_id)


def block_changed(tx: Transaction, me: int, user_id: int, action: str) -> None:
    """Both have other feeds from now on."""
    tx.changed(Change("block", action, user_id, author_id=me))
    tx.changed(Change("block", action, me, author_id=user_id))
    tx.audited(AuditEvent("user.block" if action == "create" else "user.unblock", "user", user_id))
