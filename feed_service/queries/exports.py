"""Rows as lines of JSON, which PostgreSQL makes itself: a million rows cost the service neither memory nor time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute

from feed_service import models

Column = ColumnElement[Any] | InstrumentedAttribute[Any]

ONE_AT_A_TIME = 7_305_002
"""Of the advisory locks that let one user have one export at a time; any number that is ours."""

DONE_TO_USERS = ("user.suspend", "user.restore", "user.set_role")


@dataclass(frozen=True)
class Section:
    """Rows of one table: what is told of them, labelled as in JSON, which of them, and the key by which they stand."""

    kind: str
    table: FromClause
    key: Sequence[Column]
    told: Sequence[Column]
    conditions: Sequence[ColumnElement[bool]] = ()
    sealed: str | None = None
    """Which of `told` the service must decrypt."""

    def lines(self, after: Sequence[Any] | None = None) -> Select[str]:
        """`{"type": kind, "key": [kind, …], "data": {…}}` of each row, by key, from behind the key `after`.

        A line is a row turned to JSON at once: twice as fast as `json_build_object` (2026-11-21).
        """
        told = (in_json(column).label(column.key) for column in self.told)
        row = select(*told).correlate(self.table).lateral("row_told")
        parts = select(
            literal(self.kind).label("type"),
            func.json_build_array(literal(self.kind), *map(in_json, self.key)).label("key"),
            row.table_valued().label("data"),
        )
        line = parts.correlate(self.table, row).lateral("line")
        lines = select(func.row_to_json(line.table_valued()))
        lines = lines.select_from(self.table.join(row, true()).join(line, true()))
        return lines.where(*self.conditions, *self._behind(after)).order_by(*self.key)

    def _behind(self, after: Sequence[Any] | None) -> list[ColumnElement[bool]]:
        if after is None:
            return []
        values = [literal(value, part.type) for value, part in zip(after, self.key, strict=True)]
        return [tuple_(*self.key) > tuple_(*values)]


def in_json(column: Column) -> Column:
    """Times all have one length: PostgreSQL leaves out the zeros at the end, and a fraction that is nothing else."""
    if not isinstance(column.type, DateTime):
        return column
    written = func.to_char(column, literal('YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'))
    return func.coalesce(written, cast(column, Text), type_=Text)


def snapshot() -> Select[str, Any]:
    """(snapshot, takenAt) of the transaction."""
    return select(cast(func.pg_current_snapshot(), Text).label("snapshot"), in_json(func.now()).label("takenAt"))


def along_key() -> Select[str]:
    """For this transaction: a whole table is read along its key, not sorted on disk before its first row."""
    return select(func.set_config(literal("enable_sort"), literal("off"), literal(True)))


def turn() -> Select[bool]:
    """Whether the user `user_id` has no other export under way, in any process; true from then on for the others."""
    user_id = func.hashint8(bindparam("user_id", type_=BigInteger), type_=Integer)
    return select(func.pg_try_advisory_xact_lock(literal(ONE_AT_A_TIME, Integer), user_id))


def account_named(username: str) -> Select[int]:
    """The id of the user, suspended or not; upper and lower case are one name."""
    user = models.User
    return select(user.id).where(func.lower(user.username) == username.lower(), user.deleted_at.is_(None))


def global_id(type_name: str, local_id: Column) -> ColumnElement[str]:
    """As the API writes it (`schema.ids.encode`; a test holds the two together). Null stays null."""
    plain = literal(f"{type_name}:").op("||")(cast(local_id, Text))
    encoded = func.encode(func.convert_to(plain, literal("UTF8")), literal("base64"))
    return func.rtrim(func.translate(encoded, literal("+/"), literal("-_")), literal("="), type_=Text)


def tags_of_post() -> ColumnElement[Sequence[str]]:
    """The slugs on the post of the row, by slug."""
    post_tag, tag = models.PostTag, models.Tag
    slugs = select(tag.slug).join(post_tag, post_tag.tag_id == tag.id).where(post_tag.post_id == models.Post.id)
    return func.array(slugs.order_by(tag.slug).correlate(models.Post).scalar_subquery())


def collections_of_bookmark() -> ColumnElement[Sequence[str]]:
    """The global ids of those on which the bookmark of the row stands, oldest first."""
    bookmark, collected = models.Bookmark, models.CollectedBookmark
    ids = select(global_id("BookmarkCollection", collected.collection_id)).where(
        collected.user_id == bookmark.user_id, collected.post_id == bookmark.post_id
    )
    return func.array(ids.order_by(collected.collection_id).correlate(bookmark).scalar_subquery())


def version_by(author_id: ColumnElement[int]) -> ColumnElement[bool]:
    """The row of `content_edits` is an earlier version of what the user wrote."""
    edit = models.ContentEdit
    posts, comments = (
        select(written.id).where(written.author_id == author_id) for written in (models.Post, models.Comment)
    )
    return or_(edit.post_id.in_(posts), edit.comment_id.in_(comments))


def who_deleted(model: type[models.Post | models.Comment], user_id: ColumnElement[int]) -> ColumnElement[str | None]:
    """SELF or OTHERS; null if nobody has."""
    by = case((model.deleted_by_id == user_id, literal("SELF")), else_=literal("OTHERS"))
    return case((model.deleted_at.is_not(None), by))


def stream_of(user_id: ColumnElement[int]) -> ColumnElement[str]:
    """The audit stream of what the user did (`commands.audit`)."""
    return literal("user:").op("||")(cast(user_id, Text))


def done_to(user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """The row of `audit_events` is what moderators and operators did to the user. What other users did is theirs."""
    event = models.AuditEvent
    return and_(
        event.subject_kind == "user",
        event.subject_id == user_id,
        or_(*(event.action == action for action in DONE_TO_USERS)),
        event.stream != stream_of(user_id),
    )


def viewed_by(user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """The row of `post_views` is the user's."""
    return models.PostView.user_id == user_id


def audit_key() -> Select[bytes | None]:
    """What opens the sealed data of the user `user_id`."""
    return select(models.AuditKey.key).where(models.AuditKey.user_id == bindparam("user_id", type_=BigInteger))
