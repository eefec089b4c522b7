"""What a user alone sees of their account. The keys are ids of users; only the viewer's own is answered."""

from typing import Any

from feed_service import models
from feed_service.loaders.align import many_per_key, one_per_key
from feed_service.loaders.batching import Reader
from feed_service.queries import accounts
from feed_service.queries.prepared import for_ids


async def email_by_user_id(reader: Reader, user_ids: list[int]) -> list[Any]:
    """(user_id, email, email_confirmed_at), or None."""
    rows = await reader.rows(*for_ids(accounts.emails_of, own(reader, user_ids)))
    return one_per_key(user_ids, rows, key=lambda row: row.user_id)


async def sessions_by_user_id(reader: Reader, user_ids: list[int]) -> list[list[models.Session]]:
    """Those that are not over, newest first."""
    rows = await reader.scalars(*for_ids(accounts.sessions_of, own(reader, user_ids)))
    return many_per_key(user_ids, rows, key=lambda session: session.user_id)


def own(reader: Reader, user_ids: list[int]) -> list[int]:
    return [user_id for user_id in user_ids if user_id == reader.viewer.user_id]
