"""The numbers that a command moves: collected while it works, applied last, in one order for everybody.

Because every transaction takes the locks on counters after all others, table by table and id by id in ascending order,
two of them can never wait for each other; and a hot row is locked only from here to the commit.
"""

from collections import defaultdict
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, func, select, update

from feed_service import models
from feed_service.queries import comments, derived, stats
from feed_service.queries.batches import ids_parameter
from feed_service.transactions import Statement, Statements, compiled

IN_LOCK_ORDER: tuple[type[models.Base], ...] = (
    models.UserStats,
    models.CommentStats,
    models.PostStats,
    models.TagStats,
)

Numbers = dict[str, int]


def key_of(model: type[models.Base]) -> Any:  # noqa: ANN401 - the column of the key.
    return next(iter(model.__table__.primary_key))


def counters_of(model: type[models.Base]) -> list[str]:
    return [column.name for column in model.__table__.columns if column.name.endswith("_count")]


def addition(model: type[models.Base]) -> Statement:
    """Adds `:view_count` and so on, arrays as long as `:ids`, row by row in the order of the ids."""
    key, names = key_of(model), counters_of(model)
    arrays = [bindparam(name, type_=ARRAY(BigInteger)) for name in names]
    locked = select(key).where(key == any_(ids_parameter("ids"))).order_by(key).with_for_update(key_share=True)
    locked_rows = locked.cte("locked")
    given = func.unnest(ids_parameter("ids"), *arrays).table_valued("id", *names).render_derived(name="given")
    changes = {name: model.__table__.c[name] + given.c[name] for name in names}
    found = (key == given.c.id) & (key == locked_rows.c[key.name])
    return compiled(update(model).where(found).values(changes))


ADDITIONS = {model: addition(model) for model in IN_LOCK_ORDER}


def copied(model: type[models.Base], definition: Any) -> Statement:  # noqa: ANN401 - a statement of queries.derived.
    """Brings the rows of `:ids` up to their definition."""
    wanted = definition.subquery("wanted")
    key = key_of(model)
    values = {column.name: column for column in wanted.c if column.name not in {key.name, "post_id", "parent_id"}}
    return compiled(update(model).where(key == wanted.c[key.name]).values(values))


POST_RANKS = copied(models.PostRank, derived.post_ranks(ids_parameter("ids")))
COMMENT_RANKS = copied(models.CommentRank, derived.comment_ranks(ids_parameter("ids")))

RANKED_BY = {"like_count", "comment_count", "bookmark_count", "commenter_count"}

LAST_COMMENTS = compiled(
    update(models.PostStats)
    .where(models.PostStats.post_id == any_(ids_parameter("ids")))
    .values(last_comment_at=comments.last_at(models.PostStats.post_id).scalar_subquery())
)
LAST_PUBLICATIONS = compiled(
    update(models.UserStats)
    .where(models.UserStats.user_id == any_(ids_parameter("ids")))
    .values(
        last_published_at=select(models.Post.published_at)
        .where(models.Post.author_id == models.UserStats.user_id, stats.post_counts())
        .order_by(models.Post.published_at.desc())
        .limit(1)
        .scalar_subquery()
    )
)


class Deltas:
    """What a command adds to and takes from the stored numbers."""

    def __init__(self) -> None:
        self._of: dict[type[models.Base], dict[int, Numbers]] = {
            model: defaultdict(lambda: defaultdict(int)) for model in IN_LOCK_ORDER
        }

    def add(self, model: type[models.Base], key: int, numbers: Numbers) -> None:
        for name, number in numbers.items():
            self._of[model][key][name] += number

    def moved(self, model: type[models.Base]) -> list[int]:
        return [key for key, numbers in self._of[model].items() if any(numbers.values())]

    async def settle(self, sql: Statements) -> None:
        """Apply everything, then bring up to date what is derived from it; the rows are locked until the commit."""
        for model in IN_LOCK_ORDER:
            deltas = {key: numbers for key, numbers in sorted(self._of[model].items()) if any(numbers.values())}
            if deltas:
                await self._apply(sql, model, deltas)
                await self._derive(sql, model, deltas)

    async def _apply(self, sql: Statements, model: type[models.Base], deltas: dict[int, Numbers]) -> None:
        arrays = {name: [numbers.get(name, 0) for numbers in deltas.values()] for name in counters_of(model)}
        touched = await sql.run(ADDITIONS[model], ids=list(deltas), **arrays)
        if touched != len(deltas):
            raise LookupError(
                f"{len(deltas) - touched} of the rows {list(deltas)} of {model.__tablename__} are missing"
            )

    async def _derive(self, sql: Statements, model: type[models.Base], deltas: dict[int, Numbers]) -> None:
        def moved(*names: str) -> list[int]:
            return [key for key, numbers in deltas.items() if any(numbers.get(name) for name in names)]

        if model is models.UserStats and (authors := moved("post_count")):
            await sql.run(LAST_PUBLICATIONS, ids=authors)
        if model is models.PostStats and (posts := moved("comment_count")):
            await sql.run(LAST_COMMENTS, ids=posts)
        if model is models.PostStats and (posts := moved(*RANKED_BY)):
            await sql.run(POST_RANKS, ids=posts)
        if model is models.CommentStats and (comments := moved("like_count")):
            await sql.run(COMMENT_RANKS, ids=comments)
