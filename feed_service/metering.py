"""What this process has counted and timed since it began: plain numbers, read when somebody looks.

A counter of the metrics library takes a microsecond for each step, and a feed takes a hundred of them.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from feed_service.fingerprints import fingerprint
from feed_service.statements import name_of_text
from feed_service.watching import AT, WATCH, Watch

LATENCY_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets of all times; one more bucket is for what took longer."""

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
"""Upper bounds of the buckets of keys in a batch."""

MOST_OPERATIONS = 200
MOST_STATEMENTS = 1_000
MOST_REPEATS, MOST_OF_PATH = 1_000, 200
"""Clients choose the names of operations and fields, and some texts have values in them: what comes later is `other`,
or not told."""

OTHER = "other"
UNNAMED = "unnamed"
REFUSED = "refused"
"""What errors are counted under that came before there was an operation."""

REPEATS = 5
"""So often may an operation run one statement for one field: more look like one for each row (N+1)."""


class Spread:
    """How often something took how long, or was how large. `buckets` are not cumulative."""

    __slots__ = ("_bounds", "buckets", "longest", "number", "total")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_S) -> None:
        self._bounds = bounds
        self.number, self.total, self.longest = 0, 0.0, 0.0
        self.buckets = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        self.number += 1
        self.total += value
        self.buckets[bisect_left(self._bounds, value)] += 1
        self.longest = max(self.longest, value)

    def with_(self, other: "Spread") -> "Spread":
        total = Spread(self._bounds)
        total.number, total.total = self.number + other.number, self.total + other.total
        total.longest = max(self.longest, other.longest)
        total.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]
        return total

    def cumulative(self) -> list[tuple[str, float]]:
        """(upper bound, how many up to it), as Prometheus wants them."""
        told, number = [], 0
        for bound, within in zip((*map(str, self._bounds), "+Inf"), self.buckets, strict=True):
            number += within
            told.append((bound, float(number)))
        return told


class StatementTally:
    """One statement: how long it ran, without waiting for a connection. Known by identity."""

    __slots__ = ("errors", "fingerprint", "name", "rows", "text", "times")

    def __init__(self, name: str, text: str) -> None:
        self.text, self.fingerprint = text, fingerprint(text) if text else ""
        self.name = f"{name}-{self.fingerprint}" if text else name
        self.rows, self.errors, self.times = 0, 0, Spread()

    def with_(self, other: "StatementTally") -> "StatementTally":
        """The sum of both, under this one's name."""
        total = StatementTally("", "")
        total.name, total.text, total.fingerprint = self.name, self.text, self.fingerprint
        total.rows, total.errors = self.rows + other.rows, self.errors + other.errors
        total.times = self.times.with_(other.times)
        return total


class BatchTally:
    """One batch function: `asked` keys, of which `loaded` were not known to the request already."""

    __slots__ = ("asked", "keys", "times")

    def __init__(self) -> None:
        self.asked, self.keys, self.times = 0, Spread(SIZES), Spread()

    @property
    def loaded(self) -> int:
        return int(self.keys.total)


class Pool(Protocol):
    """Connections for one purpose.

    `waits`: how long requests waited for one, of those that did. `most`: in use at once, since somebody set it to 0.
    """

    connections: int
    most: int
    waits: Spread

    @property
    def in_use(self) -> int: ...


Repeat = tuple[StatementTally, str, int]
"""A statement, the path of the field that asked, and how often it did in one operation."""


class SlowLog(Protocol):
    """Is told of what took longer than `statement_s` or `operation_s`."""

    statement_s: float
    operation_s: float

    def statement(
        self,
        name: str,
        text: str,
        seconds: float,
        *,
        rows: int | None,
        operation: str,
        request_id: str,
        path: str,
        failed: bool,
    ) -> None: ...

    def operation(
        self, name: str, seconds: float, *, request_id: str, statements: int, waited_s: float, failed: bool
    ) -> None: ...


class Spans(Protocol):
    """What tracing is told of, where it is on; see `feed_service.tracing`."""

    def operation(self, watch: Watch) -> AbstractContextManager[None]: ...

    def batch(self, name: str, keys: int) -> AbstractContextManager[None]: ...

    def statement(self, name: str, seconds: float, rows: int) -> None: ...

    def close(self) -> None: ...


