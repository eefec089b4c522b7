"""Reads of many askers in one round trip: twenty GETs at once take ten times the CPU of one MGET of twenty keys."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from feed_service.cache.store import Away, Store

MOST_NAMES = 500
MOST_AT_ONCE = 2
"""Round trips under way; who comes meanwhile goes with the next, so that the more ask, the less each costs."""


class Asked(NamedTuple):
    entry: str
    names: Sequence[str]
    answer: "asyncio.Future[Sequence[bytes | None]]"


class GatheredReads:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Asked] = []
        self._going: set[asyncio.Task[None]] = set()

    async def get_many(self, entry: str, names: Sequence[str]) -> Sequence[bytes | None]:
        """Raises Away."""
        if not self._store.is_shared:
            return await self._store.do(entry, "read", lambda backend: backend.get_many(names))
        asked = Asked(entry, names, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if len(self._going) < MOST_AT_ONCE:
            task = asyncio.create_task(self._go())
            self._going.add(task)
            task.add_done_callback(self._going.discard)
        return await asked.answer

    async def _go(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                self._hand_out(batch, await self._read(batch))
            except BaseException as error:
                # Nobody may be left waiting, whatever happened.
                for asked in batch:
                    if not asked.answer.done():
                        asked.answer.set_exception(Away())
                if not isinstance(error, Away):
                    raise

    async def _read(self, batch: Sequence[Asked]) -> Sequence[bytes | None]:
        names = [name for asked in batch for name in asked.names]
        return await self._store.do(batch[0].entry, "read", lambda backend: backend.get_many(names))

    def _next_batch(self) -> list[Asked]:
        """At least one, and as many more as make `MOST_NAMES` keys."""
        number = taken = 0
        for asked in self._waiting:
            number += len(asked.names)
            if taken and number > MOST_NAMES:
                break
            taken += 1
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return batch

    def _hand_out(self, batch: Sequence[Asked], kept: Sequence[bytes | None]) -> None:
        start = 0
        for asked in batch:
            end = start + len(asked.names)
            if not asked.answer.done():
                asked.answer.set_result(kept[start:end])
            start = end
