"""The posts of many followed authors or tags in one order, exact, and flat in how much they have written.

The `n` newest heads decide: an author whose newest post below the cursor is not among the `n` newest such posts has
nothing in the top `n`. So stage one reads one post of each author, stage two `n` posts of `n` authors. Both use the
whole sort key and the same bounds. docs/decisions/0003-feed-query.md has the alternatives and what they cost.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    func,
    literal,
    select,
    true,
    union,
    union_all,
)

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.visibility import blocked_between, muted_by, not_muted_for, user_is_live, user_listed_for
from feed_service.viewer import Viewer

WINDOW = 2_000
"""Newest posts of everybody that are looked through first, for a viewer who follows many."""

MANY_FOLLOWS = 1_000
"""From this many followed authors on, that window fills a page more often than not."""

HEAD = 0
"""The limit of a slice that reads one row: `Sort.slice` always takes one more."""

Rows = Select[*tuple[Any, ...]]


def of_followed_users(viewer: Viewer, sort: Sort, part: Slice, *, with_own: bool = False) -> Rows:
    """(id, published_at) from followed authors, and from the viewer `with_own`.

    The recency window answers if it fills the page, which it can only for a viewer who follows many.
    """
    authors = followed_authors(viewer, with_own=with_own).cte("authors")
    recent = _recent(authors, sort, part).cte("recent")
    falls_short = select(func.count() <= part.limit).select_from(recent).scalar_subquery()
    merged = _merged(authors, falls_short, sort, part).subquery("merged")
    both = union(select(recent.c.id, recent.c.published_at), select(merged.c.id, merged.c.published_at))
    return _ordered(both.subquery("both"), sort, part).limit(part.limit + 1)


def of_followed_tags(viewer: Viewer, sort: Sort, part: Slice) -> Rows:
    """(id, published_at) of posts with a followed tag, each once."""
    tags = select(models.TagFollow.tag_id).where(models.TagFollow.user_id == literal(viewer.user_id, BigInteger))
    followed = tags.cte("tags")
    head = _tagged(viewer, followed.c.tag_id, sort, _resized(part, HEAD)).lateral("head")
    # Several tags may have the same post as their head, so ranks are counted by post.
    places = func.dense_rank().over(order_by=_directions(head.c, sort, part))
    heads = select(followed.c.tag_id, places.label("place")).select_from(followed.join(head, true())).subquery("heads")
    leading = select(heads.c.tag_id).where(heads.c.place <= part.limit + 1).cte("leading_tags")
    items = _tagged(viewer, leading.c.tag_id, sort, part).lateral("items")
    found = select(items.c.id, items.c.published_at).select_from(leading.join(items, true())).distinct()
    return _ordered(found.subquery("tagged"), sort, part).limit(part.limit + 1)


def home(viewer: Viewer, sort: Sort, part: Slice) -> Rows:
    """(id, published_at) of the viewer's own posts and those of followed users and tags, each once."""
    users = of_followed_users(viewer, sort, part, with_own=True).subquery("of_users")
    tags = of_followed_tags(viewer, sort, part).subquery("of_tags")
    both = union(select(users.c.id, users.c.published_at), select(tags.c.id, tags.c.published_at))
    return _ordered(both.subquery("home"), sort, part).limit(part.limit + 1)


def followed_authors(viewer: Viewer, *, with_own: bool = False) -> Select[int] | CompoundSelect[int]:
    """(author_id). Who is blocked or muted leaves before any post is read; the suspended leave with their heads."""
    me, follow = literal(viewer.user_id, BigInteger), models.UserFollow
    followed = select(follow.followee_id.label("author_id")).where(
        follow.follower_id == me,
        follow.followee_id.not_in(blocked_between(viewer)),
        follow.followee_id.not_in(muted_by(viewer)),
    )
    return union_all(followed, select(me.label("author_id"))) if with_own else followed


def _recent(authors: CTE, sort: Sort, part: Slice) -> Rows:
    """(id, published_at): those of the newest posts of everybody that belong to the page. Nothing for few follows."""
    post = models.Post
    posts = select(post.id, post.published_at, post.author_id).where(post.deleted_at.is_(None))
    newest = sort.slice(posts, _resized(part, WINDOW - 1)).subquery("newest")
    # IS TRUE keeps the lookup a hashed one; as a join it may become two nested loops.
    is_followed = newest.c.author_id.in_(select(authors.c.author_id)).is_(True)
    follows_many = select(func.count() >= MANY_FOLLOWS).select_from(authors).scalar_subquery()
    found = _ordered(newest, sort, part, newest.c.author_id).where(is_followed, follows_many)
    return _of_live_authors(found, sort, part)


def _merged(authors: CTE, condition: ColumnElement[bool], sort: Sort, part: Slice) -> Rows:
    """(id, published_at): up to n + 1 posts of each of the n + 1 leading authors, if `condition` holds."""
    head = _written(authors.c.author_id, sort, _resized(part, HEAD)).lateral("head")
    heads = select(head.c.id, head.c.published_at, authors.c.author_id).select_from(authors.join(head, true()))
    found = heads.where(condition).order_by(*_directions(head.c, sort, part))
    leading = _of_live_authors(found, sort, part, with_author=True).subquery("leading")
    items = _written(leading.c.author_id, sort, part).lateral("items")
    return select(items.c.id, items.c.published_at).select_from(leading.join(items, true()))


def _of_live_authors(found: Rows, sort: Sort, part: Slice, *, with_author: bool = False) -> Rows:
    """The first n + 1 of `found`, which is in reading order.

    OFFSET 0 keeps the look at each author behind the sort: it then costs n + 1 of them, not all.
    """
    rows = found.offset(0).subquery("found")
    columns = [rows.c.author_id] if with_author else []
    return _ordered(rows, sort, part, *columns).where(user_is_live(rows.c.author_id)).limit(part.limit + 1)


def _written(author_id: ColumnElement[int], sort: Sort, part: Slice) -> Rows:
    post = models.Post
    posts = select(post.id, post.published_at).where(post.author_id == author_id, post.deleted_at.is_(None))
    return sort.slice(posts, part).correlate_except(post)


def _tagged(viewer: Viewer, tag_id: ColumnElement[int], sort: Sort, part: Slice) -> Rows:
    """(id, published_at) of one tag's posts, read from the tag's index alone."""
    use = models.PostTag
    posts = select(use.post_id.label("id"), use.published_at).where(
        use.tag_id == tag_id,
        ~use.is_deleted,
        user_listed_for(viewer, use.author_id),
        not_muted_for(viewer, use.author_id),
    )
    tagged = Sort((use.published_at, use.post_id), sort.is_descending, sort.is_clocked)
    return tagged.slice(posts, part).correlate_except(use)


def _ordered(rows: FromClause, sort: Sort, part: Slice, *columns: ColumnElement[Any]) -> Rows:
    return select(rows.c.id, rows.c.published_at, *columns).order_by(*_directions(rows.c, sort, part))


def _directions(columns: Any, sort: Sort, part: Slice) -> list[ColumnElement[Any]]:  # noqa: ANN401 - columns of a table.
    keys = (columns.published_at, columns.id)
    return [key.desc() if sort.is_descending != part.backwards else key.asc() for key in keys]


def _resized(part: Slice, limit: int) -> Slice:
    return Slice(limit, part.backwards, part.after, part.before, part.is_inclusive)
