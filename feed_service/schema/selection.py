"""What an operation asks for below a field, where that decides what must be read before it."""

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, SelectionSetNode

from feed_service.schema.context import Info


def selects(info: Info, name: str) -> bool:
    """Whether the type of this field is asked for its field `name`, be it under a condition."""
    raw = info._raw_info  # noqa: SLF001 - Strawberry's own view converts every argument of every field below.
    return any(_selects(node.selection_set, name, raw.fragments) for node in raw.field_nodes)


def _selects(below: SelectionSetNode | None, name: str, fragments: dict[str, FragmentDefinitionNode]) -> bool:
    for node in below.selections if below else ():
        if isinstance(node, FieldNode):
            if node.name.value == name:
                return True
        elif isinstance(node, FragmentSpreadNode):
            if _selects(fragments[node.name.value].selection_set, name, fragments):
                return True
        elif _selects(node.selection_set, name, fragments):  # type: ignore[attr-defined]  # An inline fragment.
            return True
    return False
