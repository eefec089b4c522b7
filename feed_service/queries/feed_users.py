"""The newest or oldest posts of many followed authors: a window over everybody's posts, then an exact merge.

docs/decisions/0003-feed-query.md has the measurements behind the numbers, and the alternatives.
"""

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    and_,
    case,
    false,
    func,
    or_,
    select,
    true,
    union_all,
)

from feed_service import models
from feed_service.queries.feed_reading import KEPT, Bound, Reading, Rows, inline
from feed_service.queries.visibility import blocked_between, id_of, muted_by
from feed_service.viewer import Viewer

WINDOW = 500
"""Posts of everybody that are looked through first for a viewer who follows many; one in 24 must fit to fill a page."""

MANY_FOLLOWS = 100
"""From this many followed authors on, the window costs less than the merge that it may save."""

VERY_MANY_FOLLOWS = 1_000
"""From here on, looking up each author of the window is cheaper than reading all follows."""

SAMPLE = 200
"""Of very many followed authors, those whose heads are read first, to bound the reading of all others'."""


def of_followed_users(reading: Reading, *, with_own: bool = False) -> Rows:
    """(id, published_at) from followed authors, and from the viewer `with_own`.

    One statement: what the window holds decides, once, whether the merge runs.
    """
    authors = followed_authors(reading.viewer, with_own=with_own).cte("authors")
    recent = _recent(reading, authors, with_own=with_own).cte("recent")
    fills_page = select(func.count() >= reading.size).select_from(recent).scalar_subquery()
    merged = _merged(reading, authors, ~fills_page).subquery("merged")
    either = union_all(
        select(recent.c.id, recent.c.published_at).where(fills_page),
        select(merged.c.id, merged.c.published_at),
    )
    return reading.in_order(either.subquery("either")).limit(reading.size)


def followed_authors(viewer: Viewer, *, with_own: bool = False) -> Select[int] | CompoundSelect[int]:
    """(author_id). Who is blocked or muted leaves before any post is read; the suspended leave with their heads."""
    followed = select(models.UserFollow.followee_id.label("author_id")).where(*are_followed(viewer))
    return union_all(followed, select(id_of(viewer).label("author_id"))) if with_own else followed


def are_followed(viewer: Viewer) -> list[ColumnElement[bool]]:
    """What makes a row of `user_follows` one of those that fill a feed."""
    follow = models.UserFollow
    return [
        follow.follower_id == id_of(viewer),
        follow.followee_id.not_in(blocked_between(viewer)),
        follow.followee_id.not_in(muted_by(viewer)),
    ]


def _recent(reading: Reading, authors: CTE, *, with_own: bool) -> Rows:
    """(id, published_at, author_id): what a window over everybody's posts holds of the page. Empty for few follows."""
    viewer, post = reading.viewer, models.Post
    posts = select(post.id, post.published_at, post.author_id).where(post.deleted_at.is_(None))
    window = reading.sort.slice(posts, reading.part).limit(inline(WINDOW)).subquery("window")
    author_id = window.c.author_id
    is_own = author_id == id_of(viewer) if with_own else false()
    found = reading.in_order(window, author_id).where(
        _follows(viewer, MANY_FOLLOWS),
        or_(is_own, _is_followed(viewer, authors, author_id)),
    )
    return reading.first_of_live_authors(found)


def _follows(viewer: Viewer, at_least: int) -> ColumnElement[bool]:
    """By the stored number, which decides how a page is found, never what is on it."""
    stats = models.UserStats
    stored = select(stats.following_count).where(stats.user_id == id_of(viewer))
    return select(func.coalesce(stored.scalar_subquery(), 0) >= at_least).scalar_subquery()


def _is_followed(viewer: Viewer, authors: CTE, author_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Looked up one by one for very many follows, else in a hash of all of them; a join could become anything."""
    follow = models.UserFollow
    looked_up = select(true()).where(*are_followed(viewer), follow.followee_id == author_id)
    return case(
        (_follows(viewer, VERY_MANY_FOLLOWS), looked_up.correlate_except(follow).scalar_subquery()),
        else_=author_id.in_(select(authors.c.author_id)),
    )


def _merged(reading: Reading, authors: CTE, condition: ColumnElement[bool]) -> Rows:
    """(id, published_at): the posts of the n + 1 leading authors that may be on the page, if `condition` holds.

    An author whose head, the first post in reading order, is not among the first n + 1 heads has nothing on the page.
    """
    few = select(authors.c.author_id).limit(inline(SAMPLE)).subquery("few")
    takes_sample = and_(condition, _follows(reading.viewer, VERY_MANY_FOLLOWS))
    sample = _leading(reading, few, takes_sample, []).cte("sample").prefix_with(KEPT)
    leading = _leading(reading, authors, condition, [reading.last_of(sample)]).cte("leading").prefix_with(KEPT)
    items = _written(reading, leading.c.author_id, [reading.last_of(leading)]).lateral("items")
    return select(items.c.id, items.c.published_at).select_from(leading.join(items, true()))


def _leading(reading: Reading, authors: FromClause, condition: ColumnElement[bool], bounds: list[Bound]) -> Rows:
    """(id, published_at, author_id): the heads of the first n + 1 live authors."""
    head = _written(reading, authors.c.author_id, bounds).limit(inline(1)).lateral("head")
    heads = select(head.c.id, head.c.published_at, authors.c.author_id).select_from(authors.join(head, true()))
    return reading.first_of_live_authors(heads.where(condition).order_by(*reading.directions(head)))


def _written(reading: Reading, author_id: ColumnElement[int], bounds: list[Bound]) -> Rows:
    post = models.Post
    posts = select(post.id, post.published_at).where(post.author_id == author_id, post.deleted_at.is_(None))
    return reading.within(posts, reading.sort, bounds).correlate_except(post)
