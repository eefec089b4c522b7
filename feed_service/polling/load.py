"""How busy this process is, as its pollers find it."""

import asyncio
from time import perf_counter

BUSY_LAG_S = 0.05
"""Of an event loop with as much to do as it can; below, clients may come as often as they like."""

WEIGHT = 0.1
"""Of the last measurement in the mean."""


class Load:
    """How long what is ready to run waits for its turn, measured by each poll: above 1 there is too much to do."""

    def __init__(self) -> None:
        self._lag_s = 0.0

    def __call__(self) -> float:
        asyncio.get_running_loop().call_soon(self._measured, perf_counter())
        return self._lag_s / BUSY_LAG_S

    def _measured(self, since: float) -> None:
        self._lag_s += WEIGHT * (perf_counter() - since - self._lag_s)
