"""The partitions of the tables that are kept by months, as the catalogue knows them, and what is read of one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Text,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql import FromClause

from feed_service.models.changes import Xid8
from feed_service.models.partitions import MONTHLY, Monthly

MOMENT = DateTime(timezone=True)

TABLES = ", ".join(f"'{one.table}'" for one in MONTHLY)
BOUND = "pg_get_expr(part.relpartbound, part.oid)"
LIVE = "greatest(part.reltuples, pg_stat_get_live_tuples(part.oid), 0)::bigint"
"""The first is from the last VACUUM or ANALYZE, and -1 before there was any."""


def listed() -> Select[*tuple[Any, ...]]:
    """(table_name, name, begins_at, ends_at, is_default, rows, bytes, heap_bytes), by table and time, the default last.

    `begins_at` is None for the first, which has all that is older. `rows` is an estimate.
    """
    columns: tuple[ColumnElement[Any], ...] = (
        literal_column("parent.relname::text", Text).label("table_name"),
        literal_column("part.relname::text", Text).label("name"),
        edge("FROM").label("begins_at"),
        edge("TO").label("ends_at"),
        literal_column(f"{BOUND} = 'DEFAULT'").label("is_default"),
        literal_column(LIVE, BigInteger).label("rows"),
        literal_column("pg_total_relation_size(part.oid)", BigInteger).label("bytes"),
        literal_column("pg_relation_size(part.oid)", BigInteger).label("heap_bytes"),
    )
    found = text("pg_inherits JOIN pg_class part ON part.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent")
    ours = text(f"parent.oid = ANY (ARRAY[{TABLES}]::regclass[]) AND part.relpartbound IS NOT NULL")
    order = (columns[0], columns[4], columns[2].asc().nulls_first())
    return select(*columns).select_from(found).where(ours).order_by(*order)


def edge(word: str) -> ColumnElement[Any]:
    """What the catalogue writes in the time zone of the session, and reads in it."""
    return literal_column(f"(regexp_match({BOUND}, '{word} \\(''([^'']+)''\\)'))[1]::timestamptz", MOMENT)


def oldest_in(monthly: Monthly, name: str) -> Select[Any]:
    """(time,) of the oldest row of a partition; None if there is none. Rows of `infinity` belong to no month."""
    moment = rows_of(name, [monthly.column]).c[monthly.column]
    return select(func.min(moment)).where(func.isfinite(moment))


def newest_xid_in(name: str) -> Select[Any]:
    """(xid,) of the last transaction that wrote into a partition of the change log; no row if none did."""
    xid = table(name, column("xid", Xid8)).c.xid
    return select(xid).order_by(xid.desc()).limit(literal_column("1"))


def last_of_streams_in(name: str) -> Select[*tuple[Any, ...]]:
    """(stream, number, hash) of the last event of each stream in a partition of the audit trail."""
    event = rows_of(name, ["stream", "number", "hash"])
    newest_first = (event.c.stream, event.c.number.desc())
    return select(*event.c).ext(distinct_on(event.c.stream)).order_by(*newest_first)


def rows_of(name: str, columns: Sequence[str]) -> FromClause:
    return table(name, *map(column, columns))
