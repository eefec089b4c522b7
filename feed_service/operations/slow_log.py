"""The slow log: what took longer than it should, in bounded lines without values, and the last of it in memory.

A statement is told with the fingerprint of its plan, which is looked for beside the request that was slow.
"""

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable
from math import inf

from feed_service.bounded import Bounded
from feed_service.fingerprints import fingerprint
from feed_service.operations.quota import Quota
from feed_service.operations.slow_lines import (
    SlowOperation,
    SlowStatement,
    log,
    tell_left_out,
    write_operation,
    write_statement,
)

PlanOf = Callable[[str], Awaitable[str]]
"""From the text of a statement to the fingerprint of its plan."""

RECENT = 100
LINES = 60
OF_EACH = 5
"""Lines in a minute, and of one statement or operation: a flood of one does not hide the others."""

WAITING = 50
"""Lines that wait for their plan; further ones are written without."""

PLAN_KEPT_S = 300.0
PLAN_WITHIN_S = 5.0
PLAN_EVERY_S = 1.0
"""A plan is believed for so long, waited for so long, and no two are looked for at a shorter distance: when everything
is slow, the log must not add to it."""


class SlowLog:
    """Call it inside the running loop: nothing of it waits or raises. Thresholds are in seconds; 0 is off.

    It takes no values at all. The text of a statement, which may hold the words of a search, is given to `plan_of`
    and to nobody else.
    """

    def __init__(
        self, plan_of: PlanOf, *, statement_s: float = 0.2, operation_s: float = 1.0, quota: Quota | None = None
    ) -> None:
        self.statement_s = statement_s if statement_s > 0 else inf
        self.operation_s = operation_s if operation_s > 0 else inf
        self._plan_of = plan_of
        self._quota = quota or Quota(LINES, OF_EACH, tell=tell_left_out)
        self._recent: deque[SlowStatement | SlowOperation] = deque(maxlen=RECENT)
        self._plans = Bounded[str, tuple[float, str | None]](500)
        self._waiting: deque[tuple[SlowStatement, str]] = deque()
        self._finding: asyncio.Task[None] | None = None
        self._found_at = -inf

    def statement(
        self,
        name: str,
        text: str,
        seconds: float,
        *,
        waited_s: float = 0.0,
        rows: int | None = None,
        operation: str | None = None,
        path: str | None = None,
        request_id: str | None = None,
        failed: bool = False,
    ) -> None:
        """`text`: as it was sent. `path`: of the field that asked, without places in lists."""
        if seconds < self.statement_s:
            return
        slow = SlowStatement(name, fingerprint(text), seconds, waited_s, rows, operation, path, request_id, failed)
        self._recent.append(slow)
        plan, is_known = self._known_plan(slow.fingerprint)
        slow.plan = plan
        if not self._quota.admits(name):
            return
        if is_known or len(self._waiting) >= WAITING:
            write_statement(slow)
            return
        self._waiting.append((slow, text))
        if self._finding is None:
            # In a context of its own: what it runs is no part of the request that was slow.
            self._finding = asyncio.get_running_loop().create_task(self._find(), context=contextvars.Context())

    def operation(
        self,
        name: str,
        seconds: float,
        *,
        waited_s: float = 0.0,
        statements: int | None = None,
        request_id: str | None = None,
        failed: bool = False,
    ) -> None:
        if seconds < self.operation_s:
            return
        slow = SlowOperation(name, seconds, waited_s, statements, request_id, failed)
        self._recent.append(slow)
        if self._quota.admits(name):
            write_operation(slow)

    def recent(self) -> list[SlowStatement | SlowOperation]:
        """The last 100, newest first, also those that were given no line."""
        return list(reversed(self._recent))

    @property
    def left_out(self) -> int:
        """Lines that were not written since the start."""
        return self._quota.left_out

    async def close(self) -> None:
        """Write what still waits for its plan."""
        if self._finding is not None:
            self._finding.cancel()
            await asyncio.gather(self._finding, return_exceptions=True)
        while self._waiting:
            write_statement(self._waiting.popleft()[0])
        self._quota.settle()

    def _known_plan(self, statement: str) -> tuple[str | None, bool]:
        found_at, plan = self._plans.get(statement) or (-inf, None)
        return plan, time.monotonic() - found_at < PLAN_KEPT_S

    async def _find(self) -> None:
        try:
            while self._waiting:
                slow, text = self._waiting[0]
                plan, is_known = self._known_plan(slow.fingerprint)
                slow.plan = plan if is_known else await self._look_for_plan(slow, text)
                self._waiting.popleft()
                write_statement(slow)
        finally:
            self._finding = None

    async def _look_for_plan(self, slow: SlowStatement, text: str) -> str | None:
        await asyncio.sleep(self._found_at + PLAN_EVERY_S - time.monotonic())
        plan = None
        try:
            async with asyncio.timeout(PLAN_WITHIN_S):
                plan = await self._plan_of(text)
        except Exception as error:  # noqa: BLE001 - whatever it is, the line is written without the plan.
            # Its message may hold a part of the statement.
            log.info("the plan of %s could not be found: %s", slow.name, type(error).__name__)
        self._found_at = time.monotonic()
        self._plans.put(slow.fingerprint, (self._found_at, plan))
        return plan
