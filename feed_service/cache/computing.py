"""To the source and back: what is missing is computed, and kept if nobody has said meanwhile that it is old."""

import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from feed_service.cache.backends import Item
from feed_service.cache.entries import Entry
from feed_service.cache.envelope import TOMBSTONE, now_ms, sealed
from feed_service.cache.gathering import GatheredReads
from feed_service.cache.store import OPERATION_S, Away, Store
from feed_service.observability import CacheMeters

Load = Callable[[list[Any]], Awaitable[Sequence[Any]]]
"""Keys -> a value for each, in their order; None where there is nothing."""

Seen = dict[str, bytes | None]
"""By name: what the cache held that was of no use; it is replaced only as long as it is still that."""


class Reach(NamedTuple):
    """What a lookup goes through."""

    store: Store
    reads: GatheredReads
    meters: CacheMeters


class Computation:
    """Of the values for `keys`; those that are wanted come into `found`."""

    def __init__(self, reach: Reach, entry: Entry, keys: Mapping[str, Any], load: Load, found: dict[str, Any]) -> None:
        self._entry, self._keys, self._load, self._found = entry, keys, load, found
        self._store, _, self._meters = reach

    async def __call__(self, wanted: Seen) -> None:
        if not wanted:
            return
        at_ms, began_s = now_ms(), time.monotonic()
        values = await self._load([self._keys[name] for name in wanted])
        self._found.update(zip(wanted, values, strict=True))
        self._meters.loaded(self._entry.name, len(wanted))
        items = [item for name in wanted if wanted[name] != TOMBSTONE and (item := self._item(name, at_ms, began_s))]
        # What cannot be kept was counted, and is computed again by whoever asks next.
        with suppress(Away):
            await self._keep(items, wanted)

    def _item(self, name: str, at_ms: int, began_s: float) -> Item | None:
        """None for what is not kept."""
        entry, value = self._entry, self._found[name]
        shorter = 1 - entry.jitter * random.random()  # noqa: S311 - jitter, no secret.
        took_s = time.monotonic() - began_s
        life_s = (entry.negative_s if value is None else entry.ttl_s) * shorter - took_s
        # A tombstone that was written meanwhile may have ended before this is kept.
        if life_s <= 0 or (entry.tombstone_s and took_s > entry.tombstone_s - OPERATION_S):
            return None
        stale_s = entry.ttl_s if entry.soft_s is None else entry.soft_s * shorter
        packed = sealed(name, value, at_ms, at_ms + int(1_000 * stale_s))
        return Item(name, packed, life_s) if len(packed) <= entry.max_bytes else None

    async def _keep(self, items: list[Item], wanted: Seen) -> None:
        new = [item for item in items if wanted[item.name] is None]
        if new:
            await self._store.do(self._entry.name, "keep", lambda backend: backend.add_many(new), may_be_late=False)
        for item in items:
            if (seen := wanted[item.name]) is not None:
                await self._replace(item, seen)

    async def _replace(self, item: Item, seen: bytes) -> None:
        await self._store.do(self._entry.name, "keep", lambda backend: backend.replace(item, seen), may_be_late=False)
