"""So many lines in a minute, and a word about those beyond."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from math import inf


class Quota:
    """`most` lines in `window_s`, and `of_each` kind; `tell` is called with the number of others when it is over.

    Call it inside the running loop.
    """

    def __init__(self, most: int, of_each: int, *, tell: Callable[[int], None], window_s: float = 60.0) -> None:
        self.left_out = 0
        """Since the start."""
        self._most, self._of_each, self._tell, self._window_s = most, of_each, tell, window_s
        self._ends_at = -inf
        self._taken: Counter[str] = Counter()
        self._untold = 0
        self._telling: asyncio.TimerHandle | None = None

    def admits(self, kind: str) -> bool:
        now = time.monotonic()
        if now >= self._ends_at:
            self._ends_at = now + self._window_s
            self._taken.clear()
        if self._taken.total() < self._most and self._taken[kind] < self._of_each:
            self._taken[kind] += 1
            return True
        self.left_out += 1
        self._untold += 1
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(self._ends_at - now, self.settle)
        return False

    def settle(self) -> None:
        """Tell now what has not been told."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        if self._untold:
            self._tell(self._untold)
            self._untold = 0
