"""Users by id and by name."""

from collections.abc import Sequence
from typing import Any

from feed_service import models
from feed_service.loaders.align import one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.reads import Class
from feed_service.queries import users
from feed_service.queries.prepared import for_ids, for_texts
from feed_service.rows import all_have


async def by_id(reader: Reader, user_ids: list[int]) -> list[models.User | None]:
    rows = await reader.scalars(*for_ids(users.by_ids, user_ids, reader.viewer))
    return one_per_key(user_ids, rows, key=lambda user: user.id)


async def whoever_by_id(reader: Reader, user_ids: list[int]) -> list[models.User | None]:
    """Also those who are suspended or deleted: for what was already decided to be seen, as is who wrote a post."""

    async def load(missing: list[int]) -> Sequence[models.User]:
        return await reader.scalars(*for_ids(users.whoever_by_ids, missing))

    return await reader.entities.users.by_id(user_ids, load, reader.reads)


def are_beside(reader: Reader, rows: Sequence[Any], ids: Sequence[int | None]) -> bool:
    """Whether posts or comments came with their authors, who are then noted as read."""
    if not all_have(rows, "author__id"):
        return False
    reader.reads.note(Class.USERS, {user_id for user_id in ids if user_id is not None})
    return True


async def by_username(reader: Reader, usernames: list[str]) -> list[models.User | None]:
    """`usernames` in lower case."""
    rows = await reader.scalars(*for_texts(users.by_usernames, usernames, reader.viewer))
    return one_per_key(usernames, rows, key=lambda user: user.username.lower())
