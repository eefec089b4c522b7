"""Pages of likers, and what the viewer likes."""

from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import likes
from feed_service.queries.prepared import for_ids, for_parents

POST_LIKERS = Order("Post.likers", likes.LIKERS_OF_POST.types)
COMMENT_LIKERS = Order("Comment.likers", likes.LIKERS_OF_COMMENT.types)


async def likers_by_post_id(reader: Reader, post_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(*for_parents(likes.likers_of_posts, post_ids, likes.LIKERS_OF_POST, part, reader.viewer))
    return page_per_parent(post_ids, rows, likes.LIKERS_OF_POST, part)


async def likers_by_comment_id(reader: Reader, comment_ids: list[int], part: Slice) -> list[Page[Item]]:
    sort = likes.LIKERS_OF_COMMENT
    rows = await reader.rows(*for_parents(likes.likers_of_comments, comment_ids, sort, part, reader.viewer))
    return page_per_parent(comment_ids, rows, sort, part)


async def has_liked_by_comment_id(reader: Reader, comment_ids: list[int]) -> list[bool]:
    """Whether the viewer, who is signed in, likes each comment."""
    liked = set(await reader.scalars(*for_ids(likes.comments_liked_by, comment_ids, reader.viewer)))
    return [comment_id in liked for comment_id in comment_ids]
