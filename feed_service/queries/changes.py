"""The change log as pollers read it, and where the database's own log stands.

What a snapshot could not see is what has a transaction id at or above its xmax, and what the transactions wrote that
were in progress when it was taken. Both are ranges of an index that begins with `xid`, so that a transaction that is
open for long costs nobody anything: the poller neither waits for it nor reads again what came after it began.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)

from feed_service import models
from feed_service.models.changes import PgSnapshot, Xid8

Events = Select[*tuple[Any, ...]]

log = models.ChangeLog
COLUMNS = tuple(log.__table__.c)

OPEN_XIDS = bindparam("open_xids", type_=ARRAY(Xid8))


def written_position() -> Select[int]:
    """(bytes of write-ahead log so far,): only on the primary."""
    begin: ColumnElement[object] = literal_column("'0/0'::pg_lsn")
    return select(cast(func.pg_wal_lsn_diff(func.pg_current_wal_insert_lsn(), begin), BigInteger))


def snapshot_text() -> ColumnElement[str]:
    """What this statement can see, as `10:20:10,14,15`: xmin, xmax, and what was in progress between them."""
    return cast(func.pg_current_snapshot(), Text)


def horizon() -> ColumnElement[int | None]:
    """The last transaction of which events were forgotten, None if there is none."""
    return select(models.ChangeLogHorizon.xid).scalar_subquery()


@lru_cache
def unseen(limit: int, *, is_bounded: bool) -> Events:
    """(snapshot, horizon, columns of an event): the first events by (xid, seq) that `polling.changes` asks for.

    Those of the transactions `:open_xids` after (`:open_after_xid`, `:open_after_seq`), and those after (`:after_xid`,
    `:after_seq`). `is_bounded`: only those that the snapshot `:upto` could see. Without any event, one row tells the
    snapshot that this statement was run in; the next question is asked with it.
    """
    later = first(after("after", log), limit, is_bounded=is_bounded)
    open_then = first(of_open_transactions(), limit, is_bounded=is_bounded)
    return with_snapshot(open_then, later, limit)


def after(name: str, rows: Any) -> Events:  # noqa: ANN401 - the class or an alias of it.
    begin = tuple_(bindparam(f"{name}_xid", type_=Xid8), bindparam(f"{name}_seq", type_=BigInteger))
    return select(*COLUMNS).where(tuple_(rows.xid, rows.seq) > begin)


def of_open_transactions() -> Events:
    return after("open_after", log).where(log.xid == any_(OPEN_XIDS))


def first(events: Events, limit: int, *, is_bounded: bool) -> Events:
    upto = cast(bindparam("upto", type_=Text), PgSnapshot) if is_bounded else func.pg_current_snapshot()
    # A log restored from a dump may hold transactions of another server, further on than this one: they have no news.
    events = events.where(log.xid < func.pg_snapshot_xmax(upto))
    if is_bounded:
        # The condition above ends the scan of the index, this one judges what lies before its end.
        events = events.where(func.pg_visible_in_snapshot(log.xid, upto))
    return events.order_by(log.xid, log.seq).limit(inline(limit))


def inline(limit: int) -> ColumnElement[int]:
    """A limit that stands in the text: in a generic plan PostgreSQL takes a parameter for a tenth of all rows."""
    return literal_column(str(limit), BigInteger)


def with_snapshot(open_then: Events, later: Events, limit: int) -> Events:
    both: Subquery = union_all(select(open_then.subquery()), select(later.subquery())).subquery("events")
    now = select(snapshot_text().label("snapshot"), horizon().label("horizon")).subquery("now")
    rows = select(*now.c, *both.c).select_from(now.outerjoin(both, true()))
    return rows.order_by(both.c.xid, both.c.seq).limit(inline(limit))
