"""Operations compiled to plans, once for each document and each choice of its conditions.

A plan is a tree of selections. A selection makes the objects of one type for all rows of a level in one call of a
function that was generated for it; its parts are the fields whose values need more than that.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    visit,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from feed_service.bounded import Bounded
from feed_service.execution.arguments import Variables
from feed_service.execution.documents import Operation
from feed_service.execution.fields import Field, Request, Uncompiled, Way, field_of
from feed_service.execution.leaves import Leaf, leaf_of
from feed_service.execution.source import FixedField, LeafField, Make, make_function

log = logging.getLogger(__name__)

MAX_KEPT = 1_000
MAX_CHOICES = 16
"""Of one document: what its conditions let through."""

TYPENAME = "__typename"


@dataclass(frozen=True)
class Part:
    """A field that is completed after the objects of its selection are made."""

    field: Field
    shape: "Shape"


@dataclass
class Selection:
    """What is asked of the objects of one type."""

    of: GraphQLObjectType
    make: Make
    bound: list[Field]
    parts: list[Part]


@dataclass(frozen=True)
class Shape:
    """What a value must be like: a leaf, objects of a selection, objects of several types, or a list of `item`.

    `known`: classes of values that have proved to be neither errors nor of another type.
    """

    is_nullable: bool
    leaf: Leaf | None = None
    selection: Selection | None = None
    choice: "Choice | None" = None
    item: "Shape | None" = None
    known: set[type] = field(default_factory=set)


@dataclass
class Choice:
    """An interface or a union, whose selections are made when they are first needed.

    `by_class`: of rows whose class is called as their type, which then depends on nothing else.
    """

    of: GraphQLAbstractType
    nodes: list[FieldNode]
    select: Callable[[GraphQLObjectType], Selection]
    by_class: dict[type, Selection] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """One way through one operation. `root` is None for a mutation, of which each payload has a shape of its own."""

    compiler: "Compiler"
    root: Selection | None
    payloads: dict[int, Shape] = field(default_factory=dict)

    def payload(self, node: FieldNode, type_: GraphQLOutputType, details: FieldDetailsList) -> Shape:
        """The shape of the root field of a mutation, of which `node` is the first node. Raises Uncompiled."""
        if id(node) not in self.payloads:
            self.payloads[id(node)] = self.compiler.shape(type_, details, (node.alias or node.name).value)
        return self.payloads[id(node)]

    def request(self, variables: VariableValues, context: object) -> Request:
        compiler = self.compiler
        return Request(compiler.schema, compiler.definition, compiler.fragments, variables, context)


@dataclass
class Choices:
    """What is kept of one operation, which is held lest its place in memory goes to another one."""

    definition: OperationDefinitionNode
    variables: Variables
    conditions: list[str]
    found: dict[tuple[Any, ...], Plan | Uncompiled] = field(default_factory=dict)


class Plans:
    """The plans of the latest operations."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._kept = Bounded[int, Choices](MAX_KEPT)

    def plan(self, operation: Operation, given: dict[str, Any]) -> tuple[Plan, VariableValues]:
        """With the values of the variables.

        Raises:
            VariablesRefused: the variables do not fit the operation.
            Uncompiled: it is for the reference executor.
        """
        choices = self._kept.get(id(operation.definition))
        if choices is None:
            variables = Variables(self.schema, operation.definition)
            choices = Choices(operation.definition, variables, conditions_of(operation))
            self._kept.put(id(operation.definition), choices)
        values = choices.variables.values(given)
        return self._chosen(choices, operation, values), values

    def _chosen(self, choices: Choices, operation: Operation, variables: VariableValues) -> Plan:
        chosen = tuple(variables.coerced.get(name) for name in choices.conditions)
        found = choices.found.get(chosen)
        if found is None:
            if len(choices.found) >= MAX_CHOICES:
                choices.found.clear()
            found = choices.found[chosen] = self._compiled(operation, variables)
        if isinstance(found, Uncompiled):
            raise Uncompiled(*found.args)
        return found

    def _compiled(self, operation: Operation, variables: VariableValues) -> Plan | Uncompiled:
        compiler = Compiler(self.schema, operation, variables)
        try:
            return Plan(compiler, compiler.root() if operation.is_query else None)
        except Uncompiled as reason:
            return Uncompiled(*reason.args)
        except Exception as error:  # noqa: BLE001 - bad arguments, which the reference executor words.
            log.debug("an operation could not be compiled: %r", error)
            return Uncompiled("error")


class Conditions(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Node) -> None:
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)


def conditions_of(operation: Operation) -> list[str]:
    """The variables on which it depends which fields are asked for at all."""
    found = Conditions()
    visit(operation.document, found)
    return sorted(found.names)


class Compiler:
    """Compiles the selections of one operation, for one choice of its conditions."""

    def __init__(self, schema: GraphQLSchema, operation: Operation, variables: VariableValues) -> None:
        self.schema = schema
        self.definition = operation.definition
        self.variables = variables
        self.fragments = {
            node.name.value: node for node in operation.document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._details = {name: FragmentDetails(node) for name, node in self.fragments.items()}

    def root(self) -> Selection:
        """Raises Uncompiled."""
        root = self.schema.get_root_type(OperationType.QUERY)
        assert root is not None  # noqa: S101 - the operation is valid, and a query.
        found = collect_fields(self.schema, self._details, self.variables, root, self.definition)
        return self._selection(root, found.grouped_field_set, "")

    def shape(
        self, type_: GraphQLOutputType, details: FieldDetailsList, path: str, *, is_nullable: bool = True
    ) -> Shape:
        """What a value of `type_` must be like, for the nodes that ask for it at `path`. Raises Uncompiled."""
        if is_non_null_type(type_):
            return self.shape(type_.of_type, details, path, is_nullable=False)
        if is_list_type(type_):
            return Shape(is_nullable, item=self.shape(type_.of_type, details, path))
        if is_leaf_type(type_):
            return Shape(is_nullable, leaf=leaf_of(type_))
        if is_abstract_type(type_):
            nodes, selections = [detail.node for detail in details], cache(partial(self._objects, details, path))
            return Shape(is_nullable, choice=Choice(type_, nodes, selections))
        return Shape(is_nullable, selection=self._objects(details, path, type_))

    def _selection(self, type_: GraphQLObjectType, grouped: GroupedFieldSet, path: str) -> Selection:
        shown: list[LeafField | FixedField] = []
        bound: list[Field] = []
        parts: list[Part] = []
        for key, details in grouped.items():
            name = details[0].node.name.value
            if name == TYPENAME:
                shown.append(FixedField(key, type_.name))
                continue
            definition = self.schema.get_field(type_, name)
            if definition is None:
                raise Uncompiled("uncompiled")
            below = f"{path}.{key}" if path else key
            found = field_of(self.schema, type_, definition, below, [detail.node for detail in details])
            shape = self.shape(definition.type, details, below)
            if shape.leaf is not None and found.way in {Way.READ, Way.COLUMN}:
                shown.append(LeafField(key, found.read, shape.leaf, shape.is_nullable))
                bound += [found] if found.read.is_bound else []
            else:
                shown.append(FixedField(key, None))
                parts.append(Part(found, shape))
        return Selection(type_, make_function(shown), bound, parts)

    def _objects(self, details: FieldDetailsList, path: str, type_: Any) -> Selection:  # noqa: ANN401 - an object type.
        found = collect_subfields(self.schema, self._details, self.variables, self.definition, type_, details)
        return self._selection(type_, found.grouped_field_set, path)
