"""Mutes: they keep somebody out of the viewer's feeds, and nobody else learns of it."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands import people
from feed_service.commands.follows import ME, OTHER_ID
from feed_service.commands.transaction import Change, Transaction
from feed_service.transactions import compiled

mute = models.Mute

ADD = compiled(insert(mute).values(muter_id=ME, muted_id=OTHER_ID).on_conflict_do_nothing())
REMOVE = compiled(delete(mute).where(mute.muter_id == ME, mute.muted_id == OTHER_ID))


async def mute_user(tx: Transaction, user_id: int) -> None:
    """Raises Refused for the viewer and for somebody not live."""
    me = await people.another(tx, user_id)
    if await tx.sql.run(ADD, me=me, other_id=user_id):
        tx.changed(Change("mute", "create", user_id, author_id=me))


async def unmute_user(tx: Transaction, user_id: int) -> None:
    """Also somebody who cannot be seen any more. Raises Refused if there is neither a mute nor such a user."""
    me = people.not_self(tx, user_id)
    if await tx.sql.run(REMOVE, me=me, other_id=user_id):
        tx.changed(Change("mute", "delete", user_id, author_id=me))
    else:
        await people.another(tx, user_id)
