"""Operations on a backend within a time limit. The only place that sees one fail; others see `Away`."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from feed_service.cache.backends import Backend
from feed_service.cache.breaker import Breaker
from feed_service.observability import CacheMeters

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

OPERATION_S = 0.05
HELD_UP_S = 0.06
"""An operation that was given more than this was not given it by the cache: the event loop did not look before."""

LEFT_S = 1.0
"""How long an operation that nobody waits for any more may go on: long enough to finish connecting."""

MOST_AT_ONCE = 16
"""Connections of one process; further operations wait their turn, within their time."""

QUIET_S = 10.0
"""At most one line so often about operations that failed; the metrics count all."""


class Away(Exception):
    """The cache did not do it, or was not asked. Go on without it."""


class Store:
    """A backend that never takes longer than 50 ms."""

    def __init__(self, backend: Backend, meters: CacheMeters) -> None:
        self.is_shared = backend.is_shared
        self._backend, self._meters = backend, meters
        self._breaker = Breaker(self._breaker_changed)
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._left: set[asyncio.Task[object]] = set()
        self._quiet_until_s = 0.0

    @property
    def is_away(self) -> bool:
        return self._breaker.is_open

    async def do(
        self, entry: str, operation: str, run: Callable[[Backend], Awaitable[Answer]], *, may_be_late: bool = True
    ) -> Answer:
        """What `run` answers. `may_be_late`: it does no harm when it happens after it was given up.

        Raises:
            Away
        """
        if not self.is_shared:
            return await run(self._backend)
        if self._breaker.is_open:
            self._look_again()
            raise Away
        try:
            answer = await self._in_time(run, may_be_late=may_be_late)
        except self._backend.faults as error:
            self._failed(entry, operation, error)
            raise Away from error
        self._breaker.succeeded()
        return answer

    async def _in_time(self, run: Callable[[Backend], Awaitable[Answer]], *, may_be_late: bool) -> Answer:
        """The operation is a task of its own, because cancelling it closes its connection, on which an answer is due.

        One that may be late is left alone for a while, since it may be connecting, which can take longer than we wait.
        """
        task, began_s = asyncio.create_task(self._admitted(run)), time.monotonic()
        try:
            await asyncio.wait((task,), timeout=OPERATION_S)
            if not task.done() and time.monotonic() - began_s > HELD_UP_S:
                # This process was held up itself; the answer may lie there, unread.
                await asyncio.wait((task,), timeout=HELD_UP_S)
            if not task.done():
                raise TimeoutError("It took too long.")
            return task.result()
        finally:
            if not task.done():
                self._leave(task, LEFT_S if may_be_late else 0.0)

    async def _admitted(self, run: Callable[[Backend], Awaitable[Answer]]) -> Answer:
        async with self._slots:
            return await run(self._backend)

    def _leave(self, task: asyncio.Task[Answer], patience_s: float) -> None:
        ending = asyncio.get_running_loop().call_later(patience_s, task.cancel)
        self._left.add(task)

        def ended(task: asyncio.Task[Answer]) -> None:
            ending.cancel()
            self._left.discard(task)
            # Its failure was counted when it was given up.
            task.cancelled() or task.exception()

        task.add_done_callback(ended)

    def _look_again(self) -> None:
        if self._breaker.wants_probe():
            probe = asyncio.create_task(self._probe())
            self._left.add(probe)
            probe.add_done_callback(self._left.discard)

    async def _probe(self) -> None:
        try:
            async with asyncio.timeout(LEFT_S):
                await self._admitted(lambda backend: backend.get_many(["feed:probe"]))
        except self._backend.faults as error:
            logger.debug("The cache is still away: %s", type(error).__name__)
        else:
            self._breaker.succeeded()

    def _failed(self, entry: str, operation: str, error: Exception) -> None:
        self._meters.failed(entry, operation)
        if time.monotonic() >= self._quiet_until_s:
            self._quiet_until_s = time.monotonic() + QUIET_S
            logger.warning("The cache could not %s: %s", operation, type(error).__name__)
        # A server that says no, as one that is full or a replica, is there and quick.
        if not isinstance(error, self._backend.refusals):
            self._breaker.failed()

    def _breaker_changed(self, is_open: bool) -> None:
        self._meters.breaker(is_open=is_open)
        logger.warning("The cache is left alone for now." if is_open else "The cache is back.")

    async def close(self) -> None:
        for task in self._left:
            task.cancel()
        await asyncio.gather(*self._left, return_exceptions=True)
        await self._backend.close()
