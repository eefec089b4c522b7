"""Refills what is derived - the numbers, the ranks and the words - from its definitions in `queries`."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from feed_service import models
from feed_service.imports.report import Progress
from feed_service.queries import derived, stats
from feed_service.queries.stats import Ids, Numbers, among


@dataclass(frozen=True)
class Scope:
    """The rows to refill for; None means all of that kind."""

    users: Ids = None
    posts: Ids = None
    comments: Ids = None
    tags: Ids = None


EVERYTHING = Scope()


async def refill(connection: AsyncConnection, scope: Scope, progress: Progress) -> None:
    """Make every derived row of `scope` what its definition says. Rows that are right already are not touched.

    The order matters: ranks are copies of the stored numbers, and an author's views are the sum of the posts' views.
    """
    steps = (
        (models.PostTag, derived.tags_of_posts(scope.posts), scope.posts),
        (models.PostStats, stats.post_numbers(scope.posts), scope.posts),
        (models.PostCommenter, stats.post_commenters(scope.posts), scope.posts),
        (models.PostRank, derived.post_ranks(scope.posts), scope.posts),
        (models.PostSearch, derived.post_documents(scope.posts), scope.posts),
        (models.CommentStats, stats.comment_numbers(scope.comments), scope.comments),
        (models.CommentRank, derived.comment_ranks(scope.comments), scope.comments),
        (models.UserStats, stats.user_numbers(scope.users), scope.users),
        (models.TagStats, stats.tag_numbers(scope.tags), scope.tags),
    )
    for done, (model, definition, ids) in enumerate(steps):
        progress("numbers", done, len(steps))
        await fill(connection, model.__table__, definition, ids)
    progress("numbers", len(steps), len(steps))


async def begin_epoch(connection: AsyncConnection) -> None:
    """Have all pollers begin anew, as the change log does not tell of what is imported."""
    await connection.execute(delete(models.FeedEpoch))


async def fill(connection: AsyncConnection, table: Any, definition: Numbers, ids: Ids) -> None:  # noqa: ANN401 - SQLAlchemy types a model's table as FromClause.
    """Delete the rows that are not in `definition`, insert those that are missing, correct those that differ."""
    keys = list(table.primary_key)
    wanted = definition.cte("wanted")
    in_wanted = exists().where(*(key == wanted.c[key.name] for key in keys))
    gone = delete(table).where(among(keys[0], ids), ~in_wanted).cte("gone")
    names = [column.name for column in wanted.c]
    rows = insert(table).from_select(names, wanted.select())
    changing = {name: rows.excluded[name] for name in names if not table.c[name].primary_key}
    differs = or_(*(table.c[name].is_distinct_from(value) for name, value in changing.items()))
    filled = rows.on_conflict_do_update(index_elements=keys, set_=changing, where=differs)
    await connection.execute(filled.add_cte(gone))
