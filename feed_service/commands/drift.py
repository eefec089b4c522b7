"""What is derived from the tables of record, compared with a recount, and put right under the locks of the writers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, any_, bindparam, cast, delete, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from feed_service import models
from feed_service.commands import content
from feed_service.commands.audit import AuditEvent
from feed_service.commands.transaction import Transaction
from feed_service.queries import derived, stats
from feed_service.queries.drift import IDS, columns_of, drift
from feed_service.queries.stats import Numbers, among
from feed_service.transactions import Statement, compiled

START, NUMBER = bindparam("start", type_=BigInteger), bindparam("number", type_=Integer)

ALONG_INDEXES = {
    "statement_timeout": "120s",
    "lock_timeout": "10s",
    "plan_cache_mode": "force_custom_plan",
    "enable_seqscan": "off",
    "max_parallel_workers_per_gather": "0",
}
"""For one transaction: a thread may be long and a row hot, but no step reads a whole table or keeps all cores busy."""

SETTINGS = compiled(
    select(*(func.set_config(literal(name), literal(value), literal(True)) for name, value in ALONG_INDEXES.items()))
)


@dataclass(frozen=True, slots=True)
class Drift:
    """A row that is not as its recount: `wrong`, `missing` or `superfluous`; (stored, wanted) by column."""

    table: str
    key: dict[str, int]
    how: str
    columns: dict[str, tuple[Any, Any]]

    @property
    def owner_id(self) -> int:
        return next(iter(self.key.values()))

    def facts(self) -> dict[str, Any]:
        """JSON. Words are not told: they are somebody's."""
        told = {name: sides for name, sides in self.columns.items() if name != "document"}
        stored, wanted = ({name: plain(sides[at]) for name, sides in told.items()} for at in (0, 1))
        columns = list(self.columns)
        return {"table": self.table, "key": self.key, "how": self.how, "columns": columns} | (
            {"stored": stored, "wanted": wanted} if told and self.how == "wrong" else {}
        )


def plain(value: Any) -> Any:  # noqa: ANN401 - of a column, as JSON.
    return value.isoformat() if isinstance(value, datetime) else value


class Table:
    """One table of what is derived, and its statements, all for `:ids`, the first column of the key."""

    def __init__(self, model: type[models.Base], definition: Numbers) -> None:
        keys, columns = columns_of(model, definition)
        owner = model.__table__.c[keys[0]]
        rows = select(owner).where(owner == any_(IDS)).order_by(*model.__table__.primary_key)
        self.name, self.keys, self.columns = model.__tablename__, keys, columns
        self.is_copy = model in {models.PostRank, models.CommentRank}
        self.lock = compiled(rows.with_for_update(key_share=True))
        self.differences = compiled(drift(model, definition))
        self.fill = compiled(filling(model, definition))

    def drift_of(self, row: Any) -> Drift:  # noqa: ANN401 - a record of `differences`.
        how = "missing" if row["is_missing"] else "superfluous" if row["is_superfluous"] else "wrong"
        sides = {name: (row[f"stored_{name}"], row[f"wanted_{name}"]) for name in self.columns}
        differing = {name: both for name, both in sides.items() if both[0] != both[1]}
        return Drift(self.name, {name: row[name] for name in self.keys}, how, differing)


def filling(model: type[models.Base], definition: Numbers) -> Any:  # noqa: ANN401 - an insert.
    """Makes the rows of `:ids` those of `definition`: deletes, inserts and corrects them."""
    table: Any = model.__table__
    keys, columns = columns_of(model, definition)
    wanted = definition.cte("wanted")
    is_wanted = exists().where(*(table.c[name] == wanted.c[name] for name in keys))
    gone = delete(table).where(among(table.c[keys[0]], IDS), ~is_wanted).cte("gone")
    rows = insert(table).from_select([column.name for column in wanted.c], wanted.select())
    changes = {name: rows.excluded[name] for name in columns}
    return rows.on_conflict_do_update(index_elements=keys, set_=changes).add_cte(gone)


