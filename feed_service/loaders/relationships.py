"""Pages of those whom the viewer blocks and mutes."""

from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import relationships
from feed_service.queries.prepared import for_parents

BLOCKED = Order("Viewer.blockedUsers", relationships.BLOCKED.types)
MUTED = Order("Viewer.mutedUsers", relationships.MUTED.types)


async def blocked_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    sort = relationships.BLOCKED
    rows = await reader.rows(*for_parents(relationships.blocked_by, user_ids, sort, part, reader.viewer))
    return page_per_parent(user_ids, rows, sort, part)


async def muted_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    sort = relationships.MUTED
    rows = await reader.rows(*for_parents(relationships.muted_by, user_ids, sort, part, reader.viewer))
    return page_per_parent(user_ids, rows, sort, part)
