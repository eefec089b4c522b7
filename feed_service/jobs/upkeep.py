"""Does what is due every so often: a row of `jobs` for each kind, whoever works on it.

How to have something done regularly:

1. Write a command, `async def verb(tx: Transaction) -> int | bool`, that does one bounded piece (at most 1,000 rows;
   a statement may take 5 seconds). While it answers something true, there is more, and it is called again at once.
   What has to remember how far it has come is a step as those of `jobs.runner` instead: the run is over when it says
   that no step comes next, and its progress is what the next run begins with.
2. Add `Duty("what it is called", seconds, verb)` or `Walk("what it is called", seconds, step)` to `duties.DUTIES`.

What is promised: it runs by itself, begins as often as that, and never twice at once, whoever is killed. A piece and
when the next is due are one transaction. If it raises, it is rolled back, logged, and tried again after 2, 4, 8, …
seconds, 10 minutes at most, for ever; `feed-service jobs` shows the error until it works. `tx.viewer` is nobody, so
that its audit events go to the stream `system`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from feed_service.commands import jobs, regular_jobs
from feed_service.commands.jobs import Job, Progress, Step
from feed_service.commands.transaction import Transaction, Writer
from feed_service.jobs.outages import Lane, Outage
from feed_service.jobs.runner import ATTEMPTS, Pace
from feed_service.reasons import reason, told
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS

logger = logging.getLogger(__name__)

PROMPT_S = 1.0
"""What is due as often as that has a lane of its own, so that nothing long keeps it waiting."""

PACE = Pace(lease=timedelta(seconds=2))
"""The lease is for the moment between taking it up and beginning; from there on its row is locked."""

ENSURED_S = 60.0
MORE = "more"


@dataclass(frozen=True)
class Duty:
    """`work` is due every `every_s` seconds, from the begin of one run to that of the next."""

    name: str
    every_s: float
    work: Callable[[Transaction], Awaitable[int | bool]]

    async def piece(self, tx: Transaction, job: Job) -> Progress:
        return Progress(MORE if await self.work(tx) else None, job.progress)


@dataclass(frozen=True)
class Walk:
    """As `Duty`, of what remembers how far it has come."""

    name: str
    every_s: float
    piece: Step


@dataclass
class Upkeep:
    """`run` returns after `stop`, when what is under way is done."""

    database: WriteDatabase
    duties: Sequence[Duty | Walk]
    pace: Pace = PACE
    outage: Outage = field(default_factory=Outage)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        prompt = [duty for duty in self.duties if duty.every_s <= PROMPT_S]
        others = [duty for duty in self.duties if duty.every_s > PROMPT_S]
        async with asyncio.TaskGroup() as group:
            for duties in filter(None, (prompt, others)):
                # A look soon after the second is over finds what is due each second.
                look_s = (self.pace.look_s, 1.1 * self.pace.look_s)
                group.create_task(Lane(self.outage, self._stopped, look_s).run(Turn(self, duties).work_on_one))

    async def run_all(self) -> None:
        """Do what is due now, and return."""
        turn = Turn(self, self.duties)
        while await turn.work_on_one():
            pass


@dataclass
class Turn:
    """Does one piece after the other of some duties, that which is due longest first."""

    upkeep: Upkeep
    duties: Sequence[Duty | Walk]
    _ensured_at: float = -ENSURED_S

    async def work_on_one(self) -> bool:
        """Whether there may be more at once."""
        await self._ensure()
        holder, pace = jobs.new_holder(), self.upkeep.pace
        steps = {duty.name: duty.piece for duty in self.duties}
        taken = await self._writer().run(regular_jobs.claim, list(steps), holder, pace.lease)
        if taken is None:
            return False
        job, is_abandoned = taken
        try:
            if is_abandoned and job.attempts > ATTEMPTS:
                raise RuntimeError("Whoever began this died of it, every time.")  # noqa: TRY301 - as any other failure.
            is_more = await self._writer(job.kind).run(regular_jobs.advance, job.id, holder, steps[job.kind])
        except Exception as error:  # noqa: BLE001 - logged, kept in the job, and tried again.
            if not self.upkeep.outage.is_why(error):
                logger.error("Upkeep: %s failed, and will be tried again: %s", job.kind, told(error))  # noqa: TRY400 - see `told`.
            await self._writer().run(regular_jobs.put_off, job.id, holder, reason(error), pace.wait)
            return True
        return is_more or len(self.duties) > 1

    async def _ensure(self) -> None:
        """Rows may go while the process runs: with a backup that is brought back, or by hand."""
        if time.monotonic() >= self._ensured_at + ENSURED_S:
            await self._writer().run(regular_jobs.ensure, {duty.name: duty.every_s for duty in self.duties})
            self._ensured_at = time.monotonic()

    def _writer(self, kind: str = "") -> Writer:
        return Writer(self.upkeep.database, ANONYMOUS, f"upkeep:{kind}" if kind else "")
