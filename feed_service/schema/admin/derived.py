"""GraphQL types made of the dataclasses that the operator's rooms answer with, member by member, properties as well."""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence as SequenceType
from datetime import datetime
from enum import Enum
from inspect import getdoc
from types import GenericAlias, NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

import strawberry
from strawberry.scalars import JSON

from feed_service.operations.asking import Unknown

Whole = NewType("Whole", int)
"""Sizes in bytes are beyond GraphQL's Int."""

SCALARS: dict[Any, Any] = {int: Whole, str: str, float: float, bool: bool, datetime: datetime, Any: JSON}
LISTS = (list, tuple, set, frozenset, SequenceType)

PARENT: Any = strawberry.Parent[Any]  # type: ignore[misc]  # An alias of Annotated.

_made: dict[type, type] = {}


def derived(of: type, name: str | None = None) -> Any:  # noqa: ANN401 - a type for annotations that are read at run time.
    """The GraphQL type of a dataclass, whose objects it then takes as they are. What is `Unknown` is null."""
    if of not in _made:
        hints = get_type_hints(of)
        members = {member.name: hints[member.name] for member in dataclasses.fields(of)}
        for base in reversed(of.__mro__):
            for key, value in vars(base).items():
                if isinstance(value, property):
                    members[key] = get_type_hints(value.fget)["return"]
        made = type(name or of.__name__, (), {"__annotations__": {}, "__module__": __name__})
        for key, kind in members.items():
            made.__annotations__[key] = annotation(kind)
            setattr(made, key, strawberry.field(resolver=_known(key, annotation(kind))))
        _made[of] = strawberry.type(made, description=description_of(of))
    return _made[of]


def description_of(of: type) -> str | None:
    """Its docstring, which dataclasses make up if nobody has written one."""
    text = getdoc(of) or ""
    return None if not text or text.startswith(f"{of.__name__}(") else text.replace("\n\n", " ").replace("\n", " ")


def _known(key: str, kind: Any) -> Any:  # noqa: ANN401 - a resolver.
    def resolve(row: Any) -> Any:  # noqa: ANN401 - of the dataclass.
        value = getattr(row, key)
        return None if isinstance(value, Unknown) else value

    resolve.__annotations__ = {"row": PARENT, "return": kind}
    return resolve


def annotation(kind: Any) -> Any:  # noqa: ANN401 - an annotation in, one out.
    """As Strawberry reads it. Mappings, and what nests without end, are JSON."""
    origin, given = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        known = [one for one in given if one not in {NoneType, Unknown}]
        return annotation(known[0]) | None if len(known) == 1 else JSON
    if origin in LISTS:
        return GenericAlias(list, (annotation(given[0]),))
    if origin is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return str
    if origin in {dict, Mapping}:
        return JSON
    if dataclasses.is_dataclass(kind):
        return JSON if is_recursive(kind) else derived(kind)  # type: ignore[arg-type]
    return SCALARS[kind]


def is_recursive(kind: Any) -> bool:  # noqa: ANN401 - a dataclass.
    """Whether an object of it may hold others of it."""
    seen: set[Any] = set()
    waiting = list(get_type_hints(kind).values())
    while waiting:
        one = waiting.pop()
        waiting += get_args(one)
        if dataclasses.is_dataclass(one) and one not in seen:
            seen.add(one)
            waiting += get_type_hints(one).values()
    return kind in seen
