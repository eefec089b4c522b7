"""The connections of a process that serves: the one place that knows how many there are."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from feed_service.errors import ConfigurationError
from feed_service.exports.stream import AT_ONCE
from feed_service.jobs.worker import CONNECTIONS
from feed_service.operations.server import Room
from feed_service.settings import Settings

log = logging.getLogger(__name__)

PLANS = 1
"""For the plans of what was slow."""

SPARE = 5
"""For the operator's commands and for migrations, while everything else is in use."""


@dataclass(frozen=True)
class Budget:
    """`pool_size` connections for reading and as many for writing; `besides` are those of exports, jobs and plans."""

    workers: int
    pool_size: int
    besides: int

    @classmethod
    def of(cls, settings: Settings, workers: int) -> Self:
        besides = AT_ONCE + PLANS + (CONNECTIONS if settings.does_jobs else 0)
        return cls(workers, settings.running.pool_size, besides)

    @property
    def needed(self) -> int:
        return self.workers * (2 * self.pool_size + self.besides)

    def largest_pool(self, available: int) -> int:
        """That fits; none does if it is below 1."""
        return (available // self.workers - self.besides) // 2

    def check(self, rooms: Iterable[Room]) -> None:
        """Warns where others use too many at the moment. Raises ConfigurationError where there can never be enough."""
        for name, most, used in rooms:
            if self.needed > most:
                raise ConfigurationError(
                    f"{self.workers} workers need {self.needed} connections, and the server has {most} "
                    f"({name}): {self._advice(most)}"
                )
            if self.needed > most - used:
                log.warning(
                    "%d workers may need %d connections, and %d of %d are free at the moment (%s).",
                    self.workers, self.needed, max(most - used, 0), most, name,
                )  # fmt: skip

    def _advice(self, most: int) -> str:
        largest = self.largest_pool(most)
        if largest >= 1:
            return f"set FEED_POOL_SIZE to {largest} or less, or raise the limit."
        return "start fewer workers, or raise the limit."
