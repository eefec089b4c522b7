"""Which posts a feed holds, in which order; what a viewer follows is merged in `feed_users` and `feed_tags`."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    and_,
    bindparam,
    cast,
    extract,
    func,
    select,
    true,
    union,
)

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries import feed_users, posts
from feed_service.queries.changes import snapshot_text
from feed_service.queries.feed_reading import Reading, Rows
from feed_service.queries.feed_tags import of_followed_tags
from feed_service.queries.feed_users import of_followed_users
from feed_service.queries.prepared import Prepared, anybody_like, shape_of, values_of, with_parameters
from feed_service.queries.stats import hot_key, or_zero
from feed_service.queries.visibility import not_muted_for, post_is_live, post_listed_once_due_for, user_listed_for
from feed_service.statements import built_once
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind, PostOrder

TIME_SORTS = {
    PostOrder.NEWEST: Sort((models.Post.published_at, models.Post.id), is_clocked=True),
    PostOrder.OLDEST: Sort((models.Post.published_at, models.Post.id), is_descending=False, is_clocked=True),
}
RANK_SORTS = {
    PostOrder.HOT: Sort((models.PostRank.hot_key, models.PostRank.post_id)),
    PostOrder.TOP: Sort((models.PostRank.like_count, models.PostRank.post_id)),
    PostOrder.NEWEST_ACTIVITY: Sort((models.PostRank.last_activity_at, models.PostRank.post_id), is_clocked=True),
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

MAX_ID = 2**63 - 1


Parts = frozenset[str] | None
"""Of `posts.PARTS`, what is wanted of each post beside its place; None for nothing but the place."""


def by_time(
    viewer: Viewer, kind: FeedKind, order: PostOrder, part: Slice, parts: Parts = None, *, is_of_few: bool = False
) -> Prepared:
    """(snapshot, clock_us, epoch, id, published_at) of a feed in NEWEST or OLDEST order: see `with_snapshot`.

    `is_of_few`: takes two thirds of the time, for those who follow few. Whoever does not gets no post, and is told so
    by the column `follows_many`.
    """
    statement = statement_by_time(anybody_like(viewer), kind, order, shape_of(part), parts, is_of_few=is_of_few)
    return Prepared(statement, values_of(viewer, part))


@built_once
def statement_by_time(
    viewer: Viewer,
    kind: FeedKind,
    order: PostOrder,
    shape: Slice,
    parts: Parts = None,
    *,
    is_of_few: bool = False,
) -> Rows:
    sort = TIME_SORTS[order]
    reading = Reading(viewer, sort, with_parameters(shape, sort), is_of_few)
    page, is_descending = _of_kind(kind, reading), reading.is_descending
    follows_many = feed_users.follows(viewer, feed_users.MANY_FOLLOWS)
    if is_of_few:
        page = reading.in_order(page.subquery("found")).where(~follows_many)
    if parts is None:
        made = with_snapshot(page, is_descending=is_descending)
    else:
        made = with_posts(viewer, page, parts, is_descending=is_descending)
    return made.add_columns(follows_many.label("follows_many")) if is_of_few else made


def _of_kind(kind: FeedKind, reading: Reading) -> Rows:
    match kind:
        case FeedKind.HOME:
            return home(reading)
        case FeedKind.FOLLOWING_USERS:
            return of_followed_users(reading)
        case FeedKind.FOLLOWING_TAGS:
            return of_followed_tags(reading)
        case _:
            return newest_posts(reading)


def home(reading: Reading) -> Rows:
    """(id, published_at) of the viewer's own posts and those of followed users and tags, each once."""
    users = of_followed_users(reading, with_own=True).cte("of_users")
    tags = of_followed_tags(reading, reading.last_of(users)).subquery("of_tags")
    both = union(select(users.c.id, users.c.published_at), select(tags.c.id, tags.c.published_at))
    return reading.in_order(both.subquery("both")).limit(reading.size)


def newest_posts(reading: Reading) -> Rows:
    """(id, published_at) of everybody's posts."""
    post, viewer = models.Post, reading.viewer
    listed = and_(post_listed_once_due_for(viewer), not_muted_for(viewer, post.author_id))
    return reading.sort.slice(select(post.id, post.published_at).where(listed), reading.part)


