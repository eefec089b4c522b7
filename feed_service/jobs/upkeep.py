"""Does what is due every so often, for as long as the process runs.

How to have something done regularly:

1. Write a command, `async def verb(tx: Transaction) -> int | bool`, that does one bounded piece (at most 1,000 rows;
   a statement may take 5 seconds). While it answers something true, there is more, and it is called again at once. It
   must be harmless to call at any moment, because every process of the service calls it.
2. Add `Duty("what it is called", seconds, verb)` to `duties.DUTIES`.

What is promised: it runs by itself, in a transaction of its own, in one process at a time. If it raises, it is rolled
back, logged, and tried again when it is due next. `tx.viewer` is nobody, so that its audit events go to the stream
`system`. What must not be forgotten, or has a state of its own, is a job instead: see `jobs.runner`.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Text, bindparam, func, select

from feed_service.commands.transaction import Transaction, Writer
from feed_service.errors import FeedError
from feed_service.jobs.runner import pause, told
from feed_service.transactions import WriteDatabase, compiled
from feed_service.viewer import ANONYMOUS

logger = logging.getLogger(__name__)

FIRST_WITHIN_S = 5.0
"""A duty that is due once an hour is done soon after the start as well: processes may not live for an hour."""

# Let go at the end of the transaction, whoever dies.
ALONE = compiled(
    select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=Text), 7_305_003)))
)


@dataclass(frozen=True)
class Duty:
    """`work` is due every `every_s` seconds."""

    name: str
    every_s: float
    work: Callable[[Transaction], Awaitable[int | bool]]


@dataclass
class Upkeep:
    """`run` returns after `stop`, when what is under way is done."""

    database: WriteDatabase
    duties: Sequence[Duty]
    first_within_s: float = FIRST_WITHIN_S
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for duty in self.duties:
                group.create_task(self._regularly(duty))

    async def _regularly(self, duty: Duty) -> None:
        wait = min(duty.every_s, self.first_within_s) * random.random()  # noqa: S311 - jitter.
        while True:
            await pause(self._stopped, wait)
            if self._stopped.is_set():
                return
            try:
                while await self.once(duty) and not self._stopped.is_set():
                    pass
            except Exception as error:  # noqa: BLE001 - logged, and tried again.
                level = logging.WARNING if isinstance(error, FeedError) else logging.ERROR
                logger.log(level, "Upkeep: %s was not done, and will be tried again: %s", duty.name, told(error))
            wait = duty.every_s * random.uniform(0.9, 1.1)  # noqa: S311 - jitter.

    async def once(self, duty: Duty) -> bool:
        """Whether there is more to do at once; nothing is done, and False, while another process is at it."""

        async def alone(tx: Transaction) -> bool:
            return bool(await tx.sql.value(ALONE, name=duty.name) and await duty.work(tx))

        return await Writer(self.database, ANONYMOUS, f"upkeep:{duty.name}").run(alone)
