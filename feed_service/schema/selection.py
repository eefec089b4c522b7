"""What an operation asks for below a field, where that decides what must be read before it."""

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode

from feed_service.schema.context import Info

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Selected:
    """What the objects of one field are asked for, be it under a condition."""

    sets: tuple[SelectionSetNode, ...]
    fragments: dict[str, FragmentDefinitionNode]

    @classmethod
    def of(cls, nodes: list[FieldNode], fragments: dict[str, FragmentDefinitionNode]) -> "Selected":
        return cls(tuple(node.selection_set for node in nodes if node.selection_set), fragments)

    @cached_property
    def fields(self) -> list[FieldNode]:
        return [node for below in self.sets for node in self._fields(below)]

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(node.name.value for node in self.fields)

    def under(self, *path: str) -> "Selected":
        """What is asked of the field at the end of the path."""
        found = self
        for name in path:
            found = Selected.of([node for node in found.fields if node.name.value == name], self.fragments)
        return found

    def __or__(self, other: "Selected") -> "Selected":
        return Selected(self.sets + other.sets, self.fragments)

    def _fields(self, below: SelectionSetNode) -> Iterator[FieldNode]:
        for node in below.selections:
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, FragmentSpreadNode):
                yield from self._fields(self.fragments[node.name.value].selection_set)
            else:
                yield from self._fields(node.selection_set)  # type: ignore[attr-defined]  # An inline fragment.


def told_by(info: Info, tell: Callable[[Selected], Answer]) -> Answer:
    """What `tell` makes of what the type of this field is asked for; a compiled operation asks it once."""
    known: dict[object, Answer] = getattr(info, "told", {})
    if tell not in known:
        raw = info._raw_info  # noqa: SLF001 - Strawberry's own view converts every argument of every field below.
        known[tell] = tell(Selected.of(raw.field_nodes, raw.fragments))
    return known[tell]


def columns_for(columns: Mapping[str, AbstractSet[str]]) -> Callable[[Selected], frozenset[str]]:
    """Tells of `columns`, by the fields of a type that need them, those that are needed."""

    def needed(selected: Selected) -> frozenset[str]:
        return frozenset[str]().union(*(columns[name] for name in selected.names if name in columns))

    return needed
