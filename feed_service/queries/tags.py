"""Tags and categories: by name, by trend, by company."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.dialects.postgresql import INTERVAL

from feed_service import models
from feed_service.queries.batches import Ids, Texts, is_any, per_parent
from feed_service.queries.posts import NEVER

TREND_WINDOW = timedelta(days=1)
"""The window of the score that a tag shows of itself."""

TREND_SMOOTHING = 3
"""Authors added to both windows, so that a tag used once does not trend."""

TREND_SAMPLE = 20_000
"""Newest uses of tags that a trend looks at, so that it costs the same on a large site."""

RELATED_SAMPLE = 200
"""Newest posts of a tag in which its company is counted."""


def by_ids(tag_ids: Ids) -> Select[models.Tag]:
    return select(models.Tag).where(is_any(models.Tag.id, tag_ids))


def by_slugs(slugs: Texts) -> Select[models.Tag]:
    return select(models.Tag).where(is_any(models.Tag.slug, slugs))


def all_categories() -> Select[models.Category]:
    return select(models.Category).order_by(models.Category.position, models.Category.id)


def categories_by_ids(category_ids: Ids) -> Select[models.Category]:
    return select(models.Category).where(is_any(models.Category.id, category_ids))


def categories_by_slugs(slugs: Texts) -> Select[models.Category]:
    return select(models.Category).where(is_any(models.Category.slug, slugs))


def trending(window: timedelta, limit: int) -> Select[*tuple[Any, ...]]:
    """(tag id, trend score), best first: authors who used the tag in the window over those in the window before."""
    used = _newest_uses(window, None).subquery()
    score = _trend_score(used.c, window)
    return (
        select(used.c.tag_id, score.label("score"))
        .group_by(used.c.tag_id)
        .order_by(score.desc(), used.c.tag_id)
        .limit(limit)
    )


def trend_scores(tag_ids: Ids, window: timedelta) -> Select[*tuple[Any, ...]]:
    """(tag id, trend score); a tag that nobody used lately scores 1."""

    def one(tag_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        used = _newest_uses(window, tag_id).correlate_except(models.PostTag).lateral("used")
        return select(_trend_score(used.c, window).label("score"))

    return per_parent(tag_ids, one)


def _newest_uses(window: timedelta, tag_id: ColumnElement[int] | None) -> Select[*tuple[Any, ...]]:
    use = models.PostTag
    uses = select(use.tag_id, use.author_id, use.published_at).where(
        ~use.is_deleted, use.published_at <= func.now(), use.published_at > func.now() - _interval(2 * window)
    )
    # What is not a draft: the index of all tags by time holds it, and PostgreSQL must be told so.
    uses = uses.where(use.published_at < NEVER if tag_id is None else use.tag_id == tag_id)
    return uses.order_by(use.published_at.desc()).limit(TREND_SAMPLE)


def _trend_score(use: Any, window: timedelta) -> ColumnElement[Any]:  # noqa: ANN401 - the columns of a subquery.
    is_recent = use.published_at > func.now() - _interval(window)
    recent = func.count(use.author_id.distinct()).filter(is_recent)
    before = func.count(use.author_id.distinct()).filter(~is_recent)
    smoothing = literal(float(TREND_SMOOTHING))
    return (recent + smoothing) / (before + smoothing)


def _interval(length: timedelta) -> ColumnElement[timedelta]:
    return literal(length, INTERVAL)


def related(tag_ids: Ids, limit: int) -> Select[*tuple[Any, ...]]:
    """(tag id, id of a tag that often stands beside it), most often first."""

    def one(tag_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
        use, beside = models.PostTag, models.PostTag.__table__.alias("beside")
        newest = (
            select(use.post_id)
            .where(use.tag_id == tag_id, ~use.is_deleted, use.published_at <= func.now())
            .order_by(use.published_at.desc(), use.post_id.desc())
            .limit(RELATED_SAMPLE)
            .correlate_except(use)
            .lateral("newest")
        )
        return (
            select(beside.c.tag_id.label("related_id"))
            .select_from(newest.join(beside, newest.c.post_id == beside.c.post_id))
            .where(beside.c.tag_id != tag_id)
            .group_by(beside.c.tag_id)
            .order_by(func.count().desc(), beside.c.tag_id)
            .limit(limit)
        )

    return per_parent(tag_ids, one)
