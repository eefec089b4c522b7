"""Comments, and their pages: siblings under a post or a comment, and the thread read depth first."""

from operator import attrgetter

from feed_service import models
from feed_service.loaders.align import many_per_key, one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_of_rows_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import comment_trees, comments
from feed_service.queries.prepared import Build, for_ids, for_parents
from feed_service.vocabulary import CommentOrder

ROOT_ORDERS = {order: Order(f"Post.comments:{order}", sort.types) for order, sort in comments.SORTS.items()}
REPLY_ORDERS = {order: Order(f"Comment.replies:{order}", sort.types) for order, sort in comments.SORTS.items()}


def tree_order(max_depth: int) -> Order:
    return Order(f"Post.commentTree:{max_depth}", comment_trees.SORT.types)


async def shown_by_id(reader: Reader, comment_ids: list[int]) -> list[models.Comment | None]:
    """Comments as lists show them, with tombstones."""
    rows = await reader.scalars(*for_ids(comments.shown_by_ids, comment_ids, reader.viewer))
    return one_per_key(comment_ids, rows, key=lambda comment: comment.id)


async def accessible_by_id(reader: Reader, comment_ids: list[int]) -> list[models.Comment | None]:
    """Comments opened by their own id."""
    rows = await reader.scalars(*for_ids(comments.accessible_by_ids, comment_ids, reader.viewer))
    return one_per_key(comment_ids, rows, key=lambda comment: comment.id)


async def roots_by_post_id(
    reader: Reader, post_ids: list[int], order: CommentOrder, whole: bool, part: Slice
) -> list[Page[Item]]:
    """Comments on the posts themselves, tombstones among them. All pages here come with the rows.

    `whole`: with more than `queries.comments.SHORT`.
    """
    return await _pages(reader, comments.roots_of_posts, post_ids, order, whole, part)


async def preview_by_post_id(
    reader: Reader, post_ids: list[int], order: CommentOrder, limit: int, whole: bool
) -> list[list[models.Comment]]:
    """The first comments on the posts themselves, without tombstones: nobody asks whether more follow."""
    rows = await reader.scalars(*for_ids(comments.previews_of_posts, post_ids, reader.viewer, order, limit, whole))
    return many_per_key(post_ids, rows, key=attrgetter("post_id"))


async def replies_by_comment_id(
    reader: Reader, comment_ids: list[int], order: CommentOrder, whole: bool, part: Slice
) -> list[Page[Item]]:
    return await _pages(reader, comments.replies_of_comments, comment_ids, order, whole, part)


async def _pages(
    reader: Reader, build: Build, ids: list[int], order: CommentOrder, whole: bool, part: Slice
) -> list[Page[Item]]:
    rows = await reader.rows(*for_parents(build, ids, comments.SORTS[order], part, reader.viewer, order, whole))
    return page_of_rows_per_parent(ids, rows, comments.SORTS[order], part)


async def tree_by_post_id(reader: Reader, post_ids: list[int], max_depth: int, part: Slice) -> list[Page[Item]]:
    """A page of each thread, depth first; the key is the path."""
    rows = await reader.rows(*comment_trees.trees(reader.viewer, post_ids, part, max_depth))
    return page_of_rows_per_parent(post_ids, rows, comment_trees.SORT, part)
