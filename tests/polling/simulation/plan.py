"""How much a simulation does, and what it has found."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

NUMBERS_TOLD_S = 16.0
"""A 304 may keep numbers for 15 seconds (contract.md section 5)."""


@dataclass(frozen=True)
class Plan:
    """Equal plans have equal people, clients and writers; what meets what is up to the machine.

    `start_within_s`: clients come one after the other, as processes that have just begun build their statements first.
    `quiet_s`: from when all posts have fallen due until lists are compared; numbers are if it is NUMBERS_TOLD_S.
    `is_harder`: a process of the service is killed as well, the log is flooded, PostgreSQL crashes, and the epoch is
    another. While PostgreSQL recovers, requests may be answered by UNAVAILABLE.
    """

    seed: int
    seconds: float
    clients: int
    viewers: int
    authors: int = 3
    suspended: int = 1
    late: int = 2
    talkers: int = 2
    tied: int = 4
    tags: int = 6
    threads: int = 2
    write_pause_s: float = 0.2
    poll_pause_s: float = 0.5
    start_within_s: float = 1.0
    quiet_s: float = 0.5
    is_harder: bool = False

    def random(self, *purpose: object) -> Random:
        """An own stream of numbers for each purpose, so that more of one does not change the others."""
        return Random(":".join(map(str, (self.seed, *purpose))))  # noqa: S311 - a plan, not a secret.


SMALL = Plan(seed=1, seconds=5.0, clients=26, viewers=10)
LARGE = Plan(
    seed=1, seconds=60.0, clients=200, viewers=80, authors=6, suspended=2, late=4, talkers=4, tied=16, tags=12,
    threads=6, write_pause_s=0.8, poll_pause_s=3.0, start_within_s=10.0, quiet_s=NUMBERS_TOLD_S,
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """`stampede`: see there, at the beginning.

    `errors` are answers that are none; `wrong` showed what was hidden before; `differences` are those of the lists that
    clients kept from fresh ones; `complaints` are what services logged as errors.
    """

    counts: Counter[str]
    looked_at: int
    stampede: Counter[str]
    errors: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.errors, *self.wrong, *self.differences, *self.complaints]
