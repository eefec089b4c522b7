"""What is done to the cache, and to a process of the service, in the middle of it all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.polling.simulation.servers import Service, Valkey

FLUSHES = 10


@dataclass
class Faults:
    """Each lasts a part of the whole time; they come one after the other."""

    valkey: Valkey
    services: Sequence[Service]
    seconds: float
    kills_services: bool = False

    async def run(self) -> None:
        works: list[Callable[[float], Awaitable[None]]] = [self.freeze, self.flush, self.kill]
        if self.kills_services:
            works.append(self.kill_service)
        calm_s = 0.4 * self.seconds / len(works)
        for work in works:
            await asyncio.sleep(calm_s)
            await work(0.5 * self.seconds / len(works))

    async def freeze(self, seconds: float) -> None:
        self.valkey.freeze()
        await asyncio.sleep(seconds)
        self.valkey.thaw()

    async def flush(self, seconds: float) -> None:
        for _ in range(FLUSHES):
            await self.valkey.flush()
            await asyncio.sleep(seconds / FLUSHES)

    async def kill(self, seconds: float) -> None:
        await self.valkey.kill()
        await asyncio.sleep(seconds)
        await self.valkey.start()

    async def kill_service(self, seconds: float) -> None:
        """Without a chance to end anything. Its port is taken again at once."""
        await self.services[0].kill()
        await asyncio.sleep(seconds / 4)
        await self.services[0].start()
