"""Pages of followers and of followed people."""

from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import follows
from feed_service.queries.prepared import for_parents

FOLLOWERS = Order("User.followers", follows.FOLLOWERS.types)
FOLLOWING = Order("User.following", follows.FOLLOWING.types)


async def followers_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(*for_parents(follows.followers_of, user_ids, follows.FOLLOWERS, part, reader.viewer))
    return page_per_parent(user_ids, rows, follows.FOLLOWERS, part)


async def following_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(*for_parents(follows.followed_by, user_ids, follows.FOLLOWING, part, reader.viewer))
    return page_per_parent(user_ids, rows, follows.FOLLOWING, part)
