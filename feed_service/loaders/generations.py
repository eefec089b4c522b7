"""Ranking generations: frozen lists of the best posts, built once a minute and shared by all processes."""

import asyncio
import secrets
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from feed_service.cache import entries
from feed_service.cache.read_through import ReadThrough
from feed_service.database import ReadDatabase
from feed_service.paging import EPOCH
from feed_service.queries import rankings
from feed_service.queries.feeds import ALLOWED_ORDERS, RANKED_KINDS
from feed_service.vocabulary import FeedKind, PostOrder

KEPT = timedelta(minutes=15)

ASK_EVERY_S = 1.0
"""How long a process goes on without asking the others which generation is current."""

KNOWN_S = 5.0
"""How long `current_id` repeats what was found; longer than the above, for those who do not ask themselves."""

MOST_KEPT = 100
"""Generations in memory, 8 kB each. Four lists make 60 in 15 minutes; others come in by cursors."""

RANDOM_BITS = 21


@dataclass(frozen=True, slots=True)
class Generation:
    """Ids of the posts of one ranking, best first, as they were at `as_of` by the clock of the database.

    Later generations have greater ids, whoever built them: milliseconds since 1970, then random bits.
    """

    id: int
    as_of: datetime
    post_ids: "array[int]"

    @property
    def expires_at(self) -> datetime:
        return self.as_of + KEPT

    @classmethod
    def new(cls, as_of: datetime, post_ids: list[int]) -> Self:
        milliseconds = (as_of - EPOCH) // timedelta(milliseconds=1)
        return cls(milliseconds << RANDOM_BITS | secrets.randbits(RANDOM_BITS), as_of, array("q", post_ids))

    async def packed(self) -> list[Any]:
        """As the cache holds it: id, microseconds, post ids. Awaited as what a cache loads is."""
        return [self.id, (self.as_of - EPOCH) // timedelta(microseconds=1), self.post_ids.tolist()]

    @classmethod
    def unpack(cls, value: Any) -> Self | None:  # noqa: ANN401 - JSON, which may be anything.
        """None for what `packed` has not made."""
        try:
            number, microseconds, post_ids = value
            return cls(int(number), EPOCH + timedelta(microseconds=microseconds), array("q", post_ids))
        except (TypeError, ValueError, OverflowError):
            return None


class Found(NamedTuple):
    """A generation, and when by this process's clock it was built or found."""

    generation: Generation
    at_s: float


class Lost(Exception):
    """The cache does not hold the generation (any more)."""


class Generations:
    """What one process knows of the generations. Nothing in it is older than it says, whatever the clocks say.

    The cache holds the id of each ranking's current generation for a minute, and each generation for 15. Without a
    cache each process builds its own; they then differ, and a cursor goes on only in the process that gave it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[tuple[PostOrder, int], Found] = {}
        self._current: dict[PostOrder, Found] = {}
        self._own: dict[PostOrder, Found] = {}
        self._building: dict[PostOrder, asyncio.Future[Generation]] = {}

    def current_id(self, kind: FeedKind, order: PostOrder | None = None) -> int | None:
        """The id of the generation that a list begins with, from memory; None if it is not known or there is none."""
        if kind not in RANKED_KINDS:
            return None
        found = self._current.get(order or ALLOWED_ORDERS[kind][0])
        return found.generation.id if found and self._age_s(found) < KNOWN_S else None

    async def current(self, order: PostOrder, database: ReadDatabase, cache: ReadThrough) -> Generation:
        """The newest generation, at most a minute old; with the cache, that of all processes but for a second."""
        found = self._current.get(order)
        if found and self._age_s(found) < ASK_EVERY_S:
            return found.generation
        asked = self._clock()
        generation = await self._shared(order, database, cache)
        if order not in self._current or self._current[order].at_s <= asked:
            self._current[order] = Found(generation, asked)
        return generation

    async def by_id(self, order: PostOrder, generation_id: int, cache: ReadThrough) -> Generation | None:
        """A generation of the last 15 minutes, whoever built it; None if it is lost."""
        if kept := self._kept.get((order, generation_id)):
            return kept.generation

        async def lost() -> None:
            raise Lost

        try:
            value = await cache.get_or_load(entries.RANKING, order, generation_id, load=lost)
        except Lost:
            return None
        found = Generation.unpack(value)
        if found is None or found.id != generation_id:
            return None
        self._keep(order, Found(found, self._clock()))
        return found

    async def _shared(self, order: PostOrder, database: ReadDatabase, cache: ReadThrough) -> Generation:
        async def offered() -> int:
            generation = await self._own_or_new(order, database)
            await cache.get_or_load(entries.RANKING, order, generation.id, load=generation.packed)
            return generation.id

        current_id = await cache.get_or_load(entries.CURRENT_RANKING, order, load=offered)
        found = await self.by_id(order, current_id, cache) if type(current_id) is int else None
        # None: the cache has lost a generation that it calls current. Nobody can make that one again.
        return found or await self._own_or_new(order, database)

    async def _own_or_new(self, order: PostOrder, database: ReadDatabase) -> Generation:
        """What this process has built in the last minute, so that a cache that keeps nothing does not cost more.

        Offered again after a flush, it may be two minutes old before all have the next one.
        """
        own, current = self._own.get(order), self._current.get(order)
        is_overtaken = own and current and current.generation.id > own.generation.id
        if own and not is_overtaken and self._age_s(own) < entries.CURRENT_RANKING.ttl_s:
            return own.generation
        return await self._built(order, database)

    async def _built(self, order: PostOrder, database: ReadDatabase) -> Generation:
        """A new generation, built once for all who wait."""
        if order not in self._building:
            building = asyncio.ensure_future(self._build(order, database))
            building.add_done_callback(lambda done: self._done(order, done))
            self._building[order] = building
        return await asyncio.shield(self._building[order])

    def _done(self, order: PostOrder, building: "asyncio.Future[Generation]") -> None:
        del self._building[order]
        # Read here, an error is not logged as "never retrieved" when all who waited have gone.
        _ = building.cancelled() or building.exception()

    async def _build(self, order: PostOrder, database: ReadDatabase) -> Generation:
        began = self._clock()
        (row,) = await database.rows(*rankings.best(order))
        self._own[order] = Found(Generation.new(row.as_of, row.post_ids), began)
        self._keep(order, self._own[order])
        return self._own[order].generation

    def _keep(self, order: PostOrder, found: Found) -> None:
        self._kept[order, found.generation.id] = found
        for key, oldest in list(self._kept.items()):
            if len(self._kept) <= MOST_KEPT and self._age_s(oldest) <= KEPT.total_seconds():
                break
            del self._kept[key]

    def _age_s(self, found: Found) -> float:
        return self._clock() - found.at_s
