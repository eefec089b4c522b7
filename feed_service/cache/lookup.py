"""The way of some keys: through the cache, past other processes that compute the same, to the source and back."""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from feed_service.cache.backends import Claim, Item
from feed_service.cache.entries import Entry
from feed_service.cache.envelope import TOMBSTONE, Kept, Rubbish, opened, sealed
from feed_service.cache.gathering import GatheredReads
from feed_service.cache.store import OPERATION_S, Away, Store
from feed_service.observability import CacheMeters

Load = Callable[[list[Any]], Awaitable[Sequence[Any]]]
"""Keys -> a value for each, in their order; None where there is nothing."""

Seen = dict[str, bytes | None]
"""By name: what the cache held that was of no use; it is replaced only as long as it is still that."""

FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.1


class Reach(NamedTuple):
    """What a lookup goes through."""

    store: Store
    reads: GatheredReads
    meters: CacheMeters


class Lookup:
    """`found` fills with values by name; `stale` holds what was served and should be computed anew beside."""

    def __init__(self, reach: Reach, entry: Entry, keys: Mapping[str, Any], load: Load, found: dict[str, Any]) -> None:
        self.entry, self.keys, self.load, self.found = entry, keys, load, found
        self.stale: Seen = {}
        self._store, self._reads, self._meters = reach
        self._asks_others = self._store.is_shared and entry.wait_s > 0

    async def run(self) -> None:
        missing = await self._look()
        dropped: Seen = {name: seen for name, seen in missing.items() if seen == TOMBSTONE}
        if self._asks_others and len(missing) > len(dropped):
            await self._in_turn(missing, dropped)
        elif missing:
            await self._compute(missing)

    async def refresh(self) -> None:
        """Compute anew what was stale, unless another process is at it."""
        if not self._asks_others:
            await self._compute(self.stale)
            return
        token = secrets.token_hex(8)
        with suppress(Away):
            claims = await self._claims(list(self.stale), token)
            ours = {name for name, claim in claims.items() if claim.is_ours}
            try:
                await self._compute({name: self.stale[name] for name in ours if claims[name].kept == self.stale[name]})
            finally:
                await self._release(ours, token)

    async def _look(self) -> Seen:
        """What is missing."""
        names = list(self.keys)
        try:
            kept = await self._reads.get_many(self.entry.name, names)
        except Away:
            self._meters.read(self.entry.name, "away", len(names))
            return dict.fromkeys(names)
        return self._sifted(zip(names, kept, strict=True))

    def _sifted(self, kept: Iterable[tuple[str, bytes | None]]) -> Seen:
        """What is of no use; what is, is taken."""
        outcomes: Counter[str] = Counter()
        missing: Seen = {}
        now_ms = _now_ms()
        for name, seen in kept:
            value, outcome = self._opened(name, seen, now_ms)
            outcomes[outcome] += 1
            if value is None:
                missing[name] = seen
                continue
            self.found[name] = value.value
            if value.is_stale:
                self.stale[name] = seen
        for outcome, number in outcomes.items():
            self._meters.read(self.entry.name, outcome, number)
        return missing

    def _opened(self, name: str, seen: bytes | None, now_ms: int) -> tuple[Kept | None, str]:
        if seen is None:
            return None, "miss"
        if seen == TOMBSTONE:
            return None, "dropped"
        try:
            kept = opened(self.entry, name, seen, now_ms)
        except Rubbish:
            return None, "rubbish"
        if kept is None:
            return None, "miss"
        return kept, "stale" if kept.is_stale else "negative" if kept.value is None else "hit"

    async def _in_turn(self, missing: Seen, dropped: Seen) -> None:
        """Compute what nobody else is computing, and wait for the rest, but not for long."""
        waiting = {name: seen for name, seen in missing.items() if name not in dropped}
        token, until_s, pause_s = secrets.token_hex(8), time.monotonic() + self.entry.wait_s, FIRST_PAUSE_S
        own = dropped
        while True:
            try:
                claims = await self._claims(list(waiting), token)
            except Away:
                await self._compute(own | waiting)
                return
            locked = {name for name, claim in claims.items() if claim.is_ours}
            waiting, own = self._sorted_out(waiting, claims, own, is_first=pause_s == FIRST_PAUSE_S)
            try:
                await self._compute(own)
            finally:
                await self._release(locked, token)
            if not waiting or time.monotonic() > until_s:
                await self._compute(waiting)
                return
            await asyncio.sleep(pause_s * random.uniform(0.75, 1.25))  # noqa: S311 - jitter, no secret.
            own, pause_s = {}, min(LONGEST_PAUSE_S, pause_s * 1.5)

    def _sorted_out(
        self, waiting: Seen, claims: Mapping[str, Claim], own: Seen, *, is_first: bool
    ) -> tuple[Seen, Seen]:
        """(what others compute, what we do)."""
        still: Seen = {}
        for name, claim in claims.items():
            kept, _ = self._opened(name, claim.kept, _now_ms())
            if kept:
                self.found[name] = kept.value
                self._meters.saved(self.entry.name, "process" if is_first else "shared", 1)
            elif claim.is_ours or claim.kept == TOMBSTONE:
                own = own | {name: claim.kept}
            else:
                still[name] = waiting[name]
        return still, own

    async def _claims(self, names: list[str], token: str) -> dict[str, Claim]:
        entry, lease_s = self.entry, self.entry.wait_s
        claims = await self._store.do(
            entry.name, "claim", lambda backend: backend.claim_many(names, token, lease_s), may_be_late=False
        )
        foreign = [name for name, claim in zip(names, claims, strict=True) if claim.is_foreign]
        if foreign:
            self._meters.read(entry.name, "rubbish", len(foreign))
            await self._store.do(entry.name, "delete", lambda backend: backend.delete_many(foreign))
        return dict(zip(names, claims, strict=True))

    async def _release(self, names: set[str], token: str) -> None:
        if names:
            # If it cannot be let go of, it ends by itself.
            with suppress(Away):
                await self._store.do(
                    self.entry.name, "release", lambda backend: backend.release_many(list(names), token)
                )

    async def _compute(self, wanted: Seen) -> None:
        if not wanted:
            return
        at_ms, began_s = _now_ms(), time.monotonic()
        values = await self.load([self.keys[name] for name in wanted])
        self.found.update(zip(wanted, values, strict=True))
        self._meters.loaded(self.entry.name, len(wanted))
        items = [item for name in wanted if wanted[name] != TOMBSTONE and (item := self._item(name, at_ms, began_s))]
        # What cannot be kept was counted, and is computed again by whoever asks next.
        with suppress(Away):
            await self._keep(items, wanted)

    def _item(self, name: str, at_ms: int, began_s: float) -> Item | None:
        """None for what is not kept."""
        entry, value = self.entry, self.found[name]
        shorter = 1 - entry.jitter * random.random()  # noqa: S311 - jitter, no secret.
        took_s = time.monotonic() - began_s
        life_s = (entry.negative_s if value is None else entry.ttl_s) * shorter - took_s
        # A tombstone that was written meanwhile may have ended before this is kept.
        if life_s <= 0 or (entry.tombstone_s and took_s > entry.tombstone_s - OPERATION_S):
            return None
        stale_ms = at_ms + int(1_000 * (entry.soft_s if entry.soft_s is not None else entry.ttl_s) * shorter)
        packed = sealed(name, value, at_ms, stale_ms)
        return Item(name, packed, life_s) if len(packed) <= entry.max_bytes else None

    async def _keep(self, items: list[Item], wanted: Seen) -> None:
        new = [item for item in items if wanted[item.name] is None]
        if new:
            await self._store.do(self.entry.name, "keep", lambda backend: backend.add_many(new), may_be_late=False)
        for item in items:
            if (seen := wanted[item.name]) is not None:
                await self._replace(item, seen)

    async def _replace(self, item: Item, seen: bytes) -> None:
        await self._store.do(self.entry.name, "keep", lambda backend: backend.replace(item, seen), may_be_late=False)


def _now_ms() -> int:
    return int(time.time() * 1_000)
