"""Columns that arrive as arrays: one parameter each, however many rows there are."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    SQLColumnExpression,
    Text,
    any_,
    bindparam,
    func,
    select,
    true,
)
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

from feed_service.commands.transaction import Transaction
from feed_service.transactions import compiled

BIGINTS, TEXTS = ARRAY(BigInteger), ARRAY(Text)


def given(**columns: TypeEngine[Any]) -> TableValuedAlias:
    """`:column`, … as a table of rows, named `given`."""
    arrays = [bindparam(name, type_=type_) for name, type_ in columns.items()]
    return func.unnest(*arrays).table_valued(*columns).render_derived(name="given")


def among(column: SQLColumnExpression[Any], name: str, type_: TypeEngine[Any]) -> ColumnElement[bool]:
    """Whether it is one of `:name`, found by an index on the column, for a transaction that does `by_index`.

    PostgreSQL walks that index once, from left to right: 10,000 users out of 100,000 take it half as long as a join
    with `unnest` does (2026-11-21).
    """
    return column == any_(bindparam(name, type_=type_))


# A plan made while a table was small reads all of it, and is kept while a bulk fills it: each row would then be held
# against each of thousands of values. By an index the rows come in the order of their keys, too.
BY_INDEX = compiled(select(func.set_config("enable_seqscan", "off", true())))


async def by_index(tx: Transaction) -> None:
    """Have whatever this transaction reads found by indexes."""
    await tx.sql.run(BY_INDEX)
