"""One guarded DataLoader per batch function and arguments, and the reader that a batch asks the database through."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from aiodataloader import DataLoader
from sqlalchemy import Row, Select

from feed_service.cache.read_through import ReadThrough
from feed_service.database import ReadDatabase
from feed_service.errors import Unavailable
from feed_service.loaders.entities import Entities
from feed_service.loaders.generations import Generations
from feed_service.loaders.reads import Reads, name_of
from feed_service.viewer import Viewer

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")
Entity = TypeVar("Entity")
Arguments = ParamSpec("Arguments")

MAX_CONNECTIONS = 4
"""Read connections one request may hold at a time, so that a wide query does not drain the pool for everyone."""

MAX_BATCH = 1_000


@dataclass(frozen=True)
class Reader:
    """What every batch function gets first: the database and the cache, as this viewer may read them."""

    database: ReadDatabase
    cache: ReadThrough
    viewer: Viewer
    generations: Generations = field(default_factory=Generations)
    reads: Reads = field(default_factory=Reads)
    connections: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONNECTIONS))
    entities: Entities = field(default_factory=Entities)

    @property
    def is_fresh(self) -> bool:
        """Whether the caches must be passed over: the request asks for what was written just before."""
        return self.reads.is_fresh

    async def rows(
        self, statement: Select[*tuple[Any, ...]], values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        async with self.connections:
            return await self.database.rows(statement, values)

    async def scalars(self, statement: Select[Entity], values: Mapping[str, Any] | None = None) -> Sequence[Entity]:
        async with self.connections:
            return await self.database.scalars(statement, values)


BatchFunction = Callable[Concatenate[Reader, list[Key], Arguments], Awaitable[Sequence[Answer]]]
"""(reader, distinct keys, …) -> one answer per key, in their order."""


class GuardedLoader(DataLoader[Key, Answer]):
    """A DataLoader whose waiters cannot hurt each other.

    graphql-core 3.3 cancels the siblings of a failed non-null field. A plain DataLoader hands the same future to all
    waiters of a key, so that one cancelled waiter cancels the others and leaves a dead future in the cache.
    """

    def load(self, key: Key) -> "asyncio.Future[Answer]":
        future = super().load(key)
        if future.cancelled():
            future = self.clear(key).load(key)
        # An error is also kept from being logged as "never retrieved" when its last waiter has gone.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        return asyncio.shield(future)


class Loaders:
    """The loaders of one request, made when first used. Build it inside the running loop."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._loaders: dict[Hashable, GuardedLoader[Any, Any]] = {}

    async def load(
        self,
        batch: BatchFunction[Key, Arguments, Answer],
        key: Key,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """The answer of `batch` for `key`; loads of the same batch and arguments in one tick become one call."""
        return await self._loader(batch, *args, **kwargs).load(key)

    async def load_many(
        self,
        batch: BatchFunction[Key, Arguments, Answer],
        keys: Sequence[Key],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> list[Answer]:
        loader = self._loader(batch, *args, **kwargs)
        return list(await asyncio.gather(*(loader.load(key) for key in keys)))

    def _loader(
        self, batch: BatchFunction[Key, Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> GuardedLoader[Key, Answer]:
        identity = (batch, args, tuple(sorted(kwargs.items())))
        if identity not in self._loaders:
            name = name_of(batch)

            async def load_batch(keys: list[Key]) -> list[Answer]:
                try:
                    answers = list(await batch(self.reader, keys, *args, **kwargs))
                except asyncio.CancelledError:
                    # aiodataloader would leave every waiter of this batch waiting for ever.
                    raise Unavailable("The service is stopping.") from None
                self.reader.reads.loaded(name, keys, answers, (*args, *kwargs.values()))
                return answers

            self._loaders[identity] = GuardedLoader(load_batch, max_batch_size=MAX_BATCH)
        return self._loaders[identity]
