"""What people did with somebody's posts, or with those of a tag or a category, in a window of days."""

from collections.abc import Sequence
from typing import Any

from feed_service.loaders.align import many_per_key, one_per_key
from feed_service.loaders.batching import Reader
from feed_service.queries import analytics, analytics_days
from feed_service.queries.analytics import PartsOf
from feed_service.queries.prepared import for_ids
from feed_service.queries.windows import PostsOf
from feed_service.vocabulary import AnalyticsWindow

AUTHORS_AT_ONCE, TOPICS_AT_ONCE = 20, 2
"""Subjects of one statement. With those that have the most posts it takes 0.4 to 1 of the 5 seconds it may."""

MOST_PARTS = 50


async def by_author_id(reader: Reader, user_ids: list[int], window: AnalyticsWindow) -> list[Any]:
    """Rows of `queries.analytics.of_subjects`: one for each id, of zeros where there is nothing."""
    return await _of_subjects(reader, user_ids, analytics.posts_of_author, AUTHORS_AT_ONCE, window)


async def by_tag_id(reader: Reader, tag_ids: list[int], window: AnalyticsWindow) -> list[Any]:
    return await _of_subjects(reader, tag_ids, analytics.posts_with_tag, TOPICS_AT_ONCE, window)


async def by_category_id(reader: Reader, category_ids: list[int], window: AnalyticsWindow) -> list[Any]:
    return await _of_subjects(reader, category_ids, analytics.posts_of_category, TOPICS_AT_ONCE, window)


async def tags_by_author_id(reader: Reader, user_ids: list[int], window: AnalyticsWindow) -> list[list[Any]]:
    """Rows of `queries.analytics.parts_of_subjects`, up to `MOST_PARTS` of each."""
    return await _parts(reader, user_ids, analytics.tags_on, window)


async def categories_by_author_id(reader: Reader, user_ids: list[int], window: AnalyticsWindow) -> list[list[Any]]:
    return await _parts(reader, user_ids, analytics.categories_of, window)


async def posts_by_author_id(reader: Reader, user_ids: list[int], window: AnalyticsWindow) -> list[list[Any]]:
    return await _parts(reader, user_ids, analytics.each_post, window)


async def days_by_author_id(reader: Reader, user_ids: list[int], window: AnalyticsWindow) -> list[list[Any]]:
    """Rows of `queries.analytics_days.of_authors`: as many of each author as the window has days."""
    rows = await reader.rows(*for_ids(analytics_days.of_authors, user_ids, None, window.value))
    return many_per_key(user_ids, rows, key=lambda row: row.subject_id)


async def _of_subjects(
    reader: Reader, ids: Sequence[int], posts_of: PostsOf, at_once: int, window: AnalyticsWindow
) -> list[Any]:
    """One statement after the other, so that whoever asks for a hundred leaves the database to others as well."""
    found: list[Any] = []
    for start in range(0, len(ids), at_once):
        some = ids[start : start + at_once]
        found += await reader.rows(*for_ids(analytics.of_subjects, some, None, posts_of, window.value))
    return one_per_key(ids, found, key=lambda row: row.subject_id)


async def _parts(reader: Reader, ids: Sequence[int], parts_of: PartsOf, window: AnalyticsWindow) -> list[list[Any]]:
    wanted = (analytics.posts_of_author, parts_of, window.value, MOST_PARTS)
    rows = await reader.rows(*for_ids(analytics.parts_of_subjects, ids, None, *wanted))
    return many_per_key(ids, rows, key=lambda row: row.subject_id)
