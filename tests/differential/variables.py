"""Variables of a generated document: given, null, missing, by default, or of a wrong type."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLInputField,
    GraphQLNonNull,
    Undefined,
    get_nullable_type,
)

from tests.differential.tree import Enumerated, Value, Variable, literal
from tests.differential.values import GARBAGE, Wanted


@dataclass
class Variables:
    random: Random
    definitions: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    _used: dict[tuple[str, str], list[Variable]] = field(default_factory=dict)

    def __call__(self, where: str, wanted: Wanted, value: Value) -> Variable:
        """A new one, or one that stands for such a thing already."""
        if holds_variable(value):
            value = without_variables(value, self.given)
        known = self._used.setdefault((where, str(wanted.type)), [])
        if known and self.random.random() < 0.3:
            return self.random.choice(known)
        variable = Variable(f"v{len(self.definitions)}")
        self._define(variable.name, wanted, value)
        known.append(variable)
        return variable

    def condition(self, value: bool) -> Variable:
        return self("if", GraphQLInputField(GraphQLNonNull(GraphQLBoolean)), value)

    def _define(self, name: str, wanted: Wanted, value: Value) -> None:
        has_default = wanted.default_value is not Undefined or wanted.default is not None
        is_required = isinstance(wanted.type, GraphQLNonNull) and not has_default
        nullable, how = get_nullable_type(wanted.type), self.random.random()
        type_ = f"{nullable}!" if is_required or how < 0.15 else str(nullable)
        default = f" = {literal(value)}" if value is not None and 0.1 <= how < 0.35 else ""
        self.definitions.append(f"${name}: {type_}{default}")
        if (default and how < 0.25) or (not is_required and 0.9 <= how < 0.95):
            return
        if how >= 0.95:
            value = None if how < 0.98 else self.random.choice(GARBAGE)
        self.given[name] = plain(value)


def plain(value: Value) -> Any:  # noqa: ANN401 - JSON.
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    return str(value) if isinstance(value, Enumerated) else value


def holds_variable(value: Value) -> bool:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, Variable) or any(map(holds_variable, members))


def without_variables(value: Value, given: dict[str, Any]) -> Value:
    """Values of variables know no variables; theirs is put in."""
    if isinstance(value, Variable):
        return given.get(value.name)
    if isinstance(value, dict):
        return {name: without_variables(member, given) for name, member in value.items()}
    return [without_variables(member, given) for member in value] if isinstance(value, list) else value
