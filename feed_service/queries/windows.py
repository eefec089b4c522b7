"""Sums over posts of what happened to them in a window of time, and in the window before, which is as long.

Each table is counted post by post, by its index of post and time, and joined to others by key only then: nothing is
multiplied, and PostgreSQL never reads a table to find what belongs to a few posts.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    SQLColumnExpression,
    and_,
    cast,
    func,
    literal_column,
    select,
    true,
)

from feed_service import models
from feed_service.queries import stats
from feed_service.queries.batches import Ids, each

Rows = Select[*tuple[Any, ...]]
Column = SQLColumnExpression[Any]
PostsOf = Callable[[ColumnElement[int]], Rows]
"""Of one subject: its posts (post_id, published_at) that count, newest first, and only so many."""

COUNTS = ("post_count", "like_count", "comment_count", "unique_commenter_count", "view_count")
BEFORE = "_before"
"""How the name of a number of the window before ends."""


def chosen(ids: Ids, posts_of: PostsOf) -> CTE:
    """(subject_id, post_id, published_at)."""
    subjects = each(ids)
    post = posts_of(subjects.c.parent_id).lateral("post")
    found = select(subjects.c.parent_id.label("subject_id"), post.c.post_id, post.c.published_at)
    return found.select_from(subjects.join(post, true())).cte("chosen").prefix_with("MATERIALIZED")


def summed(posts: CTE, members: Rows, keys: Sequence[str], window: timedelta) -> Rows:
    """(keys, looked_at, `COUNTS` of the window and of the one before), for keys with a post."""
    of = members.cte("members")
    counts = {"looked_at": func.count(), **_split("post_count", of.c.published_at, window)}
    sums = select(*(of.c[key] for key in keys), *(count.label(name) for name, count in counts.items()))
    whole = sums.group_by(*(of.c[key] for key in keys)).subquery("posts")
    shown = [*whole.c]
    joined: FromClause = whole
    for name, events in _events(posts, window).items():
        total = _by_key(of, keys, name, events)
        shown += [stats.or_zero(column).label(column.key) for column in total.c if column.key not in keys]
        joined = joined.outerjoin(total, and_(*(total.c[key] == whole.c[key] for key in keys)))
    return select(*shown).select_from(joined)


def _events(posts: CTE, window: timedelta) -> Mapping[str, FromClause]:
    """By the number that they make: (post_id, n, n_before); of comments a row each, with who wrote it."""
    like, comment, view = models.PostLike, models.Comment, models.PostView
    looked_at = select(posts.c.post_id).distinct().subquery("looked_at")

    def beside(name: str, found: Rows) -> FromClause:
        one = found.correlate(looked_at).lateral("one")
        return select(looked_at.c.post_id, *one.c).select_from(looked_at.join(one, true())).subquery(name)

    def counted(key: Column, moment: Column) -> Rows:
        counts = [count.label(f"n{end}") for end, count in _split("", moment, window).items()]
        return select(*counts).where(key == looked_at.c.post_id, _in_time(moment, window)).having(func.count() > 0)

    is_new = cast(comment.created_at > ago(window), Integer)
    one_by_one = select(comment.author_id, is_new.label("n"), (1 - is_new).label(f"n{BEFORE}"))
    is_theirs = comment.post_id == looked_at.c.post_id, _in_time(comment.created_at, window), stats.comment_counts()
    return {
        "like_count": beside("likes", counted(like.post_id, like.created_at)),
        # OFFSET 0 has PostgreSQL look for the comments of each post. To group them there takes four times as long.
        "comment_count": beside("written", one_by_one.where(*is_theirs).offset(0)),
        "view_count": beside("views", counted(view.post_id, view.hour)),
    }


def _by_key(of: CTE, keys: Sequence[str], name: str, events: FromClause) -> FromClause:
    columns = [of.c[key] for key in keys]
    counts = [_sum(events.c[f"n{end}"]).label(f"{name}{end}") for end in ("", BEFORE)]
    if "author_id" in events.c:
        people = func.count(events.c.author_id.distinct())
        counts += [people.filter(events.c[f"n{end}"] > 0).label(f"unique_commenter_count{end}") for end in ("", BEFORE)]
    joined = of.join(events, events.c.post_id == of.c.post_id)
    return select(*columns, *counts).select_from(joined).group_by(*columns).subquery(f"{name}s")


def new_followers(author_id: ColumnElement[int], window: timedelta) -> FromClause:
    follow = models.UserFollow
    counts = [count.label(name) for name, count in _split("new_follower_count", follow.created_at, window).items()]
    found = select(*counts).where(follow.followee_id == author_id, _in_time(follow.created_at, window))
    return found.correlate_except(follow).lateral("won")


def _in_time(moment: Column, window: timedelta) -> ColumnElement[bool]:
    """In the window, or in the one before."""
    return and_(moment > ago(2 * window), moment <= func.now())


def _split(name: str, moment: Column, window: timedelta) -> dict[str, ColumnElement[int]]:
    """Rows of the window, and of the one before."""
    is_before = and_(moment > ago(2 * window), moment <= ago(window))
    return {name: func.count().filter(moment > ago(window)), f"{name}{BEFORE}": func.count().filter(is_before)}


def _sum(column: SQLColumnExpression[int]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)


def both(counts: Sequence[str]) -> list[str]:
    return [f"{name}{end}" for name in counts for end in ("", BEFORE)]


def ago(length: timedelta) -> ColumnElement[datetime]:
    """In hours, of which a day has 24 wherever the clock is changed."""
    hours: ColumnElement[Any] = literal_column(f"interval '{length // timedelta(hours=1)} hours'")
    return func.now() - hours
