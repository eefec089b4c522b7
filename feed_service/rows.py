"""Rows as the driver hands them out, with attributes. Nothing is copied: a row of the reading side is no ORM object."""

from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import ClassVar

import asyncpg


class Row(asyncpg.Record):  # type: ignore[misc]  # asyncpg has no types.
    """One row: unchangeable, read by attribute, name or place, unpacked as a tuple, compared by value.

    `model`: of which entity it is; the class is then called as that one, has its plain properties, and no relationship.
    """

    __slots__ = ()
    model: ClassVar[type | None] = None


def is_a(row: object, model: type) -> bool:
    """Whether it is a row of this model, be it the driver's, which is read, or SQLAlchemy's, which is written."""
    kind = type(row)
    return kind is model or getattr(kind, "model", None) is model


def row_class(names: Sequence[str], model: type | None) -> type[Row]:
    """The class of the rows of one statement. An attribute costs 0.02 µs, by a method `__getattr__` 0.5."""
    read = {name: _by_place(place) for place, name in enumerate(names)}
    derived = {} if model is None else {name: of for name, of in vars(model).items() if isinstance(of, property)}
    return type(model.__name__ if model else "Row", (Row,), {"__slots__": (), "model": model, **derived, **read})


@cache
def _by_place(place: int) -> property:
    return property(itemgetter(place))
