"""Anything by its global id."""

import asyncio
from collections.abc import Sequence
from typing import Any

from feed_service import loaders
from feed_service.errors import BadUserInput
from feed_service.schema.context import Info
from feed_service.schema.ids import decode

MAX_NODES = 100

BY_TYPE: dict[str, Any] = {
    "User": loaders.users.by_id,
    "Post": loaders.posts.by_id,
    "Comment": loaders.comments.accessible_by_id,
    "Tag": loaders.tags.by_id,
    "Category": loaders.tags.category_by_id,
    "BookmarkCollection": loaders.bookmarks.collection_by_id,
}


async def node(info: Info, global_id: str) -> Any:  # noqa: ANN401 - a row of any of these types.
    """The thing, or None if there is none that the viewer can see.

    Raises:
        BadUserInput: it is not an id of this service.
    """
    type_name, local_id = decode(global_id)
    batch = BY_TYPE.get(type_name)
    if batch is None:
        raise BadUserInput("This is not an id of this service.")
    return await info.context.loaders.load(batch, local_id)


async def nodes(info: Info, global_ids: Sequence[str]) -> list[Any]:
    """One answer per id, in their order."""
    if len(global_ids) > MAX_NODES:
        raise BadUserInput(f"nodes takes at most {MAX_NODES} ids; these are {len(global_ids)}.")
    return list(await asyncio.gather(*(node(info, global_id) for global_id in global_ids)))
