"""A query whose statements saw different states of the world is run once more; a mutation never is."""

from collections.abc import Iterator

import httpx2
import pytest
import strawberry

from feed_service.execution.documents import Documents
from feed_service.execution.paths import Execution
from feed_service.execution.plans import Plans
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.site import create_site
from tests.http.server import serving
from tests.http.small import is_current, viewer_of

runs: list[str] = []


@strawberry.type
class Comment:
    is_torn_at: strawberry.Private[int]

    @strawberry.field
    def post(self) -> str:
        """Its post is gone when it is looked at in one of the runs."""
        return None if len(runs) == self.is_torn_at else "Bread"  # type: ignore[return-value]


def comment(kind: str, is_torn_at: int) -> Comment:
    runs.append(kind)
    return Comment(is_torn_at=is_torn_at)


@strawberry.type
class Query:
    @strawberry.field
    def once(self) -> Comment:
        return comment("query", 1)

    @strawberry.field
    def last(self) -> Comment:
        return comment("query", 2 if len(runs) else 1)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def write(self) -> Comment:
        return comment("mutation", 1)


@pytest.fixture
def url() -> Iterator[str]:
    core = strawberry.Schema(Query, Mutation)._schema  # noqa: SLF001 - as in app.py.
    endpoint = GraphQLEndpoint(
        Execution(core, Plans(core)), Documents(core), viewer_of, lambda viewer, _request_id: viewer
    )
    runs.clear()
    with serving(create_site(endpoint, is_current)) as url:
        yield url


@pytest.mark.parametrize(
    ("query", "code", "ran"),
    [
        ("{ once { post } }", None, ["query", "query"]),
        ("{ last { post } }", "INTERNAL", ["query", "query"]),
        ("mutation { write { post } }", "INTERNAL", ["mutation"]),
    ],
)
def test_a_torn_answer_is_made_once_more(url: str, query: str, code: str | None, ran: list[str]) -> None:
    with httpx2.Client() as client:
        answer = client.post(f"{url}/graphql", json={"query": query}).json()
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert (codes, runs) == ([] if code is None else [code], ran)
    assert code is not None or answer == {"data": {"once": {"post": "Bread"}}}
