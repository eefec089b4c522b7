"""What is done to the cache, and if it shall be harder, to a process of the service and to PostgreSQL."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg

from tests.polling.simulation.servers import Service, Valkey

FLUSHES = 10
FLOOD = """
    INSERT INTO change_log (kind, action, subject_id, actor_id, author_id, post_id)
    SELECT 'post_like', 'like', 1, 1, 1, 1 FROM generate_series(1, 6000)
"""


@dataclass
class Faults:
    """Each lasts a part of the whole time; they come one after the other."""

    valkey: Valkey
    services: Sequence[Service]
    database_url: str
    seconds: float
    is_harder: bool = False

    async def run(self) -> None:
        works: list[Callable[[float], Awaitable[None]]] = [self.freeze, self.flush, self.kill]
        if self.is_harder:
            works += [self.kill_service, self.flood, self.crash_postgres, self.forget_epoch]
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

    async def crash_postgres(self, seconds: float) -> None:
        """If one of its processes is killed, PostgreSQL ends all others and recovers from its log."""
        connection = await asyncpg.connect(self.database_url.replace("+asyncpg", ""))
        os.kill(await connection.fetchval("SELECT pg_backend_pid()"), signal.SIGKILL)
        connection.terminate()
        await asyncio.sleep(seconds)

    async def flood(self, seconds: float) -> None:
        """More events at once than a process takes in, as after a bulk."""
        await self._say(FLOOD)
        await asyncio.sleep(seconds)

    async def forget_epoch(self, seconds: float) -> None:
        """As after a restored backup: no token that was given out is good any more."""
        await self._say("DELETE FROM feed_epoch")
        await asyncio.sleep(seconds)

    async def _say(self, statement: str) -> None:
        connection = await asyncpg.connect(self.database_url.replace("+asyncpg", ""))
        await connection.execute(statement)
        await connection.close()
