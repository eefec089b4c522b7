"""Does the jobs that are due, each step and where it leaves the job in one transaction.

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
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from feed_service.commands import jobs
from feed_service.commands.jobs import Job, Step
from feed_service.commands.transaction import Writer
from feed_service.errors import FeedError
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS, Viewer

logger = logging.getLogger(__name__)

LANES = 2
"""Jobs that one process does at once: a long one does not keep the others waiting."""

ATTEMPTS = 10
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 600.0
MOST_ERROR_CHARS = 1_000


@dataclass(frozen=True)
class Pace:
    """Tests are in a hurry. `lease` must be longer than the pause between two steps, not than a step."""

    look_s: float = 1.0
    lease: timedelta = timedelta(seconds=30)
    first_wait_s: float = FIRST_WAIT_S


@dataclass
class Runner:
    """`run` returns after `stop`, when the steps under way are done; jobs that are not done are left to others."""

    database: WriteDatabase
    kinds: Mapping[str, Step]
    pace: Pace = Pace()
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(LANES):
                group.create_task(self._lane())

    async def run_all(self) -> None:
        """Do what is due now, and return."""
        while await self._work_on_one():
            pass

    async def _lane(self) -> None:
        while not self._stopped.is_set():
            if not await self._guarded(self._work_on_one):
                await pause(self._stopped, random.uniform(0.5, 1.5) * self.pace.look_s)  # noqa: S311 - jitter.

    async def _guarded(self, work: Callable[[], Awaitable[bool]]) -> bool:
        """A database that is away is no reason to end: it will be back."""
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - logged, and tried again.
            logger.log(logging.WARNING if isinstance(error, FeedError) else logging.ERROR, "Jobs wait: %s", told(error))
            return False

    async def _work_on_one(self) -> bool:
        """Whether there was one."""
        holder = jobs.new_holder()
        job = await self._as(ANONYMOUS).run(jobs.claim, list(self.kinds), holder, self.pace.lease)
        if job is None:
            return False
        try:
            await self._advance(job, holder)
        except Exception as error:  # noqa: BLE001 - logged, kept in the job, and tried again.
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
        await self._as(ANONYMOUS).run(jobs.put_off, job.id, holder, why, ATTEMPTS, self._wait)

    def _wait(self, attempts: int) -> timedelta:
        longest = min(LONGEST_WAIT_S, self.pace.first_wait_s * 2 ** (attempts - 1))
        return timedelta(seconds=random.uniform(0.5, 1) * longest)  # noqa: S311 - jitter, no secret.

    def _as(self, viewer: Viewer, request_id: str = "") -> Writer:
        return Writer(self.database, viewer, request_id)


def reason(error: BaseException) -> str:
    """In one line. What PostgreSQL tells beyond that shows the row, which may be about somebody."""
    first, *_ = f"{type(error).__name__}: {error}".splitlines()
    return first[:MOST_ERROR_CHARS].encode(errors="replace").decode().replace("\0", "")


def told(error: BaseException) -> str:
    """For the log: the reason, and where it was raised."""
    return "\n".join([reason(error), *traceback.format_tb(error.__traceback__)]).rstrip()


async def pause(stopped: asyncio.Event, seconds: float) -> None:
    """Sleep, or wake up to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopped.wait(), seconds)
