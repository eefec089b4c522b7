"""Which posts a feed holds, in which order; what a viewer follows is merged in `feed_users` and `feed_tags`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, select, union

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.batches import is_any
from feed_service.queries.feed_reading import Reading, Rows
from feed_service.queries.feed_tags import of_followed_tags
from feed_service.queries.feed_users import of_followed_users
from feed_service.queries.stats import hot_key, or_zero
from feed_service.queries.visibility import not_muted_for, post_listed_for, post_listed_once_due_for
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind, PostOrder

TIME_SORTS = {
    PostOrder.NEWEST: Sort((models.Post.published_at, models.Post.id), is_clocked=True),
    PostOrder.OLDEST: Sort((models.Post.published_at, models.Post.id), is_descending=False, is_clocked=True),
}
RANK_SORTS = {
    PostOrder.HOT: Sort((models.PostRank.hot_key, models.PostRank.post_id)),
    PostOrder.TOP: Sort((models.PostRank.like_count, models.PostRank.post_id)),
    PostOrder.NEWEST_ACTIVITY: Sort((models.PostRank.last_activity_at, models.PostRank.post_id)),
    PostOrder.MOST_COMMENTED: Sort((models.PostRank.comment_count, models.PostRank.post_id)),
}
_TIMED = (PostOrder.NEWEST, PostOrder.OLDEST, PostOrder.HOT, PostOrder.TOP)
ALLOWED_ORDERS: dict[FeedKind, tuple[PostOrder, ...]] = {
    FeedKind.HOME: _TIMED,
    FeedKind.FOLLOWING_USERS: _TIMED,
    FeedKind.FOLLOWING_TAGS: _TIMED,
    FeedKind.GLOBAL: _TIMED,
    FeedKind.POPULAR: (PostOrder.HOT, PostOrder.TOP),
    FeedKind.DISCUSSED: (PostOrder.NEWEST_ACTIVITY, PostOrder.MOST_COMMENTED),
}
"""The first is the kind's own."""

RANKED_KINDS = (FeedKind.POPULAR, FeedKind.DISCUSSED)
PERSONAL_KINDS = (FeedKind.HOME, FeedKind.FOLLOWING_USERS, FeedKind.FOLLOWING_TAGS)

CANDIDATES = 2_000
"""HOT and TOP of a feed that comes by time rank this many of its newest posts."""


@dataclass(frozen=True)
class FeedFilter:
    """What a post must be to pass; None lets everything pass."""

    category: str | None = None
    tags: tuple[str, ...] | None = None
    exclude_tags: tuple[str, ...] | None = None
    authors: tuple[int, ...] | None = None
    languages: tuple[str, ...] | None = None


def by_time(viewer: Viewer, kind: FeedKind, order: PostOrder, part: Slice) -> Rows:
    """(id, published_at) of a feed in NEWEST or OLDEST order."""
    reading = Reading(viewer, TIME_SORTS[order], part)
    match kind:
        case FeedKind.HOME:
            return home(reading)
        case FeedKind.FOLLOWING_USERS:
            return of_followed_users(reading)
        case FeedKind.FOLLOWING_TAGS:
            return of_followed_tags(reading)
        case _:
            return newest_posts(viewer, reading.sort, part)


def home(reading: Reading) -> Rows:
    """(id, published_at) of the viewer's own posts and those of followed users and tags, each once."""
    users = of_followed_users(reading, with_own=True).cte("of_users")
    tags = of_followed_tags(reading, reading.last_of(users)).subquery("of_tags")
    both = union(select(users.c.id, users.c.published_at), select(tags.c.id, tags.c.published_at))
    return reading.in_order(both.subquery("both")).limit(reading.size)


def newest_posts(viewer: Viewer, sort: Sort, part: Slice) -> Rows:
    """(id, published_at) of everybody's posts."""
    post = models.Post
    listed = and_(post_listed_once_due_for(viewer), not_muted_for(viewer, post.author_id))
    return sort.slice(select(post.id, post.published_at).where(listed), part)


def ranked_posts(viewer: Viewer, order: PostOrder, part: Slice) -> Rows:
    """(id, sort columns) of everybody's posts by one of their numbers."""
    post, sort = models.Post, RANK_SORTS[order]
    listed = and_(post_listed_for(viewer), not_muted_for(viewer, post.author_id))
    ranked = select(models.PostRank.post_id.label("id"), *sort.columns)
    return sort.slice(ranked.join(post, post.id == models.PostRank.post_id).where(listed), part)


def ranked_candidates(
    viewer: Viewer, kind: FeedKind, order: PostOrder, part: Slice, until: datetime, window: timedelta
) -> Rows:
    """(id, value) of a feed's newest posts between `until - window` and `until`, by HOT or TOP."""
    beyond_all = 2**63 - 1
    newest = Slice(CANDIDATES - 1, after=(until, beyond_all), before=(until - window, 0))
    found = by_time(viewer, kind, PostOrder.NEWEST, newest).subquery("candidates")
    stored = models.PostStats
    likes, commenters = or_zero(stored.like_count), or_zero(stored.commenter_count)
    hot = hot_key(likes, commenters, or_zero(stored.bookmark_count), found.c.published_at)
    value = (hot if order is PostOrder.HOT else likes).label("value")
    rows = select(found.c.id, value).outerjoin_from(found, stored, stored.post_id == found.c.id).subquery("ranked")
    return Sort((rows.c.value, rows.c.id)).slice(select(rows.c.id, rows.c.value), part)


def passing(post_ids: Sequence[int], wanted: FeedFilter, since: datetime | None) -> Select[int]:
    """Which of the posts pass the filter and were published after `since`."""
    post = models.Post
    posts = select(post.id).where(is_any(post.id, post_ids))
    if wanted.category is not None:
        category = select(models.Category.id).where(models.Category.slug == wanted.category)
        posts = posts.where(post.category_id == category.scalar_subquery())
    if wanted.tags is not None:
        posts = posts.where(_has_tag(wanted.tags))
    if wanted.exclude_tags is not None:
        posts = posts.where(~_has_tag(wanted.exclude_tags))
    if wanted.authors is not None:
        posts = posts.where(is_any(post.author_id, wanted.authors))
    if wanted.languages is not None:
        posts = posts.where(is_any(post.language, wanted.languages))
    if since is not None:
        posts = posts.where(post.published_at > since)
    return posts


def _has_tag(slugs: Sequence[str]) -> ColumnElement[bool]:
    use, tag = models.PostTag, models.Tag
    used = select(use.tag_id).join(tag, tag.id == use.tag_id)
    return used.where(use.post_id == models.Post.id, is_any(tag.slug, slugs)).exists()
