"""What work in the background says of a database that is away: one line when it goes, one when it is back."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from feed_service.errors import FeedError, Overloaded, Unavailable
from feed_service.reasons import reason, told
from feed_service.transactions import is_cut, is_worth_another

logger = logging.getLogger(__name__)


@dataclass
class Outage:
    """Shared by all that do the same in one process. What fails otherwise is told each time, by whoever finds it."""

    what: str = "Jobs"
    is_on: bool = False

    def is_why(self, error: Exception) -> bool:
        """Whether it failed because the database is away, which is said once."""
        if not isinstance(error, Unavailable | Overloaded) and not is_cut(error) and not is_worth_another(error):
            return False
        if not self.is_on:
            self.is_on = True
            logger.warning("%s wait for the database: %s", self.what, reason(error))
        return True

    def is_over(self) -> None:
        """Something was done."""
        if self.is_on:
            self.is_on = False
            logger.warning("%s wait no longer: the database is back.", self.what)


@dataclass
class Lane:
    """Looks for work, one after the other, until it is stopped. A database that is away is no reason to end."""

    outage: Outage
    stopped: asyncio.Event
    look_s: tuple[float, float]
    """Between two looks that found nothing, by chance."""
    _failed: str | None = field(default=None, init=False)

    async def run(self, work: Callable[[], Awaitable[bool]]) -> None:
        """`work` answers whether there may be more at once."""
        while not self.stopped.is_set():
            if not await self._guarded(work):
                await pause(self.stopped, random.uniform(*self.look_s))  # noqa: S311 - jitter.

    async def _guarded(self, work: Callable[[], Awaitable[bool]]) -> bool:
        try:
            is_more = await work()
        except Exception as error:  # noqa: BLE001 - logged, and tried again.
            if not self.outage.is_why(error) and reason(error) != self._failed:
                level = logging.WARNING if isinstance(error, FeedError) else logging.ERROR
                logger.log(level, "Jobs wait: %s", told(error))
            self._failed = reason(error)
            return False
        self.outage.is_over()
        self._failed = None
        return is_more


async def pause(stopped: asyncio.Event, seconds: float) -> None:
    """Sleep, or wake up to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopped.wait(), seconds)
