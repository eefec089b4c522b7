"""A small schema on a real database, one of whose fields runs a statement for each of its rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import strawberry
from sqlalchemy import Integer, bindparam, select
from strawberry import Info

from feed_service.cache import read_through
from feed_service.database import ReadDatabase
from feed_service.execution.documents import Documents
from feed_service.execution.paths import Asked, Execution
from feed_service.execution.plans import Plans
from feed_service.execution.run import Answer
from feed_service.loaders.batching import Loaders, Reader
from feed_service.metering import Meters
from feed_service.viewer import ANONYMOUS

TWICE = select((bindparam("number", type_=Integer) * 2).label("twice"))


async def doubled(reader: Reader, numbers: list[int]) -> list[int]:
    """A batch of one statement for each key."""
    return [(await reader.scalars(TWICE, {"number": number}))[0] for number in numbers]


async def doubled_once(reader: Reader, numbers: list[int]) -> list[int]:
    (twice,) = await reader.scalars(TWICE, {"number": 1})
    return [number * twice for number in numbers]


@strawberry.type
class Thing:
    number: int

    @strawberry.field
    async def twice(self, info: Info[Loaders, None]) -> int:
        """One statement for each."""
        return (await info.context.reader.scalars(TWICE, {"number": self.number}))[0]

    @strawberry.field
    async def doubled(self, info: Info[Loaders, None]) -> int:
        """One statement for each, hidden in a batch."""
        return await info.context.load(doubled, self.number)

    @strawberry.field
    async def batched(self, info: Info[Loaders, None]) -> int:
        return await info.context.load(doubled_once, self.number)


@strawberry.type
class Query:
    @strawberry.field
    def things(self, first: int) -> list[Thing]:
        return [Thing(number=number) for number in range(first)]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def write(self, info: Info[Loaders, None]) -> Thing:
        return Thing(number=(await info.context.reader.scalars(TWICE, {"number": 1}))[0])


CORE = strawberry.Schema(Query, Mutation)._schema  # noqa: SLF001 - as in app.py.


class Site:
    def __init__(self, database: ReadDatabase, meters: Meters, *, is_compiled: bool, is_development: bool) -> None:
        plans = Plans(CORE) if is_compiled else None
        self.database, self.meters = database, meters
        self.execution = Execution(CORE, plans, meters=meters, is_development=is_development)

    async def ask(self, text: str) -> Answer:
        operation = Documents(CORE).prepare(text, None)
        _, answer = await self.execution.run(Asked(operation, {}, self.context, "a-request"))
        return answer

    def context(self) -> Loaders:
        return Loaders(Reader(self.database, read_through.connect("memory://"), ANONYMOUS))


@asynccontextmanager
async def site_on(url: str, *, is_compiled: bool = True, is_development: bool = True) -> AsyncIterator[Site]:
    meters = Meters()
    database = ReadDatabase.connect(url, pool_size=2, meters=meters)
    yield Site(database, meters, is_compiled=is_compiled, is_development=is_development)
    await database.close()
