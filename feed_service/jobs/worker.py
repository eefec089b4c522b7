"""One worker: the jobs that are due and the regular duties, together, until it is stopped."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from feed_service.jobs import observations
from feed_service.jobs.duties import DUTIES
from feed_service.jobs.kinds import KINDS
from feed_service.jobs.outages import Outage
from feed_service.jobs.runner import LANES, Runner
from feed_service.jobs.upkeep import Upkeep
from feed_service.metering import Meters
from feed_service.observability import Metrics
from feed_service.transactions import WriteDatabase

logger = logging.getLogger(__name__)

CONNECTIONS = LANES + 2
"""Of its own, so that no long step keeps a request waiting."""

STOP_S = 10.0
"""From when it is told to stop. A step may take 5 seconds for each of its statements; what takes longer is rolled back
and done again later."""

LEAST_S = 1.0
"""What is left of it at least, when the last requests have taken the time."""


@dataclass
class Worker:
    """`run` returns after `stop`, when the steps under way are done."""

    runner: Runner
    upkeep: Upkeep
    stopped_at: float | None = None

    def stop(self) -> None:
        self.stopped_at = self.stopped_at or time.monotonic()
        self.runner.stop()
        self.upkeep.stop()

    def left_s(self) -> float:
        """How long the steps under way may still take."""
        return max(LEAST_S, STOP_S - (time.monotonic() - (self.stopped_at or time.monotonic())))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.runner.run())
            group.create_task(self.upkeep.run())


@asynccontextmanager
async def working(url: str, meters: Meters | None = None) -> AsyncIterator[Worker]:
    """A worker beside whatever is done in the block; at its end it is stopped."""
    database = WriteDatabase.connect(url, pool_size=CONNECTIONS, meters=meters)
    outage = Outage()
    worker = Worker(Runner(database, KINDS, outage=outage), Upkeep(database, DUTIES, outage=outage))
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        try:
            await asyncio.wait_for(running, worker.left_s())
        except TimeoutError:
            logger.warning("A job was cut off; it goes on from its last step elsewhere, or after the next start.")
        await database.close()


async def work_until(url: str, stopped: asyncio.Event) -> None:
    """What is done meanwhile is kept for the report, as that of processes that serve."""
    metrics = Metrics()
    async with working(url, metrics.meters) as worker, observations.kept(worker.runner.database, metrics):
        await stopped.wait()
