"""When to leave a cache alone: after failures in a row, until a probe beside the requests has succeeded."""

import random
import time
from collections.abc import Callable

FAILURES = 3
PAUSE_S = 2.0


class Breaker:
    """Closed: ask. Open: do not, and now and then send a probe; no request waits for it."""

    def __init__(
        self, told: Callable[[bool], None] = lambda _: None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`told` hears of each change whether it is open now."""
        self._told, self._clock = told, clock
        self._failures = 0
        self._probe_at_s: float | None = None

    @property
    def is_open(self) -> bool:
        return self._probe_at_s is not None

    def wants_probe(self) -> bool:
        """Whether it is time for one; the next is wanted a pause later at the earliest."""
        if self._probe_at_s is None or self._clock() < self._probe_at_s:
            return False
        self._pause()
        return True

    def succeeded(self) -> None:
        self._failures = 0
        if self.is_open:
            self._probe_at_s = None
            self._told(False)

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES and not self.is_open:
            self._pause()
            self._told(True)

    def _pause(self) -> None:
        # Not all processes at once.
        self._probe_at_s = self._clock() + PAUSE_S * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, no secret.
