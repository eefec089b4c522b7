"""What the service did in a window, added up from the rows its processes keep of each minute."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from feed_service.metering import LATENCY_S
from feed_service.operations.asking import Questions
from feed_service.operations.history import served

SLOTS = 30
"""Points of a trend."""

BUCKETS = len(LATENCY_S) + 1
BEYOND_S = 2 * LATENCY_S[-1]
"""Stands for any time above the last bound: neither JSON nor GraphQL knows infinity."""


@dataclass
class Times:
    """Calls and how long they took, in buckets by `LATENCY_S`. Rows leave out what is 0."""

    calls: int = 0
    errors: int = 0
    seconds: float = 0.0
    rows: int = 0
    longest_s: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, told: Mapping[str, Any]) -> None:
        self.calls += told.get("calls", 0)
        self.errors += told.get("errors", 0)
        self.seconds += told.get("seconds", 0.0)
        self.rows += told.get("rows", 0)
        self.longest_s = max(self.longest_s, told.get("longest", 0.0))
        self.buckets = [
            before + more for before, more in zip(self.buckets, told.get("buckets", [0] * BUCKETS), strict=True)
        ]

    def within(self, quantile: float) -> float | None:
        """The bound of the bucket in which the quantile lies, in seconds; `BEYOND_S` beyond the last."""
        number, wanted, seen = sum(self.buckets), math.ceil(quantile * sum(self.buckets)), 0
        if not number:
            return None
        for bound, count in zip((*LATENCY_S, BEYOND_S), self.buckets, strict=True):
            seen += count
            if seen >= wanted:
                return bound
        return BEYOND_S

    def above(self, bound_s: float) -> float | None:
        """The share that took longer than a bound of the buckets."""
        number = sum(self.buckets)
        return sum(self.buckets[LATENCY_S.index(bound_s) + 1 :]) / number if number else None


@dataclass
class Operation:
    """`statements`: how often it ran which. `p95_s`: the trend of the bound, None where nothing was asked."""

    times: Times
    statements: Mapping[str, int]
    p95_s: Sequence[float | None]


@dataclass
class Pool:
    """Of one purpose, over all processes. `size` and `most` (in use at once) are of the process that came nearest."""

    size: int = 0
    most: int = 0
    waits: int = 0
    waited_s: float = 0.0

    def add(self, told: Mapping[str, Any]) -> None:
        most = told.get("most", told.get("in_use", 0))
        if not self.size or most * self.size > self.most * told["size"]:
            self.size, self.most = told["size"], most
        self.waits += told.get("waits", 0)
        self.waited_s += told.get("waited", 0.0)

    @property
    def used(self) -> float:
        """The greatest share known: processes look once a minute, but whoever waited found none free."""
        if self.waits:
            return 1.0
        return self.most / self.size if self.size else 0.0


@dataclass(frozen=True)
class Repeat:
    """`operations`: in how many runs the statement was run too often for the field of `path`."""

    operation: str
    statement: str
    path: str
    operations: int


@dataclass
class Served:
    """`rows` of `processes` processes, from `first_at` to `last_at`; trends are of all operations together."""

    first_at: datetime | None
    last_at: datetime | None
    rows: int
    processes: int
    operations: Mapping[str, Operation]
    statements: Mapping[str, Times]
    fingerprints: Mapping[str, str]
    repeats: Sequence[Repeat]
    caches: Mapping[str, Mapping[str, int]]
    cache_errors: int
    entities: Mapping[str, Mapping[str, int]]
    pools: Mapping[str, Pool]
    polls: Mapping[str, int]
    calls: Sequence[int]
    p95_s: Sequence[float | None]
    hit_ratios: Sequence[float | None]

    def by_fingerprint(self) -> dict[str, tuple[set[str], set[str]]]:
        """(names of the statements, operations that ran them)."""
        found: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
        for name, fingerprint in self.fingerprints.items():
            found[fingerprint][0].add(name)
            found[fingerprint][1].update(
                operation for operation, it in self.operations.items() if name in it.statements
            )
        return dict(found)

    def all_operations(self) -> Times:
        return _all(operation.times for operation in self.operations.values())

    def all_statements(self) -> Times:
        return _all(self.statements.values())


def _all(times: Any) -> Times:  # noqa: ANN401 - an iterable of Times.
    whole = Times()
    for each in times:
        whole.add({**vars(each), "longest": each.longest_s})
    return whole


async def read_served(ask: Questions, window: timedelta, now: datetime) -> Served:
    """Row by row: a week of several processes does not fit in memory."""
    sum_up = _Sum(now - window, window)
    async for at, source, told in served(ask, window):
        sum_up.add(at, source, told)
    return sum_up.made()


class _Slot:
    def __init__(self) -> None:
        self.times: dict[str, Times] = defaultdict(Times)
        self.hits, self.asked = 0, 0

    def p95_s(self, operation: str) -> float | None:
        return self.times[operation].within(0.95) if operation in self.times else None


class _Sum:
    def __init__(self, start: datetime, window: timedelta) -> None:
        self.start, self.slot_length = start, window / SLOTS
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None
        self.rows = 0
        self.processes: set[str] = set()
        self.operations: dict[str, Times] = defaultdict(Times)
        self.statements: dict[str, Times] = defaultdict(Times)
        self.fingerprints: dict[str, str] = {}
        self.uses: dict[str, Counter[str]] = defaultdict(Counter)
        self.repeats: Counter[tuple[str, str, str]] = Counter()
        self.caches: dict[str, Counter[str]] = defaultdict(Counter)
        self.entities: dict[str, Counter[str]] = defaultdict(Counter)
        self.pools: dict[str, Pool] = defaultdict(Pool)
        self.polls: Counter[str] = Counter()
        self.cache_errors = 0
        self.slots = [_Slot() for _ in range(SLOTS)]

    def add(self, at: datetime, source: str, told: Mapping[str, Any]) -> None:
        self.first_at, self.last_at = self.first_at or at, at
        self.rows += 1
        self.processes.add(source)
        slot = self.slots[max(0, min(SLOTS - 1, int((at - self.start) / self.slot_length)))]
        for name, row in told.get("operations", {}).items():
            self.operations[name].add(row)
            slot.times[name].add(row)
        for name, row in told.get("statements", {}).items():
            self.statements[name].add(row)
            self.fingerprints[name] = row["fingerprint"]
        for operation, statement, calls in told.get("uses", ()):
            self.uses[operation][statement] += calls
        for operation, statement, path, times in told.get("repeats", ()):
            self.repeats[operation, statement, path] += times
        self._add_caches(told, slot)

    def _add_caches(self, told: Mapping[str, Any], slot: _Slot) -> None:
        for name, counts in told.get("cache", {}).items():
            self.caches[name].update(counts)
            slot.hits += counts.get("hit", 0) + counts.get("negative", 0)
            slot.asked += sum(counts.get(outcome, 0) for outcome in ("hit", "negative", "stale", "miss"))
        for name, counts in told.get("entities", {}).items():
            self.entities[name].update(counts)
        for name, pool in told.get("pools", {}).items():
            self.pools[name].add(pool)
        self.polls.update(told.get("polls", {}))
        self.cache_errors += told.get("cache_errors", 0)

    def made(self) -> Served:
        every = [_all(slot.times.values()) for slot in self.slots]
        return Served(
            self.first_at,
            self.last_at,
            self.rows,
            len(self.processes),
            {
                name: Operation(times, self.uses[name], [slot.p95_s(name) for slot in self.slots])
                for name, times in sorted(self.operations.items(), key=lambda item: -item[1].seconds)
            },
            dict(sorted(self.statements.items(), key=lambda item: -item[1].seconds)),
            self.fingerprints,
            [Repeat(*key, operations) for key, operations in self.repeats.most_common()],
            self.caches,
            self.cache_errors,
            self.entities,
            self.pools,
            self.polls,
            [times.calls for times in every],
            [times.within(0.95) for times in every],
            [slot.hits / slot.asked if slot.asked else None for slot in self.slots],
        )
