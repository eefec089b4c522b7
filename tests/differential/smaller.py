"""Makes a case that shows a difference small: whatever can be left out while the difference stays is left out."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from tests.differential.cases import Case

REMOVABLE = (
    OperationDefinitionNode, FragmentDefinitionNode, FieldNode, InlineFragmentNode, FragmentSpreadNode, ArgumentNode,
    ObjectFieldNode, DirectiveNode,
)  # fmt: skip

Shows = Callable[[Case], Awaitable[bool]]
"""Whether a case, which may be refused, still shows the difference."""


async def smaller(case: Case, shows: Shows) -> Case:
    """Large parts first, and again from the beginning until nothing can be spared."""
    while True:
        for shorter in shorter_ones(case):
            if await shows(shorter):
                case = shorter
                break
        else:
            return replace(case, text=print_ast(parse(case.text)))


def shorter_ones(case: Case) -> Iterator[Case]:
    document = parse(case.text)
    for place in range(count(document)):
        text = print_ast(without_unused(visit(document, Without(place))))
        if "{}" not in text:  # graphql-core takes empty selections.
            yield replace(case, text=text, variables=still_defined(text, case.variables))
    if case.viewer != "nobody":
        yield replace(case, viewer="nobody")


class Without(Visitor):
    """Leaves out what stands at the place of that number, in the order in which the document is read."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place, self.seen = place, 0

    def enter(self, node: Node, *_: Any) -> Any:  # noqa: ANN401 - graphql-core's own.
        if not isinstance(node, REMOVABLE):
            return None
        self.seen += 1
        return REMOVE if self.seen == self.place + 1 else None


def count(document: DocumentNode) -> int:
    seen = Without(-1)
    visit(document, seen)
    return seen.seen


class Names(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.fragments: set[str] = set()

    def leave_variable(self, node: VariableNode, _key: Any, parent: Any, *_: Any) -> None:  # noqa: ANN401
        if not isinstance(parent, VariableDefinitionNode):
            self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:  # noqa: ANN401
        self.fragments.add(node.name.value)


class Used(Visitor):
    """Leaves out variables and fragments that nothing asks for."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self.names = names

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> Any:  # noqa: ANN401
        return None if node.variable.name.value in self.names.variables else REMOVE

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> Any:  # noqa: ANN401
        return None if node.name.value in self.names.fragments else REMOVE


def without_unused(document: DocumentNode) -> DocumentNode:
    while True:
        names = Names()
        visit(document, names)
        cleaned = visit(document, Used(names))
        if print_ast(cleaned) == print_ast(document):
            return document
        document = cleaned


def still_defined(text: str, variables: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if f"${name}: " in text or f"${name}:" in text}
