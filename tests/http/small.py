"""A small schema that can go wrong in every way, and the site that serves it."""

import asyncio

import strawberry
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from strawberry import Info

from feed_service.errors import NotFound, Unauthenticated
from feed_service.execution.documents import Documents
from feed_service.execution.paths import Execution
from feed_service.execution.plans import Plans
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.site import create_site
from feed_service.viewer import Role, Viewer

TOKEN = "a.good.token"
TIME_LIMIT_S = 1.0


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class Person(Node):
    name: str

    @strawberry.field
    async def friends(self) -> list["Person"]:
        return [Person(id=strawberry.ID("2"), name="Bo")]

    @strawberry.field
    async def broken(self) -> int:
        raise ValueError("SELECT secret FROM passwords")

    @strawberry.field
    async def missing(self) -> int | None:
        raise NotFound("There is no such thing.")

    @strawberry.field
    async def busy(self) -> int | None:
        raise PoolTimeout("QueuePool limit of size 10 overflow 0 reached")

    @strawberry.field
    async def slow(self) -> int:
        await asyncio.sleep(30)
        return 1

    @strawberry.field
    async def cancelled(self) -> int | None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
        return 1

    @strawberry.field
    def too_big(self) -> int | None:
        return 2**40


@strawberry.type
class Query:
    @strawberry.field
    async def person(self, id: str = "1", first: int = 3) -> Person | None:  # noqa: A002, ARG002
        return Person(id=strawberry.ID(id), name="Ann")

    @strawberry.field
    async def node(self, id: strawberry.relay.GlobalID) -> Node | None:  # noqa: A002
        return Person(id=strawberry.ID(id.node_id), name="Cy")

    @strawberry.field
    def people(self) -> list[Person]:
        return [Person(id=strawberry.ID(str(number)), name="Dee") for number in range(20)]

    @strawberry.field
    def viewer_id(self, info: Info[Viewer, None]) -> int | None:
        return info.context.user_id


@strawberry.type
class Mutation:
    @strawberry.mutation
    def rename(self, name: str) -> str:
        return name


schema = strawberry.Schema(Query, Mutation)
core = schema._schema  # noqa: SLF001 - as in app.py.


async def viewer_of(token: str) -> Viewer:
    if token != TOKEN:
        raise Unauthenticated("The token is not valid.")
    return Viewer(7, Role.USER)


async def is_current() -> bool:
    return True


def small_site() -> Starlette:
    endpoint = GraphQLEndpoint(
        Execution(core, Plans(core)),
        Documents(core),
        viewer_of,
        lambda viewer, _request_id: viewer,
        time_limit_s=TIME_LIMIT_S,
    )
    return create_site(endpoint, is_current)
