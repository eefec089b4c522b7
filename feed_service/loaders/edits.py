"""Pages of earlier versions, and the versions themselves."""

from feed_service import models
from feed_service.loaders.align import one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import edits

POST_EDITS = Order("Post.edits", edits.SORT.types)
COMMENT_EDITS = Order("Comment.edits", edits.SORT.types)


async def by_id(reader: Reader, edit_ids: list[int]) -> list[models.ContentEdit | None]:
    rows = await reader.scalars(edits.by_ids(reader.viewer, edit_ids))
    return one_per_key(edit_ids, rows, key=lambda edit: edit.id)


async def by_post_id(reader: Reader, post_ids: list[int], part: Slice) -> list[Page[Item]]:
    return page_per_parent(post_ids, await reader.rows(edits.of_posts(post_ids, part)), edits.SORT, part)


async def by_comment_id(reader: Reader, comment_ids: list[int], part: Slice) -> list[Page[Item]]:
    return page_per_parent(comment_ids, await reader.rows(edits.of_comments(comment_ids, part)), edits.SORT, part)
