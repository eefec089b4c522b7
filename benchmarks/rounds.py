"""Runs that take turns, what each has cost, and the medians of those that the machine was quiet for."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import cost
from benchmarks.asking import Operation
from benchmarks.entrants import Entrant
from benchmarks.served import fired
from benchmarks.spoken import Spoken

NOISY = 0.3
"""Cores that others may use during a run; with more, it is run again."""

TRANSACTION = ("BEGIN", "ROLLBACK", "COMMIT", "START TRANSACTION")


@dataclass(frozen=True)
class Run:
    """One shot at one server. CPU is in milliseconds for each answer; `foreign` in cores that others used meanwhile.

    `statements` are for each answer, `transactions` those of them that begin or end one; None where nobody counts.
    `load_busy` is the share of its core that the load generator used: the rest of that core is PostgreSQL's.
    """

    entrant: str
    operation: str
    connections: int
    per_s: float
    p50_ms: float
    p99_ms: float
    server_ms: float
    postgres_ms: float | None
    server_cores: float
    statements: float | None
    transactions: float | None
    resident_mb: float
    foreign: float
    load_busy: float

    @property
    def is_noisy(self) -> bool:
        return self.foreign > NOISY


@dataclass(frozen=True)
class Range:
    """Where everything is measured: PostgreSQL, and its database, whose server may count statements."""

    url: str
    postgres: cost.Postgres
    counts_statements: bool


@dataclass(frozen=True)
class Costs:
    """Seconds of CPU used so far."""

    server: float
    postgres: float
    own: float
    machine: float
    at: float

    @classmethod
    def now(cls, where: Range, server_pid: int) -> "Costs":
        server = cost.cpu_s(cost.tree(server_pid))
        return cls(server, where.postgres.cpu_s(), cost.own_s(), cost.machine_s(), time.perf_counter())

    def foreign(self, since: "Costs") -> float:
        """Cores of the machine that are none of ours."""
        ours = (self.server - since.server) + (self.postgres - since.postgres) + (self.own - since.own)
        return max(0.0, (self.machine - since.machine - ours) / (self.at - since.at))


def shot(where: Range, entrant: Entrant, what: Operation, connections: int, seconds: float) -> Run:
    """Raises SystemExit if anything was answered but 200."""
    spoken = Spoken(where.url).begin() if where.counts_statements else None
    before = Costs.now(where, entrant.server.pid)
    found = fired(entrant.server.port, connections, seconds, entrant.pollers(what))
    after = Costs.now(where, entrant.server.pid)
    count = sum(found.statuses.values())
    if set(found.statuses) != {"200"}:
        raise SystemExit(f"{entrant.name} answers {what.name} with {found.statuses}")
    calls = spoken.calls() if spoken else None
    server_s, postgres_s = after.server - before.server, after.postgres - before.postgres
    return Run(
        entrant.name, what.name, connections, round(found.per_s, 1), found.p50_ms, found.p99_ms,
        round(server_s / count * 1_000, 4),
        round(postgres_s / count * 1_000, 4) if where.postgres.pid is not None else None,
        round(server_s / found.seconds, 2),
        *statements(calls, count),
        round(cost.resident_mb(cost.tree(entrant.server.pid)), 1),
        round(after.foreign(before), 2), found.busy,
    )  # fmt: skip


def statements(calls: dict[str, int] | None, count: int) -> tuple[float | None, float | None]:
    if calls is None:
        return None, None
    transactions = sum(times for text, times in calls.items() if text.upper().startswith(TRANSACTION))
    return round(sum(calls.values()) / count, 2), round(transactions / count, 2)


@dataclass(frozen=True)
class Effort:
    """`again`: how often a run is made again that others have disturbed."""

    rounds: int
    seconds: float
    again: int = 2


def quiet_shot(where: Range, entrant: Entrant, what: Operation, connections: int, effort: Effort) -> Run:
    """The first of a few runs without much foreign load, or the one with the least."""
    runs: list[Run] = []
    while not runs or (runs[-1].is_noisy and len(runs) <= effort.again):
        runs.append(shot(where, entrant, what, connections, effort.seconds))
    return min(runs, key=lambda run: run.foreign)


def warmed(where: Range, found: Sequence[Entrant], what: Iterable[Operation], seconds: float) -> None:
    """Every turn once by itself, then as in the runs: Node compiles what was run some thousand times."""
    for operation in what:
        for entrant in serving(found, operation):
            if seconds >= 1:
                fired(entrant.server.port, 1, 0, entrant.pollers(operation))
            shot(where, entrant, operation, 16, seconds)


def rounds(
    where: Range, found: Sequence[Entrant], what: Sequence[Operation], connections: int, effort: Effort
) -> list[Run]:
    """All entrants take turns within an operation, each time beginning with another one."""
    runs: list[Run] = []
    for number in range(effort.rounds):
        for operation in what:
            print(f"{operation.name}, {connections} at a time, round {number + 1} of {effort.rounds}", flush=True)
            turns = list(serving(found, operation))
            first = number % len(turns)
            runs += [quiet_shot(where, one, operation, connections, effort) for one in turns[first:] + turns[:first]]
    return runs


def serving(found: Iterable[Entrant], operation: Operation) -> Iterable[Entrant]:
    return (entrant for entrant in found if entrant.serves(operation.name))


@dataclass(frozen=True)
class Figure:
    """Medians of the quiet rounds; of all, if none was quiet."""

    entrant: str
    operation: str
    connections: int
    per_s: float
    lowest_per_s: float
    highest_per_s: float
    p50_ms: float
    p99_ms: float
    server_ms: float
    postgres_ms: float | None
    server_cores: float
    statements: float | None
    transactions: float | None
    resident_mb: float
    foreign: float
    load_busy: float
    quiet_rounds: int
    rounds: int


def figure(runs: Sequence[Run]) -> Figure:
    used = [run for run in runs if not run.is_noisy] or list(runs)

    def middle(name: str) -> float | None:
        values = [value for run in used if (value := getattr(run, name)) is not None]
        return round(median(values), 4) if values else None

    def known(name: str) -> float:
        value = middle(name)
        assert value is not None  # noqa: S101 - of these, every run has one.
        return value

    speeds = [run.per_s for run in used]
    return Figure(
        runs[0].entrant, runs[0].operation, runs[0].connections,
        known("per_s"), min(speeds), max(speeds), known("p50_ms"), known("p99_ms"), known("server_ms"),
        middle("postgres_ms"), known("server_cores"), middle("statements"), middle("transactions"),
        max(run.resident_mb for run in runs), known("foreign"), known("load_busy"),
        sum(not run.is_noisy for run in runs), len(runs),
    )  # fmt: skip


def figures(runs: Iterable[Run]) -> list[Figure]:
    grouped: dict[tuple[str, str, int], list[Run]] = {}
    for run in runs:
        grouped.setdefault((run.operation, run.entrant, run.connections), []).append(run)
    return [figure(group) for group in grouped.values()]
