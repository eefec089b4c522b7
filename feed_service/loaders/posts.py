"""Posts, and the pages of posts that hang on an author or a tag."""

from feed_service import models
from feed_service.loaders.align import one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import posts
from feed_service.queries.posts import WHOLE
from feed_service.queries.prepared import for_ids, for_parents, for_texts
from feed_service.vocabulary import PostOrder

AUTHOR_ORDERS = {order: Order(f"User.posts:{order}", sort.types) for order, sort in posts.AUTHOR_SORTS.items()}
TAG_ORDERS = {order: Order(f"Tag.posts:{order}", sort.types) for order, sort in posts.TAG_SORTS.items()}


DRAFTS = Order("Viewer.drafts", posts.DRAFTS.types)
SCHEDULED = Order("Viewer.scheduled", posts.SCHEDULED.types)


async def by_id(reader: Reader, post_ids: list[int], parts: frozenset[str] = WHOLE) -> list[models.Post | None]:
    """With the cards of their authors; `parts` are of `queries.posts.PARTS`."""
    rows = await reader.scalars(*for_ids(posts.by_ids, post_ids, reader.viewer, parts))
    return one_per_key(post_ids, rows, key=lambda post: post.id)


async def by_slug(reader: Reader, slugs: list[str], parts: frozenset[str] = WHOLE) -> list[models.Post | None]:
    rows = await reader.scalars(*for_texts(posts.by_slugs, slugs, reader.viewer, parts))
    return one_per_key(slugs, rows, key=lambda post: post.slug)


async def by_author_id(reader: Reader, author_ids: list[int], order: PostOrder, part: Slice) -> list[Page[Item]]:
    sort = posts.AUTHOR_SORTS[order]
    rows = await reader.rows(*for_parents(posts.of_authors, author_ids, sort, part, reader.viewer, order))
    return page_per_parent(author_ids, rows, sort, part)


async def drafts_by_author_id(reader: Reader, author_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(*for_parents(posts.drafts_of, author_ids, posts.DRAFTS, part))
    return page_per_parent(author_ids, rows, posts.DRAFTS, part)


async def scheduled_by_author_id(reader: Reader, author_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(*for_parents(posts.scheduled_of, author_ids, posts.SCHEDULED, part))
    return page_per_parent(author_ids, rows, posts.SCHEDULED, part)


async def by_tag_id(reader: Reader, tag_ids: list[int], order: PostOrder, part: Slice) -> list[Page[Item]]:
    sort = posts.TAG_SORTS[order]
    rows = await reader.rows(*for_parents(posts.with_tags, tag_ids, sort, part, reader.viewer, order))
    return page_per_parent(tag_ids, rows, sort, part)
