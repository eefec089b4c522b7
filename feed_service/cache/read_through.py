"""Get it, or load and keep it. The cache being away makes an answer slower, never wrong and never an error."""

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from feed_service.cache.backends import Backend, Item
from feed_service.cache.computing import Load, Reach
from feed_service.cache.entries import PREFIX, Entry
from feed_service.cache.envelope import TOMBSTONE
from feed_service.cache.flights import Flight, Flights
from feed_service.cache.gathering import GatheredReads
from feed_service.cache.lookup import Lookup
from feed_service.cache.memory import BoundedMemory
from feed_service.cache.store import Away, Store
from feed_service.observability import CacheMeters, Metrics

logger = logging.getLogger(__name__)

Key = TypeVar("Key")

OTHERS_REFRESH_S = 0.1
"""How long a key is left alone after an attempt to compute it anew, which another process may be doing."""

FAILED_REFRESH_S = 1.0


class ReadThrough:
    """JSON values behind keys, in this process's memory or in Redis."""

    def __init__(self, backend: Backend, meters: CacheMeters) -> None:
        self._meters = meters
        self._store = Store(backend, meters)
        self._reach = Reach(self._store, GatheredReads(self._store), meters)
        self._flights = Flights()
        self._refreshing: set[str] = set()
        self._beside: set[asyncio.Task[None]] = set()

    @property
    def is_away(self) -> bool:
        """Whether the cache is left alone at the moment, because it failed."""
        return self._store.is_away

    async def get_or_load(self, entry: Entry, *parts: object, load: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - JSON.
        """The value of `entry` for `parts`, loaded once however many ask for it at a time."""
        name = entry.key(*parts)

        async def load_one(_: list[Any]) -> list[Any]:
            return [await load()]

        return (await self._by_name(entry, {name: None}, load_one))[name]

    async def get_many(
        self, entry: Entry, keys: Sequence[Key], load_missing: Callable[[list[Key]], Awaitable[Sequence[Any]]]
    ) -> list[Any]:
        """The values for `keys`, in their order. `load_missing` answers one value per key it gets, None for nothing."""
        names = [entry.key(key) for key in keys]
        found = await self._by_name(entry, dict(zip(names, keys, strict=True)), load_missing)
        return [found[name] for name in names]

    async def _by_name(self, entry: Entry, keys: Mapping[str, Any], load: Load) -> dict[str, Any]:
        flights: dict[str, Flight] = {}
        for name in keys:
            if flight := self._flights.of(entry, name):
                flights[name] = flight
        if flights:
            self._meters.saved(entry.name, "process", len(flights))
        if own := {name: key for name, key in keys.items() if name not in flights}:
            flight = self._flights.start(own, lambda flight: self._fly(entry, own, load, flight))
            flights |= dict.fromkeys(own, flight)
        if flights:
            await asyncio.wait({flight.task for flight in flights.values()})
        return {name: flight.answer(name) for name, flight in flights.items()}

    async def _fly(self, entry: Entry, keys: Mapping[str, Any], load: Load, flight: Flight) -> None:
        lookup = Lookup(self._reach, entry, keys, load, flight.found)
        await lookup.run()
        for name in self._refreshing.intersection(lookup.stale):
            del lookup.stale[name]
        if lookup.stale:
            task = asyncio.create_task(self._refresh(lookup))
            self._beside.add(task)
            task.add_done_callback(self._beside.discard)

    async def _refresh(self, stale: Lookup) -> None:
        names = set(stale.stale)
        self._refreshing |= names
        try:
            again = Lookup(self._reach, stale.entry, stale.keys, stale.load, {})
            again.stale = stale.stale
            await again.refresh()
            await asyncio.sleep(OTHERS_REFRESH_S)
        except Exception:
            # Whoever asks once the lifetime is over loads it and gets the error.
            self._meters.failed(stale.entry.name, "refresh")
            logger.warning("A value of %s could not be loaded anew.", stale.entry.name, exc_info=True)
            await asyncio.sleep(FAILED_REFRESH_S)
        finally:
            self._refreshing -= names

    async def drop(self, entry: Entry, keys: Sequence[object]) -> None:
        """What is kept for `keys` is old: a commit has changed it. Never fails; a lost drop leaves what `ttl_s` allows.

        A tombstone takes the place of the value, so that a reader who loaded before the commit cannot put it back.
        """
        if not entry.tombstone_s:
            raise ValueError(f"Nobody drops {entry.name}: its `tombstone_s` is 0.")
        items = [Item(entry.key(key), TOMBSTONE, entry.tombstone_s) for key in keys]
        self._flights.forget(item.name for item in items)
        if not items:
            return
        try:
            await self._store.do(entry.name, "drop", lambda backend: _bury(backend, items))
        except Away:
            self._meters.failed(entry.name, "lost drop")

    async def lead(self, name: str, lease_s: float) -> bool:
        """Whether this process is the one, of all that share the cache, to do something for `lease_s` from now.

        Without the cache each is.
        """
        try:
            return await self._store.do("lead", "lead", lambda backend: backend.lead(f"{PREFIX}:lead:{name}", lease_s))
        except Away:
            return True

    async def close(self) -> None:
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        await self._store.close()


async def _bury(backend: Backend, items: Sequence[Item]) -> None:
    """A server without memory left refuses tombstones, but deletes."""
    try:
        await backend.put_many(items)
    except Exception:
        await backend.delete_many([item.name for item in items])
        raise


def connect(url: str, metrics: Metrics | None = None) -> ReadThrough:
    """A cache at an address of the `addresses.FORMS`; nothing is sent before the first use.

    Raises:
        ConfigurationError
    """
    meters = (metrics or Metrics()).cache
    if url.partition(":")[0] == "memory":
        return ReadThrough(BoundedMemory(), meters)
    # Redis' client is 14 MB of a worker, and most have no Redis.
    return ReadThrough(importlib.import_module("feed_service.cache.shared").backend_at(url), meters)
