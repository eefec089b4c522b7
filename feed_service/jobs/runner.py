"""Does the jobs that are due, each step and where it leaves the job in one transaction. What comes back: `upkeep`.

How to have work done that outlives a request:

1. Write `async def step(tx: Transaction, job: Job) -> Progress` in `commands`. It does one bounded piece (at most 1,000
   rows; a statement may take 5 seconds) and says what comes next: `Progress("follows", {"after": 17})`, or
   `Progress(None, {...})` when all is done. It must rely on nothing but `job` and the tables, because after a crash
   another process does the next step. `tx` is as in a command: deltas, changes and audit events are written in the same
   transaction; `tx.viewer` is whoever created the job, without a role, or nobody. `job.memory` may keep what is quicker
   to have than to make anew.
2. Name it in `kinds.KINDS`.
3. In a command: `await jobs.create(tx, "kind", {"what": "JSON"})`; the job begins within a second of the commit.

What is promised: a step is never half done, never done twice, and never done by two at once. A step that raises is
rolled back and tried again after 2, 4, 8, … seconds; after ten attempts the job is `failed`, with its error kept, until
`feed-service retry-job ID`. A job whose process died is taken up by another when its lease is over.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from feed_service.commands import jobs
from feed_service.commands.jobs import Job, Step
from feed_service.commands.transaction import Writer
from feed_service.jobs.outages import Lane, Outage
from feed_service.reasons import reason, told
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS, Viewer

logger = logging.getLogger(__name__)

LANES = 2
"""Jobs that one process does at once: a long one does not keep the others waiting."""

ATTEMPTS = 10
LONGEST_WAIT_S = 600.0


@dataclass(frozen=True)
class Pace:
    """Tests are in a hurry. `lease` must be longer than the pause between two steps, not than a step."""

    look_s: float = 1.0
    lease: timedelta = timedelta(seconds=30)
    first_wait_s: float = 2.0

    def wait(self, attempts: int) -> timedelta:
        """Before a step that has failed so often is tried again."""
        longest = min(LONGEST_WAIT_S, self.first_wait_s * 2 ** (min(attempts, ATTEMPTS) - 1))
        return timedelta(seconds=random.uniform(0.5, 1) * longest)  # noqa: S311 - jitter, no secret.


@dataclass
class Runner:
    """`run` returns after `stop`, when the steps under way are done; jobs that are not done are left to others."""

    database: WriteDatabase
    kinds: Mapping[str, Step]
    pace: Pace = Pace()
    outage: Outage = field(default_factory=Outage)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        look_s = (0.5 * self.pace.look_s, 1.5 * self.pace.look_s)
        async with asyncio.TaskGroup() as group:
            for _ in range(LANES):
                group.create_task(Lane(self.outage, self._stopped, look_s).run(self._work_on_one))

    async def run_all(self) -> None:
        """Do what is due now, and return."""
        while await self._work_on_one():
            pass

    async def _work_on_one(self) -> bool:
        """Whether there was one."""
        holder = jobs.new_holder()
        job = await self._as(ANONYMOUS).run(jobs.claim, list(self.kinds), holder, self.pace.lease)
        if job is None:
            return False
        try:
            await self._advance(job, holder)
        except Exception as error:  # noqa: BLE001 - logged, kept in the job, and tried again.
            if not self.outage.is_why(error):
                logger.error("Job %d (%s) could not be carried on: %s", job.id, job.kind, told(error))  # noqa: TRY400 - see `told`.
            await self._put_off(job, holder, error)
        return True

    async def _advance(self, job: Job, holder: str) -> None:
        if job.attempts > ATTEMPTS:
            raise RuntimeError("Whoever began this step died of it, every time.")
        writer = self._as(Viewer(job.created_by_id), f"job:{job.id}")
        step = self.kinds[job.kind]
        while await writer.run(jobs.advance, job.id, holder, self.pace.lease, step, job.memory):
            if self._stopped.is_set():
                await writer.run(jobs.give_back, job.id, holder)
                return

    async def _put_off(self, job: Job, holder: str, error: Exception) -> None:
        why = reason(error)
        await self._as(ANONYMOUS).run(jobs.put_off, job.id, holder, why, ATTEMPTS, self.pace.wait)

    def _as(self, viewer: Viewer, request_id: str = "") -> Writer:
        return Writer(self.database, viewer, request_id)
