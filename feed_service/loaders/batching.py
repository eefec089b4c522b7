"""What one request has loaded, by batch function and arguments, and the reader that a batch asks the database through.

The compiled executor asks for the keys of a whole level at once. The reference executor resolves one object after the
other, and its keys are gathered by guarded DataLoaders first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from aiodataloader import DataLoader
from sqlalchemy import Row, Select

from feed_service.cache.read_through import ReadThrough
from feed_service.database import ReadDatabase
from feed_service.errors import Unavailable
from feed_service.loaders.entities import Entities
from feed_service.loaders.generations import Generations
from feed_service.loaders.reads import Reads, name_of
from feed_service.metering import BatchTally
from feed_service.statements import Readable, Reading
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
        self, statement: Readable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        async with self.connections:
            return await self.database.rows(statement, values)

    async def scalars(
        self, statement: Select[Entity] | Reading, values: Mapping[str, Any] | None = None
    ) -> Sequence[Entity]:
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


class Call(Generic[Key]):
    """A call of a batch function that is under way."""

    def __init__(self, keys: list[Key]) -> None:
        self.keys = keys
        self._ended: asyncio.Future[None] | None = None

    @property
    def ended(self) -> "asyncio.Future[None]":
        """For who waits for it; ask for it while the call is under way."""
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_future()
        return self._ended

    def end(self, error: BaseException | None = None) -> None:
        if self._ended is None:
            return
        if error is None:
            self._ended.set_result(None)
            return
        # Whoever waits for a call that was cancelled was not cancelled itself.
        cut_off = isinstance(error, asyncio.CancelledError)
        self._ended.set_exception(Unavailable("The service is stopping.") if cut_off else error)
        self._ended.exception()


class Known(Generic[Key, Answer]):
    """What one batch function has answered in one request, and the calls of it that are under way."""

    def __init__(
        self, ask: Callable[[list[Key]], Awaitable[Sequence[Answer]]], tally: BatchTally | None = None
    ) -> None:
        self._answers: dict[Key, Answer] = {}
        self._ask = ask
        self._tally = tally or BatchTally()
        self._calls: list[Call[Key]] = []

    async def many(self, keys: Sequence[Key]) -> list[Answer]:
        answers = self._answers
        distinct = dict.fromkeys(keys)
        wanted = [key for key in distinct if key not in answers]
        self._tally.asked += len(distinct)
        if wanted:
            coming = []
            for call in self._calls:
                asked = set(call.keys)
                if not asked.isdisjoint(wanted):
                    coming.append(call.ended)
                    wanted = [key for key in wanted if key not in asked]
            for start in range(0, len(wanted), MAX_BATCH):
                await self._asked(wanted[start : start + MAX_BATCH])
            for ended in coming:
                await asyncio.shield(ended)
        return list(map(answers.__getitem__, keys))

    async def _asked(self, keys: list[Key]) -> None:
        call, started = Call(keys), perf_counter()
        self._calls.append(call)
        try:
            self._answers.update(zip(keys, await self._ask(keys), strict=True))
            self._tally.keys.add(len(keys))
            self._tally.times.add(perf_counter() - started)
        except BaseException as error:
            call.end(error)
            raise
        else:
            call.end()
        finally:
            self._calls.remove(call)


Level = Callable[[list[Any]], Awaitable[Sequence[Any]]]
"""(rows) -> one answer for each."""


class Loaders:
    """The loaders of one request, made when first used. Build it inside the running loop."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._known: dict[Hashable, Known[Any, Any]] = {}
        self._loaders: dict[Hashable, GuardedLoader[Any, Any]] = {}

    async def many(
        self,
        batch: BatchFunction[Key, Arguments, Answer],
        keys: Sequence[Key],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> list[Answer]:
        """The answers of `batch`, one for each key, in one call for those that are new.

        For code that nobody cancels alone: the compiled executor, and what a DataLoader has dispatched.
        """
        return await self._known_by(batch, *args, **kwargs).many(keys)

    async def load(
        self,
        batch: BatchFunction[Key, Arguments, Answer],
        key: Key,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """The answer of `batch` for `key`; loads of the same batch and arguments in one tick become one call."""
        return await self._loader(self._known_by(batch, *args, **kwargs).many).load(key)

    async def load_many(
        self,
        batch: BatchFunction[Key, Arguments, Answer],
        keys: Sequence[Key],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> list[Answer]:
        loader = self._loader(self._known_by(batch, *args, **kwargs).many)
        return list(await asyncio.gather(*(loader.load(key) for key in keys)))

    async def one_of_level(self, field: Hashable, level: Level, row: Any) -> Any:  # noqa: ANN401 - of any field.
        """The answer of `level` for `row`; rows of the same `field` in one tick become one call."""
        if field not in self._loaders:
            self._loaders[field] = GuardedLoader(dispatched(level), max_batch_size=MAX_BATCH, cache=False)
        return await self._loaders[field].load(row)

    def _known_by(
        self, batch: BatchFunction[Key, Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Known[Key, Answer]:
        identity = (batch, args, tuple(sorted(kwargs.items())) if kwargs else ())
        known = self._known.get(identity)
        if known is None:
            # Of `self` it would be a cycle, in which the rows of a request wait for the garbage collector: 30 MB.
            name, reader = name_of(batch), self.reader

            meters = reader.database.meters

            async def ask(keys: list[Key]) -> Sequence[Answer]:
                if meters.spans is None:
                    answers = await batch(reader, keys, *args, **kwargs)
                else:
                    with meters.spans.batch(name, len(keys)):
                        answers = await batch(reader, keys, *args, **kwargs)
                reader.reads.loaded(name, keys, answers, (*args, *kwargs.values()))
                return answers

            known = self._known[identity] = Known(ask, meters.batches[name])
        return known

    def _loader(self, many: Callable[[list[Key]], Awaitable[Sequence[Answer]]]) -> GuardedLoader[Key, Answer]:
        if many not in self._loaders:
            self._loaders[many] = GuardedLoader(dispatched(many), max_batch_size=MAX_BATCH)
        return self._loaders[many]


def dispatched(
    many: Callable[[list[Key]], Awaitable[Sequence[Answer]]],
) -> Callable[[list[Key]], Coroutine[Any, Any, list[Answer]]]:
    """`many` as aiodataloader runs it, which would leave every waiter of a cancelled batch waiting for ever."""

    async def load_batch(keys: list[Key]) -> list[Answer]:
        try:
            return list(await many(keys))
        except asyncio.CancelledError:
            raise Unavailable("The service is stopping.") from None

    return load_batch
