"""Users as the lines of a file name them: by user name, in any case, or by id."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select

from feed_service import models
from feed_service.commands.bulk.statements import BIGINTS, TEXTS, among
from feed_service.commands.transaction import Transaction
from feed_service.queries import visibility
from feed_service.transactions import Statement, compiled
from feed_service.viewer import ANONYMOUS

user = models.User

NAMED = compiled(
    select(user.id, func.lower(user.username).label("key")).where(among(func.lower(user.username), "names", TEXTS))
)
_with_ids = select(user.id).where(among(user.id, "ids", BIGINTS)).order_by(user.id)
KNOWN = compiled(_with_ids)
LIVE = compiled(_with_ids.where(visibility.user_accessible_to(ANONYMOUS)).with_for_update(read=True, of=user))

Ids = dict[Any, int]
"""By the reference that was given."""


async def live_people(tx: Transaction, references: Iterable[Any]) -> Ids:
    """Everybody of them who is live, shared-locked, so that neither a block nor the end of an account comes between."""
    return await _people(tx, references, LIVE)


async def known_people(tx: Transaction, references: Iterable[Any]) -> Ids:
    """Everybody of them whom there is, whatever their state."""
    return await _people(tx, references, KNOWN)


async def _people(tx: Transaction, references: Iterable[Any], statement: Statement) -> Ids:
    wanted = set(references)
    names = {reference: reference.lower() for reference in wanted if isinstance(reference, str) and reference.isascii()}
    ids: Ids = {reference: reference for reference in wanted if isinstance(reference, int)}
    if names:
        known = {row["key"]: row["id"] for row in await tx.sql.rows(NAMED, names=sorted(set(names.values())))}
        ids |= {reference: known[name] for reference, name in names.items() if name in known}
    found = {row["id"] for row in await tx.sql.rows(statement, ids=sorted(set(ids.values())))}
    return {reference: user_id for reference, user_id in ids.items() if user_id in found}
