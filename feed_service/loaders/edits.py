"""Pages of earlier versions, and the versions themselves."""

from feed_service import models
from feed_service.loaders.align import one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import edits
from feed_service.queries.prepared import for_ids, for_parents

POST_EDITS = Order("Post.edits", edits.SORT.types)
COMMENT_EDITS = Order("Comment.edits", edits.SORT.types)


async def by_id(reader: Reader, edit_ids: list[int]) -> list[models.ContentEdit | None]:
    rows = await reader.scalars(*for_ids(edits.by_ids, edit_ids, reader.viewer))
    return one_per_key(edit_ids, rows, key=lambda edit: edit.id)


async def by_post_id(reader: Reader, post_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(*for_parents(edits.of_posts, post_ids, edits.SORT, part))
    return page_per_parent(post_ids, rows, edits.SORT, part)


async def by_comment_id(reader: Reader, comment_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(*for_parents(edits.of_comments, comment_ids, edits.SORT, part))
    return page_per_parent(comment_ids, rows, edits.SORT, part)