def ranked_posts(viewer: Viewer, order: PostOrder, part: Slice) -> Prepared:
    """(id, sort columns) of everybody's posts by one of their numbers."""
    return Prepared(_by_rank(anybody_like(viewer), order, shape_of(part)), values_of(viewer, part))


def statement_by_rank(viewer: Viewer, order: PostOrder, shape: Slice) -> Rows:
    rank, sort, post = models.PostRank, RANK_SORTS[order], models.Post
    # As a subquery it is asked for each rank in turn; a join could sort all ranks by post first.
    is_live = select(post_is_live()).where(post.id == rank.post_id).correlate_except(post).scalar_subquery()
    listed = and_(is_live, user_listed_for(viewer, rank.author_id), not_muted_for(viewer, rank.author_id))
    # A scheduled post has its rank already, and its time as that of its last activity: seen without reading the post.
    is_due = true() if sort.is_clocked else rank.last_activity_at <= func.now()
    ranked = select(rank.post_id.label("id"), *sort.columns).where(is_due, listed)
    return sort.slice(ranked, with_parameters(shape, sort))


_by_rank = built_once(statement_by_rank)


def ranked_candidates(
    viewer: Viewer, kind: FeedKind, order: PostOrder, part: Slice, until: datetime, window: timedelta
) -> Prepared:
    """(snapshot, clock_us, epoch, id, value): newest posts of a feed of the `window` before `until`, by HOT or TOP."""
    statement = statement_by_value(anybody_like(viewer), kind, order, shape_of(part))
    return Prepared(statement, values_of(viewer, part) | {"until": until, "since": until - window})


@built_once
def statement_by_value(viewer: Viewer, kind: FeedKind, order: PostOrder, shape: Slice) -> Rows:
    since, until = (bindparam(name, type_=DateTime(timezone=True)) for name in ("since", "until"))
    newest = Slice(CANDIDATES - 1, after=(until, MAX_ID), before=(since, 0))
    found = _of_kind(kind, Reading(viewer, TIME_SORTS[PostOrder.NEWEST], newest)).subquery("candidates")
    stored = models.PostStats
    likes, commenters = or_zero(stored.like_count), or_zero(stored.commenter_count)
    hot = hot_key(likes, commenters, or_zero(stored.bookmark_count), found.c.published_at)
    value = (hot if order is PostOrder.HOT else likes).label("value")
    rows = select(found.c.id, value).outerjoin_from(found, stored, stored.post_id == found.c.id).subquery("ranked")
    sort = Sort((rows.c.value, rows.c.id))
    page = sort.slice(select(rows.c.id, rows.c.value), with_parameters(shape, sort))
    return with_snapshot(page, is_descending=not shape.backwards)


def with_snapshot(page: Rows, *, is_descending: bool) -> Rows:
    """(snapshot, clock_us, epoch, columns of the page): what this very statement could see, and when, in microseconds.

    Without any post, one row tells them. `page` is (id, sort value); `epoch` as in `models.FeedEpoch`.
    """
    rows, read = page.subquery("page"), _read()
    joined = read.outerjoin(rows, true())
    return select(*read.c, *rows.c).select_from(joined).order_by(*_keys(rows, is_descending=is_descending))


def with_posts(viewer: Viewer, page: Rows, parts: frozenset[str], *, is_descending: bool) -> Rows:
    """The same with the posts, as `posts.by_ids` gives them, in place of the columns of the page."""
    rows, read = page.subquery("page"), _read()
    post = posts.beside(viewer, rows, parts)
    joined = read.outerjoin(rows, true()).outerjoin(post, true())
    shown = select(*post.c, *read.c).select_from(joined).order_by(*_keys(rows, is_descending=is_descending))
    return shown.execution_options(**posts.WITH_AUTHOR)


def _read() -> FromClause:
    """One row, of subqueries: they are answered once, and not for each row of the page."""
    snapshot: ColumnElement[str] = select(snapshot_text()).scalar_subquery()
    clock_us = select(cast(extract("epoch", func.now()) * 1_000_000, BigInteger)).scalar_subquery()
    epoch: ColumnElement[int | None] = select(models.FeedEpoch.epoch).scalar_subquery()
    return select(snapshot.label("snapshot"), clock_us.label("clock_us"), epoch.label("epoch")).subquery("read")


def _keys(page: FromClause, *, is_descending: bool) -> list[ColumnElement[Any]]:
    return [column.desc() if is_descending else column.asc() for column in (page.c[1], page.c[0])]
