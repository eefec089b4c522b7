"""Rows that several types show of many things at once."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from feed_service import loaders, models
from feed_service.rows import is_a
from feed_service.schema.context import Info
from feed_service.schema.levels import Values
from feed_service.schema.selection import Selected, told_by

Answer = TypeVar("Answer")


async def many_or_none(
    info: Info, batch: Callable[..., Awaitable[Sequence[Any]]], keys: Sequence[Any], *args: object
) -> list[Any]:
    """The answer of `batch` for each key; None where there is no key."""
    found = iter(await info.context.loaders.many(batch, [key for key in keys if key is not None], *args))
    return [None if key is None else next(found) for key in keys]


CARD = frozenset({"__typename", "id", "username", "displayName", "avatarUrl"})
"""Fields of a User for which the card is enough that comes beside posts and comments."""


def is_card(selected: Selected) -> bool:
    return selected.names <= CARD


def authors(info: Info, rows: Sequence[Any], ids: Sequence[int | None]) -> Values:
    """Who wrote each post or comment, known by `ids`; None for what nobody may be shown as the author of."""
    if told_by(info, is_card) and loaders.users.are_beside(info.context.loaders.reader, rows, ids):
        return [None if user_id is None else row.author for row, user_id in zip(rows, ids, strict=True)]
    return partial(many_or_none, info, loaders.users.whoever_by_id, ids)


async def lists_of(
    info: Info, batch: Callable[..., Awaitable[Sequence[Any]]], ids: Sequence[Sequence[int]]
) -> list[list[Any]]:
    """The rows of each list of ids, in its order; what cannot be seen is left out."""
    found = iter(await info.context.loaders.many(batch, [one for listed in ids for one in listed]))
    return [[row for row in islice(found, len(listed)) if row is not None] for listed in ids]


async def tags_by_ids(info: Info, ids: Sequence[Sequence[int]]) -> list[list[models.Tag]]:
    return await lists_of(info, loaders.tags.by_id, ids)


async def stats_of_posts(info: Info, posts: Sequence[models.Post], number: str = "like_count") -> list[Any]:
    """The public numbers of each post, among them `number`: the row itself, if it was read with that."""
    beside = loaders.stats.beside(info.context.loaders.reader, posts, number)
    without = [post.id for post, numbers in zip(posts, beside, strict=True) if numbers is None]
    if not without:
        return beside
    loaded = iter(await info.context.loaders.many(loaders.stats.by_post_id, without))
    return [next(loaded) if numbers is None else numbers for numbers in beside]


Of = Callable[[list[Any]], Awaitable[Sequence[Answer]]]
"""(rows of one kind) -> one answer for each."""


async def by_kind(rows: Sequence[Any], of_posts: Of[Answer], of_comments: Of[Answer]) -> list[Answer]:
    """The answers for rows that are posts and comments, in the order of the rows."""
    posts = [row for row in rows if is_a(row, models.Post)]
    comments = [row for row in rows if not is_a(row, models.Post)]
    found_posts = iter(await of_posts(posts) if posts else ())
    found_comments = iter(await of_comments(comments) if comments else ())
    return [next(found_posts if is_a(row, models.Post) else found_comments) for row in rows]
