"""The viewer's own bookmarks and their collections."""

from feed_service import models
from feed_service.loaders.align import many_per_key, one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import bookmarks
from feed_service.queries.prepared import for_ids, for_parents, once

SAVED = Order("Viewer.bookmarks", bookmarks.SAVED.types)


def order_in(collection_id: int) -> Order:
    """A cursor belongs to one collection."""
    return Order(f"Viewer.bookmarks:{collection_id}", bookmarks.SAVED_IN.types)


async def saved_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(*for_parents(bookmarks.saved_by, user_ids, bookmarks.SAVED, part, reader.viewer))
    return page_per_parent(user_ids, rows, bookmarks.SAVED, part)


async def saved_by_collection_id(reader: Reader, collection_ids: list[int], part: Slice) -> list[Page[Item]]:
    sort = bookmarks.SAVED_IN
    rows = await reader.rows(*for_parents(bookmarks.saved_in, collection_ids, sort, part, reader.viewer))
    return page_per_parent(collection_ids, rows, sort, part)


async def collections_by_user_id(reader: Reader, user_ids: list[int]) -> list[list[models.BookmarkCollection]]:
    """By name."""
    rows = await reader.scalars(*once(bookmarks.collections_of, viewer=reader.viewer))
    return many_per_key(user_ids, rows, key=lambda collection: collection.user_id)


async def collection_by_id(reader: Reader, collection_ids: list[int]) -> list[models.BookmarkCollection | None]:
    rows = await reader.scalars(*for_ids(bookmarks.collections_by_ids, collection_ids, reader.viewer))
    return one_per_key(collection_ids, rows, key=lambda collection: collection.id)


async def collection_ids_by_post_id(reader: Reader, post_ids: list[int]) -> list[list[int]]:
    """By name."""
    rows = await reader.rows(*for_ids(bookmarks.collections_holding, post_ids, reader.viewer))
    found = many_per_key(post_ids, rows, key=lambda row: int(row.post_id))
    return [[row.collection_id for row in of_post] for of_post in found]
