"""How large one operation may be, counted in one pass over its document.

Every fragment is measured once and its measure reused, so that the work grows with the length of the document and not
with the number of ways through its fragments, which is exponential.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from feed_service.errors import QueryTooCostly

MAX_OPERATIONS = 5
MAX_TOKENS = 2_000
MAX_DEPTH = 10
MAX_INTROSPECTION_DEPTH = 20
MAX_FIELDS = 500
MAX_ALIASES = 30
MAX_ROOT_FIELDS = 20
MAX_DIRECTIVES = 20

WRAPPERS = frozenset({"edges", "node", "nodes"})
"""Fields that only wrap a list; they are no step into the depth."""

INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Measure:
    """What a selection amounts to with all its fragments put in; numbers above every limit are cut to stay small."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def __add__(self, other: "Measure") -> "Measure":
        return Measure(
            max(self.depth, other.depth),
            min(self.fields + other.fields, MAX_FIELDS + 1),
            min(self.aliases + other.aliases, MAX_ALIASES + 1),
            min(self.directives + other.directives, MAX_DIRECTIVES + 1),
        )


class Measures:
    """Measures selections of one valid document; a fragment is looked into once."""

    def __init__(self, document: DocumentNode) -> None:
        self.fragments: Mapping[str, FragmentDefinitionNode] = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.known: dict[str, Measure] = {}

    def of(self, selections: SelectionSetNode | None) -> Measure:
        return sum((self.of_one(node) for node in selections.selections), Measure()) if selections else Measure()

    def of_one(self, node: SelectionNode) -> Measure:
        own = Measure(directives=len(directives_of(node)))
        if isinstance(node, FieldNode):
            below = self.of(node.selection_set)
            step = 0 if node.name.value in WRAPPERS else 1
            return own + Measure(
                below.depth + step, below.fields + 1, below.aliases + (node.alias is not None), below.directives
            )
        if isinstance(node, FragmentSpreadNode):
            return own + self.of_fragment(node.name.value)
        return own + self.of(node.selection_set)  # type: ignore[attr-defined]

    def of_fragment(self, name: str) -> Measure:
        if name not in self.known:
            self.known[name] = self.of(self.fragments[name].selection_set)
        return self.known[name]


def directives_of(node: SelectionNode) -> tuple[DirectiveNode, ...]:
    return tuple(node.directives or ())


def check(document: DocumentNode) -> None:
    """Raises QueryTooCostly for a valid document with an operation that is too large."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) > MAX_OPERATIONS:
        raise QueryTooCostly(f"A document may hold {MAX_OPERATIONS} operations; this one holds {len(operations)}.")
    measures = Measures(document)
    for operation in operations:
        _check_operation(operation, measures)


def _check_operation(operation: OperationDefinitionNode, measures: Measures) -> None:
    total = measures.of(operation.selection_set)
    roots = list(root_fields(operation.selection_set, measures))
    counted = {
        "fields": (total.fields, MAX_FIELDS),
        "aliases": (total.aliases, MAX_ALIASES),
        "directives": (total.directives + len(operation.directives or ()), MAX_DIRECTIVES),
        "root fields": (len(roots), MAX_ROOT_FIELDS),
    }
    for name, (count, limit) in counted.items():
        if count > limit:
            raise QueryTooCostly(f"An operation may have {limit} {name}; this one has more.")
    for root in roots:
        limit = MAX_INTROSPECTION_DEPTH if root.name.value in INTROSPECTION else MAX_DEPTH
        if measures.of_one(root).depth > limit:
            raise QueryTooCostly(f"An operation may be {limit} fields deep; this one is deeper.")


def root_fields(selections: SelectionSetNode, measures: Measures) -> list[FieldNode]:
    """The fields of the operation itself, those in its fragments among them; each fragment is looked into once."""
    found: list[FieldNode] = []
    seen: set[str] = set()
    waiting = [selections]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                found.append(node)
            elif not isinstance(node, FragmentSpreadNode):
                waiting.append(node.selection_set)  # type: ignore[attr-defined]
            elif node.name.value not in seen:
                seen.add(node.name.value)
                waiting.append(measures.fragments[node.name.value].selection_set)
    return found
