"""Variables and arguments as graphql-core and Strawberry make them; what depends on no request is made once.

To make all of them for each request takes an eighth of the CPU of a feed, 0.1 ms.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLSchema,
    NonNullTypeNode,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_leaf_type,
    visit,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource, get_argument_values, get_variable_values
from graphql.utilities import coerce_input_value
from strawberry.types.arguments import StrawberryArgument, convert_arguments
from strawberry.types.field import StrawberryField

from feed_service.execution.refusals import MAX_ERRORS, VariablesRefused

NO_VARIABLES = VariableValues({}, {})

MOST_WAYS = 32
"""Of one field."""


class Variables:
    """Those of one operation. If all are of leaf types, no more is looked at than what a request gives."""

    def __init__(self, schema: GraphQLSchema, definition: OperationDefinitionNode) -> None:
        self._schema, self._nodes = schema, definition.variable_definitions or ()
        self._required = {node.variable.name.value for node in self._nodes if is_required(node)}
        self._leaves = leaves(schema, self._nodes)
        optional = [node for node in self._nodes if not is_required(node)]
        self._absent = get_variable_values(schema, optional, {})

    def values(self, given: dict[str, Any]) -> VariableValues:
        """Raises VariablesRefused."""
        found = self._quickly(given) or get_variable_values(self._schema, self._nodes, given, max_errors=MAX_ERRORS)
        if isinstance(found, list):
            raise VariablesRefused(*found)
        return found

    def _quickly(self, given: dict[str, Any]) -> VariableValues | None:
        """None if graphql-core has to look closer, or to say what is wrong."""
        if self._leaves is None or isinstance(self._absent, list) or not self._required <= given.keys():
            return None
        sources, coerced = dict(self._absent.sources), dict(self._absent.coerced)
        for name in self._leaves.keys() & given.keys():
            signature, value = self._leaves[name], given[name]
            coerced[name] = coerce_input_value(value, signature.type)
            if coerced[name] is Undefined:
                return None
            sources[name] = VariableValueSource(signature, value)
        return VariableValues(sources, coerced)


def is_required(node: VariableDefinitionNode) -> bool:
    return isinstance(node.type, NonNullTypeNode) and node.default_value is None


def leaves(
    schema: GraphQLSchema, nodes: Collection[VariableDefinitionNode]
) -> dict[str, GraphQLVariableSignature] | None:
    """The variables by their names; None if some are not of leaf types."""
    found = [get_variable_signature(schema, node) for node in nodes]
    signatures = [one for one in found if isinstance(one, GraphQLVariableSignature)]
    are_all = len(signatures) == len(found) and all(is_leaf_type(get_named_type(one.type)) for one in signatures)
    return {one.name: one for one in signatures} if are_all else None


class Hole:
    """Stands for the value of a variable while arguments are made. Who looks into it finds nothing."""

    def __init__(self, name: str) -> None:
        self.name = name


Make = Callable[[VariableValues], Any]


class Arguments:
    """Those of one field: made once, with holes for its variables, for each choice of those that are null or missing.

    Without variables they are the same for all requests, and nobody changes them.
    """

    def __init__(
        self, schema: GraphQLSchema, definition: GraphQLField, node: FieldNode, field: StrawberryField
    ) -> None:
        """Raises what graphql-core and Strawberry raise for bad constants."""
        converter: Any = schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]  # noqa: SLF001
        self._made: Make = partial(made, converter, definition, node, field.arguments)
        self._mentioned = mentioned_in(node)
        self._constant = {} if self._mentioned else self._made(NO_VARIABLES)
        self._ways: dict[tuple[bool | None, ...], Make] = {}

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """As Strawberry hands them to a resolver. Raises what graphql-core raises for bad ones."""
        if not self._mentioned:
            return self._constant
        values = [variables.coerced.get(name, Undefined) for name in self._mentioned]
        choice = tuple([None if value is None else value is not Undefined for value in values])
        way = self._ways.get(choice)
        if way is None:
            if len(self._ways) >= MOST_WAYS:
                self._ways.clear()
            way = self._ways[choice] = self._way(variables.coerced)
        return way(variables)  # type: ignore[no-any-return]

    def _way(self, coerced: Mapping[str, Any]) -> Make:
        """By filling holes, if every mention of a variable has left one; otherwise all anew for each request."""
        held = {name: None if value is None else Hole(name) for name, value in coerced.items()}
        holes: list[str] = []
        try:
            template = self._made(VariableValues({}, held))
        except Exception:  # noqa: BLE001 - what looks into a value, or refuses null, does so with each request.
            return self._made
        make = filled(template, holes)
        if sorted(holes) != sorted(name for name in self._mentioned if coerced.get(name) is not None):
            return self._made
        return make or (lambda _: template)


def made(
    converter: Any,  # noqa: ANN401 - Strawberry's.
    definition: GraphQLField,
    node: FieldNode,
    arguments: list[StrawberryArgument],
    variables: VariableValues,
) -> dict[str, Any]:
    if not arguments:
        return {}
    given = get_argument_values(definition, node, variables)
    return convert_arguments(given, arguments, scalar_registry=converter.scalar_registry, config=converter.config)


def filled(template: Any, holes: list[str]) -> Make | None:  # noqa: ANN401 - of any argument.
    """What makes such a value with its holes filled in; None if it has none. Their names are added to `holes`."""
    if isinstance(template, Hole):
        name = template.name
        holes.append(name)
        return lambda variables: variables.coerced[name]
    kind: Any = type(template)
    if not (kind is dict or is_dataclass(template)):
        return None
    members = template if kind is dict else {one.name: getattr(template, one.name) for one in fields(template)}
    changing = {name: make for name, value in members.items() if (make := filled(value, holes))}
    if not changing:
        return None
    fixed = {name: value for name, value in members.items() if name not in changing}
    return lambda variables: kind(**fixed, **{name: make(variables) for name, make in changing.items()})


class Mentions(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.append(node.name.value)


def mentioned_in(node: FieldNode) -> list[str]:
    """The variables in the field's own arguments, as often as they stand there."""
    mentions = Mentions()
    for argument in node.arguments or ():
        visit(argument, mentions)
    return mentions.names
