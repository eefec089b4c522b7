"""Writes the views that this process has taken: every few seconds, and before it ends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from feed_service.commands import views
from feed_service.commands.transaction import Writer
from feed_service.commands.views import View, Views
from feed_service.jobs.outages import Outage, pause
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS

logger = logging.getLogger(__name__)

EVERY_S = 2.5
"""A crash loses what was taken since: with the time that writing takes, less than 5 seconds."""

AT_ONCE = 1_000
STOP_S = 10.0
AGAIN_S = 0.2


@dataclass
class ViewWriter:
    """`run` returns after `stop`, when everything is written, or after 10 seconds without success."""

    database: WriteDatabase
    views: Views
    every_s: float = EVERY_S
    stop_s: float = STOP_S
    outage: Outage = field(default_factory=lambda: Outage("Views"))
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        while not self._stopped.is_set():
            await self.write()
            await pause(self._stopped, self.every_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(self.stop_s):
                await self._write_all()
        if self.views:
            logger.error("%d views are lost: the database was away for too long.", len(self.views))

    async def write(self) -> bool:
        """Write what waits, in the order of ids. Whether all is written; what is not stays, and is tried again."""
        waiting = self.views.waiting()
        try:
            for start in range(0, len(waiting), AT_ONCE):
                await self._write(waiting[start : start + AT_ONCE])
        except Exception as error:
            if not self.outage.is_why(error):
                logger.warning("%d views wait to be written.", len(self.views), exc_info=True)
            return False
        if waiting:
            self.outage.is_over()
        return True

    async def _write_all(self) -> None:
        is_done = await self.write()
        while not is_done:
            await asyncio.sleep(AGAIN_S)
            is_done = await self.write()

    async def _write(self, some: Sequence[View]) -> None:
        """A post without numbers must not keep the views of all others waiting for ever: it is found by halving."""
        try:
            await Writer(self.database, ANONYMOUS, "views").run(views.count_views, some)
        except LookupError:
            if len(some) == 1:
                logger.exception("A view of post %d cannot be counted.", some[0].post_id)
            else:
                half = len(some) // 2
                await self._write(some[:half])
                await self._write(some[half:])
        self.views.written(some)


@asynccontextmanager
async def writing(database: WriteDatabase, taken: Views) -> AsyncIterator[ViewWriter]:
    """Views are written during the block, and the last of them at its end."""
    writer = ViewWriter(database, taken)
    running = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        writer.stop()
        await running
