"""Rows as the driver hands them out, with attributes. Nothing is copied: a row of the reading side is no ORM object."""

from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, ClassVar

import asyncpg


class Row(asyncpg.Record):  # type: ignore[misc]  # asyncpg has no types.
    """One row: unchangeable, read by attribute, name or place, unpacked as a tuple, compared by value.

    `model`: of which entity it is; the class is then called as that one, has its plain properties, and no relationship.
    """

    __slots__ = ()
    model: ClassVar[type | None] = None


class Beside(tuple[Any, ...]):
    """A row that came beside another one, in columns named `<name>__<column>`; of its entity it has these only."""

    __slots__ = ()
    model: ClassVar[type | None] = None


def is_a(row: object, model: type) -> bool:
    """Whether it is a row of this model, be it the driver's, which is read, or SQLAlchemy's, which is written."""
    kind = type(row)
    return kind is model or getattr(kind, "model", None) is model


def all_have(rows: Sequence[object], name: str) -> bool:
    """Whether all were read with this column. Asked of their classes, which are one or two."""
    return all(hasattr(kind, name) for kind in set(map(type, rows)))


def row_class(names: Sequence[str], model: type | None, beside: Mapping[str, type] | None = None) -> type[Row]:
    """The class of the rows of one statement. An attribute costs 0.02 µs, by a method `__getattr__` 0.5.

    `beside`: the entities of the rows that come beside each, by the names of the attributes that hold them.
    """
    read = {name: _by_place(place) for place, name in enumerate(names)}
    further = {name: _row_beside(names, name, of) for name, of in (beside or {}).items()}
    derived = {} if model is None else {name: of for name, of in vars(model).items() if isinstance(of, property)}
    own = {"__slots__": (), "model": model, **derived, **read, **further}
    return type(model.__name__ if model else "Row", (Row,), own)


def _row_beside(names: Sequence[str], name: str, model: type) -> property:
    places = [place for place, column in enumerate(names) if column.startswith(f"{name}__")]
    read = {names[place].removeprefix(f"{name}__"): _by_place(n) for n, place in enumerate(places)}
    kind = type(model.__name__, (Beside,), {"__slots__": (), "model": model, **read})
    columns = itemgetter(slice(places[0], places[-1] + 1))
    return property(lambda row: kind(columns(row)))


@cache
def _by_place(place: int) -> property:
    return property(itemgetter(place))
