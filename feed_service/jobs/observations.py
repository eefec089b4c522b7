"""Writes what this process has counted, a row of `models.Observation` each minute, so that a report can look back."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from sqlalchemy import bindparam, func, insert

from feed_service import models
from feed_service.jobs.outages import pause
from feed_service.observability import Metrics
from feed_service.operations import minutes
from feed_service.reasons import told
from feed_service.transactions import Statements, WriteDatabase, compiled

logger = logging.getLogger(__name__)

EVERY_S = 60.0
LAST_S = 2.0
"""How long the end of a process waits for its last row to be written."""

KEEP = compiled(
    insert(models.Observation).values(
        kind=minutes.KIND, at=func.clock_timestamp(), source=bindparam("source"), data=bindparam("told")
    )
)


class Diary:
    """What was counted since the last row that was written; a row that could not be is told in the next."""

    def __init__(self, database: WriteDatabase, metrics: Metrics) -> None:
        self.database, self.metrics = database, metrics
        self.source = f"{socket.gethostname()}:{os.getpid()}"
        self._before, self._since_s = minutes.counted(metrics), perf_counter()

    async def write(self) -> None:
        now, now_s = minutes.counted(self.metrics), perf_counter()
        row = minutes.minute(self.metrics, now, self._before, now_s - self._since_s)

        async def work(sql: Statements) -> None:
            await sql.run(KEEP, source=self.source, told=row)

        await self.database.transact(work)
        self._before, self._since_s = now, now_s


@asynccontextmanager
async def kept(database: WriteDatabase, metrics: Metrics, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """For as long as the block runs, and once more at its end."""
    diary, stopped = Diary(database, metrics), asyncio.Event()
    running = asyncio.create_task(_regularly(diary, stopped, every_s))
    try:
        yield
    finally:
        stopped.set()
        await running


async def _regularly(diary: Diary, stopped: asyncio.Event, every_s: float) -> None:
    while not stopped.is_set():
        await pause(stopped, every_s)
        try:
            async with asyncio.timeout(LAST_S if stopped.is_set() else None):
                await diary.write()
        except Exception as error:  # noqa: BLE001 - logged, and told in the next row.
            logger.warning("What was counted could not be written: %s", told(error))
