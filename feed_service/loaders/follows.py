"""Pages of followers and of followed people."""

from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import follows

FOLLOWERS = Order("User.followers", follows.FOLLOWERS.types)
FOLLOWING = Order("User.following", follows.FOLLOWING.types)


async def followers_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(follows.followers_of(reader.viewer, user_ids, part))
    return page_per_parent(user_ids, rows, follows.FOLLOWERS, part)


async def following_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(follows.followed_by(reader.viewer, user_ids, part))
    return page_per_parent(user_ids, rows, follows.FOLLOWING, part)
