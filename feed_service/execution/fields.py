"""What the definition of a field in the schema says about running it: an attribute, a function of a row, or of a level.

A field of a level is known by the attribute `of_level` of its resolver: a function that takes the rows of a whole level
and gives one value for each (`feed_service.schema.levels` makes them, with the attributes that are read here). Whatever
else Strawberry knows, such as extensions of fields, is left to the reference executor.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from inspect import iscoroutinefunction
from typing import Any, TypeGuard

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry import Info
from strawberry.types.field import StrawberryField

from feed_service.execution.arguments import Arguments
from feed_service.execution.source import Read

Level = Callable[..., Any]
"""(rows, info, arguments by name) -> one value for each row, in their order. A coroutine function, or a plain one."""

DEFINITION = "strawberry-definition"


class Uncompiled(Exception):
    """Something that only the reference executor runs; the message is `introspection` or `uncompiled`."""


class Way(Enum):
    """How the values of a field are found for many rows."""

    READ = "read"
    """One by one, at once."""
    AWAIT = "await"
    """One by one, by a coroutine each."""
    COLUMN = "column"
    """All of them by one plain function."""
    PERHAPS = "perhaps"
    """All of them by a plain function, or else by the coroutine function that it gives."""
    LEVEL = "level"
    """All of them by one coroutine."""


@dataclass(frozen=True)
class Field:
    """A field of an operation: its definition, and the nodes that ask for it, of which the first has the arguments.

    `path` is where it stands in the answer, without places in lists: feed.edges.node.author.
    """

    key: str
    path: str
    definition: GraphQLField
    parent: GraphQLObjectType
    nodes: list[FieldNode]
    way: Way
    read: Read
    level: Level | None
    info_as: str | None
    strawberry: StrawberryField
    arguments: Arguments
    told: dict[Any, Any] = field(default_factory=dict, compare=False)
    """What the schema has made of the nodes below it: see `LevelInfo.told`."""


@dataclass(frozen=True)
class Request:
    """What all fields of one run share."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    variables: VariableValues
    context: Any

    def raw_info(self, parent: Any, nodes: list[FieldNode], type_: GraphQLOutputType) -> GraphQLResolveInfo[Any]:  # noqa: ANN401
        """As graphql-core makes it for the field of `nodes` of an object, or interface, `parent`."""
        first = nodes[0]
        return GraphQLResolveInfo(
            first.name.value,
            nodes,
            type_,
            parent,
            Path(None, (first.alias or first.name).value, parent.name),
            self.schema,
            self.fragments,
            None,
            self.operation,
            self.variables,
            self.context,
            _never,
            None,
            None,  # type: ignore[arg-type]  # Helpers for work in the background, of which resolvers have none.
        )

    def keywords(self, field: Field) -> dict[str, Any]:
        """Everything that the resolver takes beside its row. Raises what graphql-core raises for bad arguments."""
        found = field.arguments.values(self.variables)
        return {**found, field.info_as: LevelInfo(field, self)} if field.info_as else found


class LevelInfo(Info[Any, Any]):
    """What a resolver is told. The path has no places in lists: one info serves all rows of a level."""

    context: Any = None

    def __init__(self, field: Field, request: Request) -> None:
        self.context = request.context
        self._field = field.strawberry
        self._asked = field, request

    @property
    def told(self) -> dict[Any, Any]:
        """A place for what depends on nothing but the nodes of the field, for all runs of the operation."""
        return self._asked[0].told

    @cached_property
    def _raw_info(self) -> GraphQLResolveInfo[Any]:  # type: ignore[override]  # Made only if it is asked for.
        field, request = self._asked
        return request.raw_info(field.parent, field.nodes, field.definition.type)


def _never(_value: Any) -> TypeGuard[Awaitable[Any]]:  # noqa: ANN401 - as graphql-core asks.
    return False


def field_of(
    schema: GraphQLSchema, parent: GraphQLObjectType, definition: GraphQLField, path: str, nodes: list[FieldNode]
) -> Field:
    """Raises Uncompiled."""
    key = path.rpartition(".")[2]
    found = definition.extensions.get(DEFINITION)
    if not isinstance(found, StrawberryField):
        raise Uncompiled("introspection" if nodes[0].name.value.startswith("__") else "uncompiled")
    if found.extensions or found.permission_classes:
        raise Uncompiled("uncompiled")
    resolver = found.base_resolver
    if resolver is None:
        way, read, level, info_as = Way.READ, Read(attribute=found.python_name), None, None
    else:
        function: Any = resolver.wrapped_func
        level = getattr(function, "of_level", None)
        if level is not None:
            plain = Way.PERHAPS if function.may_wait else Way.COLUMN
            way = Way.LEVEL if iscoroutinefunction(level) else plain
        else:
            way = Way.AWAIT if resolver.is_async else Way.READ
        row = resolver.self_parameter or resolver.parent_parameter or resolver.root_parameter
        takes_info = getattr(function, "takes_info", resolver.info_parameter is not None)
        info_as = resolver.info_parameter.name if resolver.info_parameter and takes_info else None
        is_bound = info_as is not None or bool(definition.args)
        read = Read("", level or function, row.name if row else "", is_bound, way is Way.COLUMN)
    arguments = Arguments(schema, definition, nodes[0], found)
    return Field(key, path, definition, parent, nodes, way, read, level, info_as, found, arguments)
