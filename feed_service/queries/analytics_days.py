"""What happened to an author's posts on each day of a window: 24 hours each, the last of which end now."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, and_, cast, extract, func, literal_column, select, true

from feed_service import models
from feed_service.queries import stats
from feed_service.queries.analytics import posts_of_author
from feed_service.queries.batches import Ids, each
from feed_service.queries.windows import Column, Rows, ago, chosen

DAY: ColumnElement[Any] = literal_column("interval '24 hours'")
DAY_S = 86_400


def of_authors(ids: Ids, window: timedelta) -> Rows:
    """(subject_id, since, until, how often each of `_events`) of each day, oldest first, also where nothing happened.

    The days add up to the totals of the window: the same posts are looked at.
    """
    subjects = each(ids)
    days = func.generate_series(1, window.days).table_valued("day").render_derived(name="days")
    since = ago(window) + (days.c.day - 1) * DAY
    shown: list[ColumnElement[Any]] = [
        subjects.c.parent_id.label("subject_id"), since.label("since"), (since + DAY).label("until"),
    ]  # fmt: skip
    joined: FromClause = subjects.join(days, true())
    for name, events in _events(ids, window).items():
        found = events.subquery()
        count = select(found.c.subject_id, found.c.day, func.count().label("n")).group_by(*found.c).subquery(name)
        joined = joined.outerjoin(count, and_(count.c.subject_id == subjects.c.parent_id, count.c.day == days.c.day))
        shown.append(stats.or_zero(count.c.n).label(name))
    return select(*shown).select_from(joined).order_by(subjects.c.parent_id, days.c.day)


def _events(ids: Ids, window: timedelta) -> Mapping[str, Rows]:
    """(subject_id, day) of each thing that happened; OFFSET 0 has them looked for post by post."""
    posts, subjects = chosen(ids, posts_of_author), each(ids)
    like, comment, view, follow = models.PostLike, models.Comment, models.PostView, models.UserFollow

    def of(moment: Column) -> tuple[ColumnElement[int], ColumnElement[bool]]:
        """The day of the window, from 1 on; whether it is one."""
        passed = extract("epoch", moment - ago(window)) / DAY_S
        return cast(func.ceil(passed), Integer).label("day"), and_(moment > ago(window), moment <= func.now())

    def on_posts(key: Column, moment: Column, *conditions: ColumnElement[bool]) -> Rows:
        day, is_in_time = of(moment)
        one = select(day).where(key == posts.c.post_id, is_in_time, *conditions).offset(0)
        found = one.correlate(posts).lateral("one")
        return select(posts.c.subject_id, found.c.day).select_from(posts.join(found, true()))

    published, is_new = of(posts.c.published_at)
    followed, is_recent = of(follow.created_at)
    won = select(followed).where(follow.followee_id == subjects.c.parent_id, is_recent).offset(0)
    new = won.correlate(subjects).lateral("one")
    return {
        "post_count": select(posts.c.subject_id, published).where(is_new),
        "like_count": on_posts(like.post_id, like.created_at),
        "comment_count": on_posts(comment.post_id, comment.created_at, stats.comment_counts()),
        "view_count": on_posts(view.post_id, view.hour),
        "new_follower_count": select(subjects.c.parent_id.label("subject_id"), new.c.day).join(new, true()),
    }
