"""What users say about themselves."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Text, bindparam, select, update

from feed_service import models
from feed_service.commands.audit import AuditEvent
from feed_service.commands.permissions import signed_in
from feed_service.commands.transaction import Change, Transaction
from feed_service.transactions import compiled

user = models.User
COLUMNS = ("display_name", "bio", "avatar_url")

LOCKED = compiled(
    select(*(user.__table__.c[name] for name in COLUMNS))
    .where(user.id == bindparam("user_id", type_=BigInteger))
    .with_for_update(key_share=True)
)
CHANGE = compiled(
    update(user)
    .where(user.id == bindparam("user_id", type_=BigInteger))
    .values({name: bindparam(name, type_=Text) for name in COLUMNS})
)


async def update_profile(tx: Transaction, changes: Mapping[str, str | None]) -> None:
    """Set these columns of the viewer, within the rules, and leave the others. What is so already is no change."""
    me = signed_in(tx.viewer)
    before = dict(await tx.sql.row(LOCKED, user_id=me))
    changed = {name: value for name, value in changes.items() if before[name] != value}
    if not changed:
        return
    await tx.sql.run(CHANGE, user_id=me, **(before | changed))
    tx.changed(Change("user", "update", me, author_id=me))
    personal = {"before": {name: before[name] for name in changed}, "after": changed}
    facts = {"fields": sorted(changed)}
    tx.audited(AuditEvent("user.update_profile", "user", me, facts, owner_id=me, private=personal))
