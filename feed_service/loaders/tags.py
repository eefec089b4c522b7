"""Tags and categories, their trends and their company."""

from collections.abc import Sequence
from datetime import timedelta

from feed_service import models
from feed_service.cache import entries
from feed_service.loaders.align import many_per_key, one_per_key
from feed_service.loaders.batching import Reader
from feed_service.loaders.pages import page_per_parent
from feed_service.paging import Item, Order, Page, Slice
from feed_service.queries import follows, tags
from feed_service.queries.prepared import for_ids, for_parents, for_texts, once

MAX_TRENDING = 100
FOLLOWED_TAGS = Order("User.followedTags", follows.FOLLOWED_TAGS.types)


async def by_id(reader: Reader, tag_ids: list[int]) -> list[models.Tag | None]:
    async def load(missing: list[int]) -> Sequence[models.Tag]:
        return await reader.scalars(*for_ids(tags.by_ids, missing))

    return await reader.entities.tags.by_id(tag_ids, load, reader.reads)


async def by_slug(reader: Reader, slugs: list[str]) -> list[models.Tag | None]:
    return one_per_key(slugs, await reader.scalars(*for_texts(tags.by_slugs, slugs)), key=lambda tag: tag.slug)


async def all_categories(reader: Reader, keys: list[bool]) -> list[list[models.Category]]:
    """The same list for every key, of which there is one."""
    rows = list(await reader.scalars(*once(tags.all_categories)))
    return [rows for _ in keys]


async def category_by_id(reader: Reader, category_ids: list[int]) -> list[models.Category | None]:
    async def load(missing: list[int]) -> Sequence[models.Category]:
        return await reader.scalars(*for_ids(tags.categories_by_ids, missing))

    return await reader.entities.categories.by_id(category_ids, load, reader.reads)


async def category_by_slug(reader: Reader, slugs: list[str]) -> list[models.Category | None]:
    rows = await reader.scalars(*for_texts(tags.categories_by_slugs, slugs))
    return one_per_key(slugs, rows, key=lambda category: category.slug)


async def trending_ids(reader: Reader, windows: list[timedelta]) -> list[list[int]]:
    """Tag ids, most trending first, at most `MAX_TRENDING`; the same for everybody, hence cached."""
    return [await _trending_ids(reader, window) for window in windows]


async def _trending_ids(reader: Reader, window: timedelta) -> list[int]:
    async def load() -> list[int]:
        return [row.tag_id for row in await reader.rows(*once(tags.trending, window, MAX_TRENDING))]

    found = await reader.cache.get_or_load(entries.TRENDING_TAG_IDS, window.total_seconds(), load=load)
    return [int(tag_id) for tag_id in found]


async def trend_score_by_id(reader: Reader, tag_ids: list[int]) -> list[float]:
    rows = await reader.rows(*for_ids(tags.trend_scores, tag_ids, None, tags.TREND_WINDOW))
    scores = {row.under_id: float(row.score) for row in rows}
    return [scores[tag_id] for tag_id in tag_ids]


async def related_ids_by_id(reader: Reader, tag_ids: list[int], limit: int) -> list[list[int]]:
    rows = await reader.rows(*for_ids(tags.related, tag_ids, None, limit))
    return [[row.related_id for row in found] for found in many_per_key(tag_ids, rows, key=lambda row: row.under_id)]


async def followed_by_user_id(reader: Reader, user_ids: list[int], part: Slice) -> list[Page[Item]]:
    rows = await reader.rows(*for_parents(follows.tags_followed_by, user_ids, follows.FOLLOWED_TAGS, part))
    return page_per_parent(user_ids, rows, follows.FOLLOWED_TAGS, part)


async def is_followed_by_id(reader: Reader, tag_ids: list[int]) -> list[bool]:
    """Whether the viewer, who is signed in, follows each tag."""
    followed = set(await reader.scalars(*for_ids(follows.tags_of_viewer, tag_ids, reader.viewer)))
    return [tag_id in followed for tag_id in tag_ids]
