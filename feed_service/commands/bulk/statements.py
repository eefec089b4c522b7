"""Columns that arrive as arrays: one parameter each, however many rows there are."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, SQLColumnExpression, Text, bindparam, func, select
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

BIGINTS, TEXTS = ARRAY(BigInteger), ARRAY(Text)


def given(**columns: TypeEngine[Any]) -> TableValuedAlias:
    """`:column`, … as a table of rows, named `given`."""
    arrays = [bindparam(name, type_=type_) for name, type_ in columns.items()]
    return func.unnest(*arrays).table_valued(*columns).render_derived(name="given")


def among(column: SQLColumnExpression[Any], name: str, type_: TypeEngine[Any]) -> ColumnElement[bool]:
    """Whether it is one of `:name`.

    As a subquery, not as `= ANY`: a plan made when the table was small, and kept while a bulk fills it, then
    joins by a hash, where `= ANY` would hold every row against each of thousands of values.
    """
    return column.in_(select(func.unnest(bindparam(name, type_=type_))))
