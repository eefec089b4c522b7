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
    union,
    union_all,
)

from feed_service import models
from feed_service.queries.feed_reading import KEPT, Bound, Reading, Rows, inline
from feed_service.queries.visibility import id_of, not_hidden_for
from feed_service.viewer import Viewer

WINDOW = 500
"""Posts of everybody that are looked through first for a viewer who follows many; one in 24 must fit to fill a page."""

MANY_FOLLOWS = 100
"""From this many followed authors on, the window costs less than the merge that it may save."""

FIRSTS = 3
"""Posts of each author that are read first: two more cost little, and most authors are then not looked up again."""

VERY_MANY_FOLLOWS = 1_000
"""From here on, looking up each author of the window is cheaper than reading all follows."""

SAMPLE = 200
"""Of very many followed authors, those whose heads are read first, to bound the reading of all others'."""


def of_followed_users(reading: Reading, *, with_own: bool = False) -> Rows:
    """(id, published_at) from followed authors, and from the viewer `with_own`.

    One statement: what the window holds decides, once, whether the merge runs. `reading.is_of_few` has the merge alone.
    """
    followed = followed_authors(reading.viewer, with_own=with_own)
    if reading.is_of_few:
        return reading.in_order(_merged(reading, followed.subquery("authors"), true(), [])).limit(reading.size)
    authors = followed.cte("authors")
    recent = _recent(reading, authors, with_own=with_own).cte("recent")
    fills_page = select(func.count() >= reading.size).select_from(recent).scalar_subquery()
    merged = _merged(reading, authors, ~fills_page, [_bound_of_sample(reading, authors, ~fills_page)])
    either = union_all(
        select(recent.c.id, recent.c.published_at).where(fills_page),
        select(merged.c.id, merged.c.published_at),
    )
    return reading.in_order(either.subquery("either")).limit(reading.size)


def follows(viewer: Viewer, at_least: int) -> ColumnElement[bool]:
    """By the stored number, which decides how a page is found, never what is on it."""
    stats = models.UserStats
    stored = select(stats.following_count >= inline(at_least)).where(stats.user_id == id_of(viewer))
    return func.coalesce(stored.scalar_subquery(), false())


def followed_authors(viewer: Viewer, *, with_own: bool = False) -> Select[int] | CompoundSelect[int]:
    """(author_id). Who is blocked or muted leaves before any post is read; the suspended leave with their heads."""
    followed = select(models.UserFollow.followee_id.label("author_id")).where(*are_followed(viewer))
    return union_all(followed, select(id_of(viewer).label("author_id"))) if with_own else followed


def are_followed(viewer: Viewer) -> list[ColumnElement[bool]]:
    """What makes a row of `user_follows` one of those that fill a feed."""
    follow = models.UserFollow
    return [follow.follower_id == id_of(viewer), not_hidden_for(viewer, follow.followee_id)]


def _recent(reading: Reading, authors: CTE, *, with_own: bool) -> Rows:
    """(id, published_at, author_id): what a window over everybody's posts holds of the page. Empty for few follows."""
    viewer, post = reading.viewer, models.Post
    posts = select(post.id, post.published_at, post.author_id).where(post.deleted_at.is_(None))
    window = reading.sort.slice(posts, reading.part).limit(inline(WINDOW)).subquery("window")
    author_id = window.c.author_id
    is_own = author_id == id_of(viewer) if with_own else false()
    found = reading.in_order(window, author_id).where(
        follows(viewer, MANY_FOLLOWS),
        or_(is_own, _is_followed(viewer, authors, author_id)),
    )
    return reading.first_of_live_authors(found)


def _is_followed(viewer: Viewer, authors: CTE, author_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Looked up one by one for very many follows, else in a hash of all of them; a join could become anything."""
    follow = models.UserFollow
    looked_up = select(true()).where(*are_followed(viewer), follow.followee_id == author_id)
    return case(
        (follows(viewer, VERY_MANY_FOLLOWS), looked_up.correlate_except(follow).scalar_subquery()),
        else_=author_id.in_(select(authors.c.author_id)),
    )


def _merged(reading: Reading, authors: FromClause, condition: ColumnElement[bool], bounds: list[Bound]) -> FromClause:
    """(id, published_at): of everything up to the n-th + 1 post of the page, if `condition` holds.

    The first post of each author, or the first few, bound the page. Who has all of these on it may have more there.
    """
    number = FIRSTS if reading.is_of_few else 1
    page = _first_page(reading, authors, condition, bounds, number).cte("first_posts").prefix_with(KEPT)
    posts = select(page.c.author_id).group_by(page.c.author_id)
    leading = posts.having(func.count() >= inline(number)).subquery("leading") if reading.is_of_few else page
    items = _written(reading, leading.c.author_id, [reading.last_of(page)]).lateral("items")
    found = select(items.c.id, items.c.published_at).select_from(leading.join(items, true()))
    merged = union(select(page.c.id, page.c.published_at), found) if reading.is_of_few else found
    return merged.subquery("merged")


def _bound_of_sample(reading: Reading, authors: CTE, condition: ColumnElement[bool]) -> Bound:
    """A time at which to stop: where the page of some authors ends, who are read if there are very many."""
    few = select(authors.c.author_id).limit(inline(SAMPLE)).subquery("few")
    takes_sample = and_(condition, follows(reading.viewer, VERY_MANY_FOLLOWS))
    return reading.last_of(_first_page(reading, few, takes_sample, [], 1).cte("sample").prefix_with(KEPT))


def _first_page(
    reading: Reading, authors: FromClause, condition: ColumnElement[bool], bounds: list[Bound], number: int
) -> Rows:
    """(id, published_at, author_id): the first n + 1 posts of live authors among the first `number` of each."""
    first = _written(reading, authors.c.author_id, bounds).limit(inline(number)).lateral("first")
    found = select(first.c.id, first.c.published_at, authors.c.author_id).select_from(authors.join(first, true()))
    return reading.first_of_live_authors(found.where(condition).order_by(*reading.directions(first)))


def _written(reading: Reading, author_id: ColumnElement[int], bounds: list[Bound]) -> Rows:
    post = models.Post
    posts = select(post.id, post.published_at).where(post.author_id == author_id, post.deleted_at.is_(None))
    return reading.within(posts, reading.sort, bounds).correlate_except(post)
