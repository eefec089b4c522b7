"""How much one operation may ask for, counted in one pass that visits every selection of a document once.

A fragment is measured once and its totals are added wherever it is spread, so that a chain of fragments that doubles
at every step costs no more than its text. Sums are capped: the doubled totals never grow into long integers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

TRANSPARENT = frozenset({"edges", "node", "nodes"})
"""Fields of every connection, which say nothing about how deep a query goes."""

INTROSPECTION = frozenset({"__schema", "__type"})

CAP = 100_000

MAX_NESTING = 100
"""Selection sets and fragments inside each other, which bounds the recursion of this pass."""


@dataclass(frozen=True)
class Limits:
    """Of one operation, after its fragments have been put in their places. Introspection has bounds of its own.

    GraphiQL's introspection is 15 deep and has about 230 fields.
    """

    depth: int = 10
    fields: int = 500
    aliases: int = 30
    directives: int = 20
    root_fields: int = 20
    introspection_depth: int = 18
    introspection_fields: int = 500


@dataclass(slots=True)
class Totals:
    """What a selection set holds; `root_fields` are those of its first level."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    introspection_depth: int = 0
    introspection_fields: int = 0

    def add(self, other: "Totals") -> None:
        self.depth = max(self.depth, other.depth)
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.fields = min(CAP, self.fields + other.fields)
        self.aliases = min(CAP, self.aliases + other.aliases)
        self.directives = min(CAP, self.directives + other.directives)
        self.root_fields = min(CAP, self.root_fields + other.root_fields)
        self.introspection_fields = min(CAP, self.introspection_fields + other.introspection_fields)

    def under(self, field: FieldNode) -> "Totals":
        """The totals of `field` when these are the totals of its selection set."""
        aliases = self.aliases + (1 if field.alias else 0)
        directives = self.directives + len(field.directives or ())
        if field.name.value in INTROSPECTION:
            depth = 1 + max(self.depth, self.introspection_depth)
            size = 1 + self.fields + self.introspection_fields
            return Totals(0, 0, aliases, directives, 1, depth, size)
        step = 0 if field.name.value in TRANSPARENT else 1
        below = self.introspection_depth
        return Totals(step + self.depth, 1 + self.fields, aliases, directives, 1, below, self.introspection_fields)


class Excess(Exception):
    """A limit is passed; the message says which, how far, and what is allowed."""


class Measure:
    """Measures the operations of one document. `visits` counts the selections that were looked at."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.visits = 0
        self._fragments = fragments
        self._measured: dict[str, Totals] = {}
        self._open: set[str] = set()
        self._nesting = 0

    def operation(self, operation: OperationDefinitionNode) -> Totals:
        totals = self._selections(operation.selection_set.selections)
        totals.directives += len(operation.directives or ())
        totals.directives += sum(len(variable.directives or ()) for variable in operation.variable_definitions or ())
        return totals

    def _selection_set(self, selection_set: SelectionSetNode | None) -> Totals:
        if selection_set is None:
            return Totals()
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise Excess(f"The query is nested more than {MAX_NESTING} levels deep.")
        totals = self._selections(selection_set.selections)
        self._nesting -= 1
        return totals

    def _selections(self, selections: Iterable[SelectionNode]) -> Totals:
        totals = Totals()
        for selection in selections:
            self.visits += 1
            totals.add(self._selection(selection))
        return totals

    def _selection(self, selection: SelectionNode) -> Totals:
        if isinstance(selection, FieldNode):
            return self._selection_set(selection.selection_set).under(selection)
        if isinstance(selection, FragmentSpreadNode):
            inner = self._fragment(selection.name.value)
        else:
            inner = self._selection_set(getattr(selection, "selection_set", None))
        totals = Totals(directives=len(selection.directives or ()))
        totals.add(inner)
        return totals

    def _fragment(self, name: str) -> Totals:
        """Unknown fragments and cycles count nothing: validation refuses both."""
        if name not in self._measured:
            fragment = self._fragments.get(name)
            if fragment is None or name in self._open:
                return Totals()
            self._open.add(name)
            self._measured[name] = self._selection_set(fragment.selection_set)
            self._measured[name].directives += len(fragment.directives or ())
        return self._measured[name]


def check(totals: Totals, limits: Limits) -> None:
    """Raises Excess for the first limit that is passed."""
    for name, what in {
        "depth": "levels deep",
        "fields": "fields",
        "aliases": "aliases",
        "directives": "directives",
        "root_fields": "fields at its root",
        "introspection_depth": "levels of introspection",
        "introspection_fields": "fields of introspection",
    }.items():
        found, allowed = getattr(totals, name), getattr(limits, name)
        if found > allowed:
            raise Excess(f"The query has {found if found < CAP else 'far too many'} {what}; {allowed} are allowed.")
