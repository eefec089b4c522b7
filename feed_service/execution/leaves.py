"""How the values of leaf fields are checked: a condition in the source for those that are right, a function for others.

Nearly all values are what the answer needs: a `str` for a String, a `datetime` in UTC for a DateTime, which orjson
writes as `isoformat` does. Only others take the way through graphql-core's own coercion, which also refuses them.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from inspect import isawaitable
from math import inf
from typing import Any, NamedTuple

from graphql import GraphQLEnumType, GraphQLLeafType, Undefined
from strawberry.types.scalar import identity

Coerce = Callable[[Any], Any]

UNUSUAL = {
    "String": "{v}.__class__ is not str",
    "ID": "{v}.__class__ is not str",
    "Boolean": "{v}.__class__ is not bool",
    "Int": "{v}.__class__ is not int or not -2147483648 <= {v} <= 2147483647",
    "Float": "{v}.__class__ is not float or not -inf < {v} < inf",
    "DateTime": "{v}.__class__ is not datetime or {v}.tzinfo is not UTC",
}
"""By the name of the scalar: whether a value must be coerced. Null is never usual."""

NAMES: dict[str, Any] = {"inf": inf, "datetime": datetime, "UTC": UTC}
"""What those conditions speak of."""


class Incomplete(Exception):
    """A value that makes an error, which is for the reference executor to word."""


class Leaf(NamedTuple):
    """`unusual` is a condition on `{v}`, in source; what meets it and is not null goes through `coerce`."""

    unusual: str
    coerce: Coerce


def leaf_of(type_: GraphQLLeafType) -> Leaf:
    if isinstance(type_, GraphQLEnumType):
        return Leaf("True", EnumNames(type_).name_of)
    if type_.coerce_output_value is identity:
        return Leaf(UNUSUAL["String"], present)
    return Leaf(UNUSUAL.get(type_.name, "True"), coercion(type_))


def present(value: Any) -> Any:  # noqa: ANN401 - any value of a field.
    """The value as it is, if it can be that of a field at all."""
    if value is None or value is Undefined or isinstance(value, Exception) or isawaitable(value):
        raise Incomplete(f"There is no value in {value!r:.100}.")
    return value


def coercion(type_: GraphQLLeafType) -> Coerce:
    """As graphql-core completes a leaf. Raises whatever it raises for what it cannot coerce."""

    def coerce(value: Any) -> Any:  # noqa: ANN401 - any value of a field.
        return present(type_.coerce_output_value(present(value)))

    return coerce


class EnumNames:
    """The names of members, which graphql-core looks for one by one."""

    def __init__(self, type_: GraphQLEnumType) -> None:
        self._coerce = coercion(type_)
        self._names: dict[tuple[type, Any], str] = {}

    def name_of(self, value: Any) -> str:  # noqa: ANN401 - any value of a field.
        if not isinstance(value, Enum):
            return str(self._coerce(value))
        # Members of two enums with the same text are equal, so the class is part of the key.
        name = self._names.get((value.__class__, value))
        if name is None:
            name = self._names[value.__class__, value] = self._coerce(value)
        return name
