"""How many do something at once: whoever comes first is served first, and whoever waits too long is refused."""

import asyncio
from time import perf_counter

from feed_service.errors import Overloaded
from feed_service.metering import Spread
from feed_service.watching import waited


class Gate:
    """Lets so many `connections` be used at a time, and counts for `metering.Meters.pools`.

    `waits`: how long those waited who had to. `most`: in use at once, since somebody set it to 0.
    """

    def __init__(self, connections: int) -> None:
        self.connections = connections
        self.waits = Spread()
        self.most = 0
        self._free = asyncio.Semaphore(connections)

    @property
    def in_use(self) -> int:
        """Connections that are busy at this moment."""
        return self.connections - self._free._value  # noqa: SLF001 - asyncio tells it in no other way.

    async def enter(self, patience_s: float, refusal: str) -> None:
        """Whoever has entered must `leave`. Raises Overloaded, with `refusal`, after `patience_s`."""
        if self._free.locked():
            await self._queue(patience_s, refusal)
        else:
            await self._free.acquire()
        self.most = max(self.most, self.in_use)

    def leave(self) -> None:
        self._free.release()

    async def _queue(self, patience_s: float, refusal: str) -> None:
        started = perf_counter()
        try:
            async with asyncio.timeout(patience_s):
                await self._free.acquire()
        except TimeoutError:
            raise Overloaded(refusal) from None
        finally:
            self.waits.add(waited(started))
