"""Pages of those whom the viewer blocks and mutes."""

from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import relationships

BLOCKED = Order("Viewer.blockedUsers", relationships.BLOCKED.types)
MUTED = Order("Viewer.mutedUsers", relationships.MUTED.types)


async def blocked_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(relationships.blocked_by(reader.viewer, user_ids, part))
    return page_per_parent(user_ids, rows, relationships.BLOCKED, part)


async def muted_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(relationships.muted_by(reader.viewer, user_ids, part))
    return page_per_parent(user_ids, rows, relationships.MUTED, part)
