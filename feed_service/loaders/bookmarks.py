"""The viewer's own bookmarks and their collections."""

from feed_service import models
from feed_service.loaders.align import many_per_key, one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import bookmarks

SAVED = Order("Viewer.bookmarks", bookmarks.SAVED.types)


def order_in(collection_id: int) -> Order:
    """A cursor belongs to one collection."""
    return Order(f"Viewer.bookmarks:{collection_id}", bookmarks.SAVED_IN.types)


async def saved_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(bookmarks.saved_by(reader.viewer, user_ids, part))
    return page_per_parent(user_ids, rows, bookmarks.SAVED, part)


async def saved_by_collection_id(reader: Reader, collection_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(bookmarks.saved_in(reader.viewer, collection_ids, part))
    return page_per_parent(collection_ids, rows, bookmarks.SAVED_IN, part)


async def collections_by_user_id(reader: Reader, user_ids: list[int]) -> list[list[models.BookmarkCollection]]:
    """By name."""
    rows = await reader.scalars(bookmarks.collections_of(reader.viewer))
    return many_per_key(user_ids, rows, key=lambda collection: collection.user_id)


async def collection_by_id(reader: Reader, collection_ids: list[int]) -> list[models.BookmarkCollection | None]:
    rows = await reader.scalars(bookmarks.collections_by_ids(reader.viewer, collection_ids))
    return one_per_key(collection_ids, rows, key=lambda collection: collection.id)


async def collection_ids_by_post_id(reader: Reader, post_ids: list[int]) -> list[list[int]]:
    """By name."""
    rows = await reader.rows(bookmarks.collections_holding(reader.viewer, post_ids))
    found = many_per_key(post_ids, rows, key=lambda row: int(row.post_id))
    return [[row.collection_id for row in of_post] for of_post in found]
