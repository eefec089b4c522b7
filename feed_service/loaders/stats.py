"""Numbers by id. A row that was never counted is a row of zeros."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from feed_service import models
from feed_service.cache import entries
from feed_service.cache.entries import Entry
from feed_service.loaders.align import one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.reads import Class
from feed_service.queries import counters
from feed_service.queries.prepared import for_ids


class UserNumbers(NamedTuple):
    """Of `counters.of_users`. `as_of` stays the moment at which they were read, for as long as the cache keeps them."""

    post_count: int
    follower_count: int
    following_count: int
    received_like_count: int
    total_views: int
    likes_per_post: float
    last_published_at: datetime | None
    as_of: datetime

    @classmethod
    def packed(cls, row: Any) -> list[Any]:  # noqa: ANN401 - a row.
        *numbers, last_published_at, as_of = (getattr(row, name) for name in cls._fields)
        return [*numbers, last_published_at and last_published_at.timestamp(), as_of.timestamp()]

    @classmethod
    def unpacked(cls, value: list[Any]) -> Self:
        *numbers, last_published_at, as_of = value
        published_at = None if last_published_at is None else _moment(last_published_at)
        return cls._make([*numbers, published_at, _moment(as_of)])


class TagNumbers(NamedTuple):
    post_count: int
    follower_count: int


def beside(reader: Reader, posts: Sequence[Any], number: str = "like_count") -> list[Any | None]:
    """The posts whose rows came with this number, as `loaders.posts` reads them; None for any other."""
    found = [post if hasattr(post, number) else None for post in posts]
    reader.reads.note(Class.POST_NUMBERS, [post.id for post in found if post is not None])
    return found


async def by_post_id(reader: Reader, post_ids: list[int]) -> list[Any]:
    """Rows of `counters.of_posts`; None for a post without numbers."""
    return one_per_key(post_ids, await reader.rows(*for_ids(counters.of_posts, post_ids)), key=lambda row: row.post_id)


async def by_user_id(reader: Reader, user_ids: list[int]) -> list[UserNumbers | None]:
    async def load(ids: list[int]) -> list[Any]:
        rows = one_per_key(ids, await reader.rows(*for_ids(counters.of_users, ids)), key=lambda row: row.user_id)
        return [row and UserNumbers.packed(row) for row in rows]

    kept = await _kept(reader, entries.USER_STATS, user_ids, load)
    return [numbers and UserNumbers.unpacked(numbers) for numbers in kept]


async def by_comment_id(reader: Reader, comment_ids: list[int]) -> list[models.CommentStats]:
    rows = await reader.scalars(*for_ids(counters.of_comments, comment_ids))
    found = one_per_key(comment_ids, rows, key=lambda row: row.comment_id)
    return [row or models.CommentStats(like_count=0, reply_count=0, descendant_count=0) for row in found]


async def by_tag_id(reader: Reader, tag_ids: list[int]) -> list[TagNumbers]:
    async def load(ids: list[int]) -> list[Any]:
        rows = one_per_key(ids, await reader.scalars(*for_ids(counters.of_tags, ids)), key=lambda row: row.tag_id)
        return [[row.post_count, row.follower_count] if row else [0, 0] for row in rows]

    return [TagNumbers(*numbers) for numbers in await _kept(reader, entries.TAG_STATS, tag_ids, load)]


async def _kept(
    reader: Reader, entry: Entry, ids: list[int], load: Callable[[list[int]], Awaitable[Sequence[Any]]]
) -> Sequence[Any]:
    return await (load(ids) if reader.is_fresh else reader.cache.get_many(entry, ids, load))


def _moment(seconds: float) -> datetime:
    """Microseconds survive: a float holds those of this century."""
    return datetime.fromtimestamp(seconds, UTC)