class Kind:
    """Things that own rows of these tables. `locks` are on the things themselves, before those on their rows.

    `walked` is the key along which a scan goes; `members`, if not the same, are the things at a stretch of it.
    """

    def __init__(
        self,
        name: str,
        walked: ColumnElement[int] | InstrumentedAttribute[int],
        tables: Iterable[Table],
        locks: Iterable[Statement] = (),
        members: Statement | None = None,
    ) -> None:
        self.name, self.tables, self.locks, self.members = name, tuple(tables), tuple(locks), members
        self.stretch = compiled(select(walked.label("id")).where(walked >= START).order_by(walked).limit(NUMBER))
        self.newest = compiled(select(func.max(walked)))


def held(model: type[models.Base], condition: ColumnElement[bool]) -> Statement:
    """No like, comment, bookmark or deletion moves anything of the rows meanwhile: they all lock them as well."""
    (key,) = model.__table__.primary_key
    return compiled(select(key).where(condition).order_by(key).with_for_update(key_share=True))


def turns(condition: ColumnElement[bool]) -> Statement:
    """Wait for the turns of posts, which those who like them share: see `content.in_turn`."""
    ids = select(post.id).where(condition).order_by(post.id).subquery("posts").c.id
    return compiled(select(func.pg_advisory_xact_lock(content.TURNS, cast(ids % 2**31, Integer))))


post, comment = models.Post, models.Comment
_of_post = post.id == any_(IDS)
_of_comment = post.id.in_(select(comment.post_id).where(comment.id == any_(IDS)))

POSTS = Kind(
    "posts",
    post.id,
    (
        Table(models.PostTag, derived.tags_of_posts(IDS)),
        Table(models.PostStats, stats.post_numbers(IDS)),
        Table(models.PostCommenter, stats.post_commenters(IDS)),
        Table(models.PostRank, derived.post_ranks(IDS)),
        Table(models.PostSearch, derived.post_documents(IDS)),
    ),
    locks=(turns(_of_post), held(post, _of_post)),
)
COMMENTS = Kind(
    "comments",
    post.id,
    (Table(models.CommentStats, stats.comment_numbers(IDS)), Table(models.CommentRank, derived.comment_ranks(IDS))),
    locks=(turns(_of_comment), held(post, _of_comment), held(comment, comment.id == any_(IDS))),
    members=compiled(select(comment.id).where(comment.post_id == any_(IDS)).order_by(comment.id)),
)
USERS = Kind("users", models.User.id, (Table(models.UserStats, stats.user_numbers(IDS)),))
TAGS = Kind("tags", models.Tag.id, (Table(models.TagStats, stats.tag_numbers(IDS)),))

KINDS = (POSTS, COMMENTS, USERS, TAGS)
"""Views are summed for authors from those of their posts, which cannot be recounted: each is kept for hours only."""


async def found(tx: Transaction, kind: Kind, ids: Sequence[int]) -> list[Drift]:
    """A rank is a copy of numbers: that of wrong ones is not told, as both are put right together."""
    await tx.sql.row(SETTINGS)
    rows: list[Drift] = []
    for table in kind.tables:
        miscounted = {row.owner_id for row in rows if row.table.endswith("_stats")} if table.is_copy else set()
        differing = [table.drift_of(row) for row in await tx.sql.rows(table.differences, ids=list(ids))]
        rows += [row for row in differing if row.owner_id not in miscounted]
    return rows


async def repaired(tx: Transaction, kind: Kind, ids: Sequence[int]) -> list[Drift]:
    """What still differs now that nobody moves it, put right; an audit event for each row.

    A transaction under way adds its deltas to the corrected counters: it waits for their locks, and the recount, whose
    snapshot is taken after them, does not see its rows.
    """
    await tx.sql.row(SETTINGS)
    for statement in (*kind.locks, *(table.lock for table in kind.tables)):
        await tx.sql.rows(statement, ids=sorted(ids))
    still = await found(tx, kind, ids)
    wrong = sorted({row.owner_id for row in still})
    for table in kind.tables if wrong else ():
        await tx.sql.run(table.fill, ids=wrong)
    for row in still:
        tx.audited(AuditEvent("numbers.repair", kind.name.removesuffix("s"), row.owner_id, row.facts()))
    return still
