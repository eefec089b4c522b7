"""What users have stirred in the last 7, 30 and 90 days: one row each, also of those with whom nothing happened.

Each source is summed up by itself, inside the row of its user and by an index that ends with the time: nothing is
multiplied by anything else, nothing is read twice, and PostgreSQL holds the sums of one user at a time.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Numeric,
    Text,
    any_,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.sql.selectable import LateralFromClause

from feed_service import models
from feed_service.queries import stats
from feed_service.queries.exports import Section

DAYS = (7, 30, 90)
KIND = "engagement"

user, post, numbers = models.User, models.Post, models.PostStats
comment, follow, totals = models.Comment, models.UserFollow, models.UserStats


def section(names: Sequence[str] | None = None, ids: Sequence[int] = ()) -> Section:
    """Of everybody whose account is open, or of those with the names, in lower case, and ids; by user id."""
    conditions: list[ColumnElement[bool]] = [user.deleted_at.is_(None)]
    if names is not None:
        is_named = func.lower(user.username) == any_(literal(list(names), ARRAY(Text)))
        conditions.append(or_(is_named, user.id == any_(literal(list(ids), ARRAY(BigInteger)))))
    return Section(KIND, user.__table__, [user.id], told(), conditions)


def told() -> list[ColumnElement[Any]]:
    """The numbers of posts are those of the posts of the window by now: views do not tell when they were."""
    posts, comments, followers = published(), written(), won()
    columns: list[ColumnElement[Any]] = [user.id.label("id"), user.username.label("username")]
    columns += [total.c[name].label(name) for total in (stored(),) for name in ("posts", "followers", "following")]
    for days in DAYS:
        count, views, likes, answers = (posts.c[f"{name}_{days}"] for name in ("posts", "views", "likes", "comments"))
        columns += [
            count.label(f"posts{days}"),
            views.label(f"views{days}"),
            likes.label(f"likes{days}"),
            answers.label(f"comments{days}"),
            ratio(views, count).label(f"viewsPerPost{days}"),
            ratio(likes + answers, count).label(f"reactionsPerPost{days}"),
            ratio(likes + answers, views).label(f"reactionsPerView{days}"),
            comments.c[f"comments_{days}"].label(f"commentsWritten{days}"),
            followers.c[f"followers_{days}"].label(f"newFollowers{days}"),
        ]
    return columns


def stored() -> LateralFromClause:
    """Without a row of numbers there is none of anything."""
    sums = [
        stats.or_zero(func.max(column)).label(name)
        for name, column in (
            ("posts", totals.post_count), ("followers", totals.follower_count), ("following", totals.following_count),
        )
    ]  # fmt: skip
    return select(*sums).where(totals.user_id == user.id).correlate(user).lateral("stored")


def published() -> LateralFromClause:
    """The user's live posts of each window, and what they have stirred."""
    sums = [
        column
        for days in DAYS
        for column in (
            func.count().filter(since(post.published_at, days)).label(f"posts_{days}"),
            summed(numbers.view_count, days).label(f"views_{days}"),
            summed(numbers.like_count, days).label(f"likes_{days}"),
            summed(numbers.comment_count, days).label(f"comments_{days}"),
        )
    ]
    is_in_time = (since(post.published_at, max(DAYS)), post.published_at <= func.now())
    found = select(*sums).join_from(post, numbers, numbers.post_id == post.id)
    return found.where(post.author_id == user.id, stats.post_counts(), *is_in_time).correlate(user).lateral("published")


def written() -> LateralFromClause:
    """The comments that the user has written, and not deleted."""
    sums = [func.count().filter(since(comment.created_at, days)).label(f"comments_{days}") for days in DAYS]
    found = select(*sums).where(comment.author_id == user.id, since(comment.created_at, max(DAYS)))
    return found.where(stats.comment_counts()).correlate(user).lateral("written")


def won() -> LateralFromClause:
    """Who follows the user since."""
    sums = [func.count().filter(since(follow.created_at, days)).label(f"followers_{days}") for days in DAYS]
    found = select(*sums).where(follow.followee_id == user.id, since(follow.created_at, max(DAYS)))
    return found.correlate(user).lateral("won")


def since(moment: Any, days: int) -> ColumnElement[bool]:  # noqa: ANN401 - a column.
    within: ColumnElement[bool] = moment > func.now() - literal(timedelta(days=days))
    return within


def summed(column: Any, days: int) -> ColumnElement[int]:  # noqa: ANN401 - a column.
    return cast(stats.or_zero(func.sum(column).filter(since(post.published_at, days))), BigInteger)


def ratio(part: ColumnElement[int], whole: ColumnElement[int]) -> ColumnElement[Any]:
    """To three places; null where there is nothing to divide by."""
    return func.round(cast(part, Numeric) / func.nullif(whole, 0), 3)
