"""Documents as trees that are easy to grow, and how they are written as text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Enumerated(str):
    """A value of an enum: a word without quotes in a document, and text among variables."""

    __slots__ = ()


@dataclass(frozen=True)
class Variable:
    name: str


Value = Any
"""JSON, with `Enumerated` and `Variable` in it."""

Directive = tuple[str, Value]
"""The name, `skip` or `include`, and its condition."""


@dataclass
class Field:
    """`of`: the name of the type whose field it is. `kind`: that of its selections, None for a leaf."""

    of: str
    name: str
    kind: str | None = None
    alias: str | None = None
    arguments: Mapping[str, Value] = field(default_factory=dict)
    directives: list[Directive] = field(default_factory=list)
    selections: "list[Selection]" = field(default_factory=list)


@dataclass
class Group:
    """An inline fragment; `on` may be left out."""

    on: str | None
    selections: "list[Selection]"
    directives: list[Directive] = field(default_factory=list)


@dataclass
class Spread:
    name: str
    directives: list[Directive] = field(default_factory=list)


Selection = Field | Group | Spread


def literal(value: Value) -> str:
    if isinstance(value, Variable):
        return f"${value.name}"
    if isinstance(value, Enumerated):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def with_arguments(arguments: Mapping[str, Value]) -> str:
    return "(" + ", ".join(f"{name}: {literal(value)}" for name, value in arguments.items()) + ")" if arguments else ""


def selection(found: Selection) -> str:
    directives = "".join(f" @{name}(if: {literal(condition)})" for name, condition in found.directives)
    if isinstance(found, Spread):
        return f"...{found.name}{directives}"
    if isinstance(found, Group):
        return f"...{f' on {found.on}' if found.on else ''}{directives} {block(found.selections)}"
    alias = f"{found.alias}: " if found.alias else ""
    inner = f" {block(found.selections)}" if found.selections else ""
    return f"{alias}{found.name}{with_arguments(found.arguments)}{directives}{inner}"


def block(selections: list[Selection]) -> str:
    return "{ " + " ".join(map(selection, selections)) + " }"
