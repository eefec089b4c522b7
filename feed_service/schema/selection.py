"""What an operation asks for below a field, where that decides what must be read before it."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode

from feed_service.schema.context import Info


def selects(info: Info, name: str) -> bool:
    """Whether the type of this field is asked for its field `name`, be it under a condition."""
    return name in selected(info)


def columns_for(info: Info, columns: Mapping[str, AbstractSet[str]]) -> frozenset[str]:
    """Of `columns`, by the fields of this field's type that need them, those that are needed."""
    return frozenset[str]().union(*(columns[name] for name in selected(info) if name in columns))


def selected(info: Info) -> Iterator[str]:
    """The fields that the type of this field is asked for, be it under a condition."""
    raw = info._raw_info  # noqa: SLF001 - Strawberry's own view converts every argument of every field below.
    for node in raw.field_nodes:
        yield from _selected(node.selection_set, raw.fragments)


def _selected(below: SelectionSetNode | None, fragments: dict[str, FragmentDefinitionNode]) -> Iterator[str]:
    for node in below.selections if below else ():
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, FragmentSpreadNode):
            yield from _selected(fragments[node.name.value].selection_set, fragments)
        else:
            yield from _selected(node.selection_set, fragments)  # type: ignore[attr-defined]  # An inline fragment.
