"""The way of some keys: through the cache, and past other processes that compute the same."""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from feed_service.cache.backends import Claim
from feed_service.cache.computing import Computation, Load, Reach, Seen
from feed_service.cache.entries import Entry
from feed_service.cache.envelope import TOMBSTONE, Kept, Rubbish, now_ms, opened
from feed_service.cache.store import Away

FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.1


class Lookup:
    """`found` fills with values by name; `stale` holds what was served and should be computed anew beside."""

    def __init__(self, reach: Reach, entry: Entry, keys: Mapping[str, Any], load: Load, found: dict[str, Any]) -> None:
        self.entry, self.keys, self.load, self.found = entry, keys, load, found
        self._compute = Computation(reach, entry, keys, load, found)
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
        at_ms = now_ms()
        for name, seen in kept:
            value, outcome = self._opened(name, seen, at_ms)
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

    def _opened(self, name: str, seen: bytes | None, at_ms: int) -> tuple[Kept | None, str]:
        if seen is None:
            return None, "miss"
        if seen == TOMBSTONE:
            return None, "dropped"
        try:
            kept = opened(self.entry, name, seen, at_ms)
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
            kept, _ = self._opened(name, claim.kept, now_ms())
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
