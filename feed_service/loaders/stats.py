"""Numbers by id. A row that was never counted is a row of zeros."""

from typing import Any

from feed_service import models
from feed_service.loaders.align import one_per_key
from feed_service.loaders.batching import Reader
from feed_service.queries import counters
from feed_service.queries.prepared import for_ids


async def by_post_id(reader: Reader, post_ids: list[int]) -> list[Any]:
    """Rows of `counters.of_posts`; None for a post without numbers."""
    return one_per_key(post_ids, await reader.rows(*for_ids(counters.of_posts, post_ids)), key=lambda row: row.post_id)


async def by_user_id(reader: Reader, user_ids: list[int]) -> list[Any]:
    """Rows of `counters.of_users`."""
    return one_per_key(user_ids, await reader.rows(*for_ids(counters.of_users, user_ids)), key=lambda row: row.user_id)


async def by_comment_id(reader: Reader, comment_ids: list[int]) -> list[models.CommentStats]:
    rows = await reader.scalars(*for_ids(counters.of_comments, comment_ids))
    found = one_per_key(comment_ids, rows, key=lambda row: row.comment_id)
    return [row or models.CommentStats(like_count=0, reply_count=0, descendant_count=0) for row in found]


async def by_tag_id(reader: Reader, tag_ids: list[int]) -> list[models.TagStats]:
    rows = await reader.scalars(*for_ids(counters.of_tags, tag_ids))
    found = one_per_key(tag_ids, rows, key=lambda row: row.tag_id)
    return [row or models.TagStats(post_count=0, follower_count=0) for row in found]
