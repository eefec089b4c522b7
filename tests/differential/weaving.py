"""From a selection of fields to a document that uses the whole language.

Values, variables, aliases, merged fields, fragments of both kinds, directives and `__typename` are put in; a response
key stands for one field with one set of arguments throughout a document, so that most of what comes out is valid.
"""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionNode,
    get_named_type,
    is_leaf_type,
)

from tests.differential.cases import Case
from tests.differential.stock import Stock
from tests.differential.tree import Field, Group, Selection, Spread, block, with_arguments
from tests.differential.values import Values
from tests.differential.variables import Variables

SIZES = (8, 15, 30, 60)
"""Fields, of which one is chosen."""

MOST_ALIASES, MOST_DIRECTIVES, MOST_DEPTH = 12, 8, 5


class Weaver:
    """Makes one document. `random` alone decides what becomes of `base`."""

    def __init__(self, schema: GraphQLSchema, stock: Stock, random: Random, viewer: str) -> None:
        self.schema, self.random, self.viewer = schema, random, viewer
        self.variables = Variables(random)
        self.values = Values(random, stock, viewer, self.variables)
        self.keys: dict[tuple[str, str, str, str], str] = {}
        self.taken: set[str] = set()
        self.fragments: dict[str, tuple[str, list[Selection]]] = {}
        self.most_fields = random.choice(SIZES)
        self.fields = self.aliases = self.directives = 0

    def case(self, root: str, base: Iterable[SelectionNode]) -> Case:
        selections = self._dressed(root, self._fattened(root, [*self._of(root, base)], 0), 0)
        kind = "mutation" if root == "Mutation" else "query"
        name = "Asked" if self._chance(0.5) or self.variables.definitions else ""
        defined = f"({', '.join(self.variables.definitions)})" if self.variables.definitions else ""
        parts = [f"{kind} {name}{defined} {block(selections)}"]
        parts += [f"fragment {name} on {on} {block(inner)}" for name, (on, inner) in self.fragments.items()]
        is_named = bool(name) and self._chance(0.3)
        if is_named and self._chance(0.5):
            parts.append("query Other { __typename }")
        return Case("\n".join(parts), self.viewer, self.variables.given, name if is_named else None)

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _of(self, kind: str, nodes: Iterable[SelectionNode], depth: int = 0) -> Iterable[Selection]:
        for node in nodes:
            if isinstance(node, FieldNode):
                inner = node.selection_set.selections if node.selection_set else ()
                made = self._field(kind, node.name.value)
                made.selections = [*self._of(made.kind or "", inner, depth + 1)]
                yield made
            elif isinstance(node, InlineFragmentNode):
                on = node.type_condition.name.value if node.type_condition else kind
                yield Group(on, [*self._of(on, node.selection_set.selections, depth)])
            else:
                assert not isinstance(node, FragmentSpreadNode), "hypothesis-graphql writes none"

    def _field(self, of: str, name: str) -> Field:
        type_: Any = self.schema.type_map[of]
        definition: GraphQLField = type_.fields[name]
        named = get_named_type(definition.type)
        arguments = self.values.arguments(of, name, definition)
        shape = str(definition.type) if is_leaf_type(named) else str(definition.type).replace(named.name, "")
        alias = self._alias(name, with_arguments(arguments), shape)
        self.fields += 1
        return Field(of, name, None if is_leaf_type(named) else named.name, alias, arguments)

    def _alias(self, name: str, arguments: str, shape: str) -> str | None:
        """None while the name itself is free for this field with these arguments."""
        mark = self.random.choice("ab") if self._chance(0.06) and self.aliases < MOST_ALIASES else ""
        known = (name, arguments, shape, mark)
        if known not in self.keys:
            free = (each for each in (name, *(f"{name}{n}" for n in range(1, 500))) if each not in self.taken)
            self.keys[known] = f"{mark}_{name}{len(self.keys)}" if mark else next(free)
            self.taken.add(self.keys[known])
        key = self.keys[known]
        self.aliases += key != name
        return None if key == name else key

    def _fattened(self, kind: str, selections: list[Selection], depth: int) -> list[Selection]:
        """More fields on every level, most of them leaves."""
        for each in selections:
            if isinstance(each, Group):
                each.selections = self._fattened(each.on or kind, each.selections, depth)
            elif isinstance(each, Field) and each.kind:
                each.selections = self._fattened(each.kind, each.selections, depth + 1)
        if depth == 0 or kind in {"Query", "Mutation"}:
            return selections
        more = self.random.choice((0, 1, 2, 3, 4))
        selections += [self._further(kind, depth) for _ in range(more) if self.fields < self.most_fields]
        return selections

    def _further(self, kind: str, depth: int) -> Selection:
        type_: Any = self.schema.type_map[kind]
        if isinstance(type_, (GraphQLUnionType, GraphQLInterfaceType)) and self._chance(0.7):
            on = self.random.choice([each.name for each in self.schema.get_possible_types(type_)])
            return Group(on, self._fattened(on, [self._further(on, depth)], depth))
        named = {name: get_named_type(each.type) for name, each in getattr(type_, "fields", {}).items()}
        leaves = [name for name, found in named.items() if is_leaf_type(found)]
        wide = [name for name in named if name not in leaves]
        if leaves and (not wide or depth > MOST_DEPTH or self._chance(0.7)):
            return self._field(kind, self.random.choice(leaves))
        if not wide or depth > MOST_DEPTH + 2:
            return Field(kind, "__typename")
        made = self._field(kind, self.random.choice(wide))
        made.selections = self._fattened(made.kind or "", [self._further(made.kind or "", depth + 1)], depth + 1)
        return made

    def _dressed(self, kind: str, selections: list[Selection], depth: int) -> list[Selection]:
        made: list[Selection] = []
        for each in selections:
            if isinstance(each, Group):
                each.selections = self._dressed(each.on or kind, each.selections, depth)
            elif isinstance(each, Field) and each.kind:
                each.selections = self._dressed(each.kind, each.selections, depth + 1)
            self._directed(each)
            made += self._parted(each)
        if self._chance(0.15):
            alias = "kind" if self._chance(0.3) and self.aliases < MOST_ALIASES else None
            self.aliases += alias is not None
            made.insert(self.random.randint(0, len(made)), Field(kind, "__typename", alias=alias))
        return self._gathered(kind, made)

    def _directed(self, found: Selection) -> None:
        if self.directives < MOST_DIRECTIVES and self._chance(0.06):
            names = self.random.choice((["skip"], ["include"], ["skip", "include"], ["include", "skip"]))
            for name in names:
                does = self._chance(0.75) == (name == "include")
                found.directives.append((name, self.variables.condition(does) if self._chance(0.6) else does))
            self.directives += len(names)

    def _parted(self, found: Selection) -> Sequence[Selection]:
        """A field asked for in two places, each with a part of its selections."""
        if not isinstance(found, Field) or not self._chance(0.08):
            return [found]
        inner = found.selections
        cut = self.random.randint(1, len(inner)) if inner else 0
        other = Field(found.of, found.name, found.kind, found.alias, found.arguments)
        if inner and cut < len(inner):
            found.selections, other.selections = inner[:cut], inner[cut:]
        else:
            other.selections = list(inner)
        self.aliases += found.alias is not None
        wrapped = Group(self.random.choice((None, found.of)), [other])
        return [found, wrapped] if self._chance(0.5) else [wrapped, found]

    def _gathered(self, kind: str, selections: list[Selection]) -> list[Selection]:
        """Some of them in a fragment, perhaps on an interface that has them all, perhaps one of before beside them."""
        if len(selections) > 1 and self._chance(0.2):
            cut = sorted(self.random.sample(range(len(selections) + 1), 2))
            inner = selections[cut[0] : cut[1]]
            on = self._condition(kind, inner)
            wrap: Selection = Group(on if self._chance(0.7) else None, inner)
            if self._chance(0.5):
                name = f"F{len(self.fragments)}"
                self.fragments[name] = (on, inner)
                wrap = Spread(name)
            if on == kind or not isinstance(wrap, Group):
                self._directed(wrap)
            selections[cut[0] : cut[1]] = [wrap]
        known = [name for name, (on, inner) in self.fragments.items() if on == kind and is_flat(inner)]
        if known and self._chance(0.3):
            selections.insert(self.random.randint(0, len(selections)), Spread(self.random.choice(known)))
        return selections

    def _condition(self, kind: str, inner: Sequence[Selection]) -> str:
        type_: Any = self.schema.type_map[kind]
        if not all(isinstance(each, Field) for each in inner):
            return kind
        names = {each.name for each in inner if isinstance(each, Field)} - {"__typename"}
        fitting = [each.name for each in getattr(type_, "interfaces", ()) if names <= each.fields.keys()]
        return str(self.random.choice([kind, *fitting]))


def is_flat(selections: Iterable[Selection]) -> bool:
    return all(isinstance(each, Field) and not each.selections for each in selections)
