"""Many keys in one statement: arrays instead of lists of parameters, and one page for each of many parents."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    TableValuedAlias,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute

Ids = Sequence[int] | ColumnElement[Sequence[int]]
"""Ids, or a parameter for them."""

Texts = Sequence[str] | ColumnElement[Sequence[str]]


def ids(values: Ids) -> ColumnElement[Sequence[int]]:
    return values if isinstance(values, ColumnElement) else literal(list(values), ARRAY(BigInteger))


def is_any(
    column: ColumnElement[Any] | InstrumentedAttribute[Any], values: Sequence[Any] | ColumnElement[Sequence[Any]]
) -> ColumnElement[bool]:
    """`column = ANY(:values)`: one text, hence one prepared statement, however many values there are."""
    array = values if isinstance(values, ColumnElement) else literal(list(values), ARRAY(column.type))
    return column == any_(array)


def ids_parameter(name: str) -> ColumnElement[Sequence[int]]:
    """Ids whose values come when the statement is run."""
    return bindparam(name, type_=ARRAY(BigInteger))


WRITTEN_IDS: ColumnElement[Sequence[int]] = cast(bindparam("ids", type_=Text), ARRAY(BigInteger))
"""Ids that come as `written`."""


def written(values: Sequence[int]) -> str:
    """An array as PostgreSQL reads it: the driver takes three times as long to look at each number of a list."""
    return f"{{{','.join(map(str, values))}}}"


def each(values: Ids) -> TableValuedAlias:
    return each_of(ids(values))


def each_of(array: ColumnElement[Sequence[int]]) -> TableValuedAlias:
    """The values as a table `parents` with the one column `parent_id`."""
    return func.unnest(array).table_valued("parent_id").render_derived(name="parents")


def per_parent(
    parent_ids: Ids, page: Callable[[ColumnElement[int]], Select[*tuple[Any, ...]]]
) -> Select[*tuple[Any, ...]]:
    """(under_id, columns of `page`), where `page` is the statement for one parent, run for each by LATERAL.

    Rows of one parent stay in the order of its page.
    """
    parents = each(parent_ids)
    one = page(parents.c.parent_id).lateral("page")
    return select(parents.c.parent_id.label("under_id"), *one.c).select_from(parents.join(one, true()))


def each_page(
    parent_ids: Ids, page: Callable[[ColumnElement[int]], Select[*tuple[Any, ...]]]
) -> Select[*tuple[Any, ...]]:
    """`per_parent` where the rows tell themselves whose they are."""
    parents = each(parent_ids)
    one = page(parents.c.parent_id).lateral("page")
    return select(*one.c).select_from(parents.join(one, true()))
