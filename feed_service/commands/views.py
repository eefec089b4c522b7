"""Views: kept in memory for seconds, then written together; each counts once for a viewer, a post and an hour."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import ARRAY, DateTime, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands import content
from feed_service.commands.transaction import Transaction
from feed_service.errors import Overloaded
from feed_service.queries.batches import ids_parameter
from feed_service.transactions import Statement, compiled

MOST_KEPT = 50_000
"""Views that wait in one process, in about 15 MB. More come only while the database is away; they are refused."""


class View(NamedTuple):
    """The fields stand in the order of the ids, in which all processes write."""

    post_id: int
    user_id: int
    hour: datetime


@dataclass
class Views:
    """What is still to be written. Whoever is told that views were taken can rely on all but a crash."""

    most: int = MOST_KEPT
    _waiting: set[View] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, user_id: int, post_ids: Iterable[int], now: datetime) -> None:
        """Raises Overloaded, and takes none, if they do not fit."""
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        new = {View(post_id, user_id, hour) for post_id in post_ids} - self._waiting
        if len(self._waiting) + len(new) > self.most:
            raise Overloaded("Views cannot be taken at the moment. Please send them again later.")
        self._waiting |= new

    def waiting(self) -> list[View]:
        return sorted(self._waiting)

    def written(self, views: Iterable[View]) -> None:
        self._waiting -= set(views)


POSTS = compiled(
    select(models.Post.id, models.Post.author_id, models.Post.status, models.Post.deleted_at)
    .where(models.Post.id == any_(ids_parameter("ids")))
    .order_by(models.Post.id)
    .with_for_update(read=True)
)


def added() -> Statement:
    """(post_id,) of each view that nobody has written yet."""
    view = models.PostView
    arrays = (ids_parameter("post_ids"), ids_parameter("user_ids"), bindparam("hours", type_=ARRAY(DateTime(True))))
    given = func.unnest(*arrays).table_valued("post_id", "user_id", "hour").render_derived(name="given")
    rows = select(given.c.hour, given.c.post_id, given.c.user_id).order_by(given.c.hour, *given.c[:2])
    views = insert(view).from_select(["hour", "post_id", "user_id"], rows)
    return compiled(views.on_conflict_do_nothing().returning(view.post_id))


ADD = added()


async def count_views(tx: Transaction, views: Sequence[View]) -> None:
    """Write views and count those that nobody has written before, also when it is done again."""
    posts = {row["id"]: row for row in await tx.sql.rows(POSTS, ids=sorted({view.post_id for view in views}))}
    kept = [view for view in views if view.post_id in posts]
    columns = {f"{name}s": [getattr(view, name) for view in kept] for name in View._fields}
    new = Counter(row["post_id"] for row in await tx.sql.rows(ADD, **columns))
    for post_id, number in new.items():
        tx.count(models.PostStats, post_id, view_count=number)
        if content.counts_for_author(posts[post_id]):
            tx.count(models.UserStats, posts[post_id]["author_id"], view_count=number)
