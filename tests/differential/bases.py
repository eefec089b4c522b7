"""Selections as hypothesis-graphql makes them, for the weaver to go on from."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode, SelectionNode
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import mutations, nodes, queries

from tests.api import SCHEMA

PLACEHOLDER = {name: st.just(nodes.String("x")) for name in ("SyncToken", "DateTime", "ID", "String")}
"""For speed: the weaver puts in the values."""


def selections(document: DocumentNode) -> Sequence[SelectionNode]:
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode), "hypothesis-graphql writes no fragments"
    return operation.selection_set.selections


GIVEN: dict[str, Any] = {"custom_scalars": PLACEHOLDER, "print_ast": selections}

Base = tuple[str, Sequence[SelectionNode]]
"""The name of the root type, and what is selected of it."""


class Enough(BaseException):
    """Ends what hypothesis does, which takes an Exception for a failure to look into."""


def each_base(number: int, of: int, share: float, each: Callable[[str, Sequence[SelectionNode]], None]) -> None:
    """Selections as hypothesis-graphql makes them: of one field of the root at a time, as some lead much deeper."""

    def one(root: str, make: Any) -> dict[str, st.SearchStrategy[Base]]:  # noqa: ANN401 - queries or mutations.
        type_: Any = SCHEMA.type_map[root]
        made = {
            name: make(SCHEMA, fields=[name], custom_scalars=PLACEHOLDER, print_ast=selections) for name in type_.fields
        }
        return {name: each.map(lambda base: (root, base)) for name, each in made.items()}

    reading, writing = one("Query", queries), one("Mutation", mutations)
    roots = st.sampled_from([*reading] * 10).flatmap(reading.__getitem__)
    written = st.sampled_from([*writing]).flatmap(writing.__getitem__)
    edge = 500 + round(share * 1000)  # Of the thousand numbers after it, as the smallest come too often.

    @seed(of)
    @settings(max_examples=number, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.integers(0, 1499).flatmap(lambda n: written if 500 <= n < edge else roots))
    def taken(base: Base) -> None:
        each(*base)

    taken()