class Meters:
    """Everything that is counted, by name."""

    def __init__(self) -> None:
        self.statements: dict[str, StatementTally] = {}
        self.operations: dict[str, Spread] = {}
        self.errors: dict[tuple[str, str], int] = defaultdict(int)
        """By operation and code."""
        self.uses: dict[tuple[str, StatementTally], int] = defaultdict(int)
        """How often an operation ran a statement."""
        self.repeats: dict[tuple[str, StatementTally, str], int] = defaultdict(int)
        """In how many runs of an operation a statement was run too often for the field of a path."""
        self.batches: dict[str, BatchTally] = defaultdict(BatchTally)
        self.outcomes: dict[str, int] = defaultdict(int)
        """GraphQL requests: executed, refused, not_modified (304), repeated (a body that was kept)."""
        self.polls: dict[str, int] = defaultdict(int)
        """feedChanges and threadChanges that were executed: empty, delta, reset."""
        self.pools: dict[str, Pool] = {}
        self.slow: SlowLog | None = None
        self.spans: Spans | None = None
        self.log_lag_s: Callable[[], float] | None = None
        """For how long the change log could not be read though somebody asked."""

    def statement(
        self, text: str, seconds: float, rows: int, values: Iterable[object] = (), sent: str | None = None
    ) -> None:
        """A statement was run, which took `seconds` without waiting for a connection.

        `sent`: the text with which it was, if that has values in it, and is another one each time.
        """
        tally = self.statements.get(text) or self._new(text)
        tally.rows += rows
        tally.times.add(seconds)
        watch = WATCH.get()
        if watch is not None:
            watch.ran(tally, sent or text, seconds, rows, values)
        if self.spans is not None:
            self.spans.statement(tally.name, seconds, rows)
        self._tell_slow(tally, sent or text, seconds, rows, watch)

    def failed(self, text: str, seconds: float, sent: str | None = None) -> None:
        """As `statement`, of one that failed or was cut off."""
        tally = self.statements.get(text) or self._new(text)
        tally.errors += 1
        self._tell_slow(tally, sent or text, seconds, None, WATCH.get())

    def _tell_slow(
        self, tally: StatementTally, sent: str, seconds: float, rows: int | None, watch: Watch | None
    ) -> None:
        if self.slow is None or seconds < self.slow.statement_s:
            return
        operation, request_id = ("", "") if watch is None else (self.named(watch.operation), watch.request_id)
        self.slow.statement(
            tally.name, sent, seconds, rows=rows, operation=operation, request_id=request_id, path=AT.get(),
            failed=rows is None,
        )  # fmt: skip

    def _new(self, text: str) -> StatementTally:
        if len(self.statements) >= MOST_STATEMENTS:
            return self.statements.setdefault("", StatementTally(OTHER, ""))
        tally = self.statements[text] = StatementTally(name_of_text(text), text)
        return tally

    def operation(self, watch: Watch, seconds: float) -> list[Repeat]:
        """An operation was run. What it ran too often."""
        name = self.named(watch.operation)
        spread = self.operations.get(name)
        if spread is None:
            spread = self.operations[name] = Spread()
        spread.add(seconds)
        for code in watch.codes:
            self.errors[name, code] += 1
        if self.slow is not None and seconds >= self.slow.operation_s:
            self.slow.operation(
                name, seconds, request_id=watch.request_id, statements=sum(watch.statements.values()),
                waited_s=watch.waited_s, failed=bool(watch.codes),
            )  # fmt: skip
        repeated = []
        for (tally, path), times in watch.statements.items():
            self.uses[name, tally] += times
            if times > REPEATS:
                key = name, tally, path[:MOST_OF_PATH]
                if key in self.repeats or len(self.repeats) < MOST_REPEATS:
                    self.repeats[key] += 1
                repeated.append((tally, path, times))
        return repeated

    def named(self, operation: str | None) -> str:
        """The name by which it is counted; names are bounded."""
        name = operation or UNNAMED
        return name if name in self.operations or len(self.operations) < MOST_OPERATIONS else OTHER
