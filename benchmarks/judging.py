"""The table of targets of `make bench`: what it asks of the figures, and what they say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.entrants import CACHED, PLAIN
from benchmarks.rounds import Figure

OPERATIONS = ("feed", "post", "popular")
LIMIT, MERCURIUS, STOCK = "limit", "mercurius", "stock"
CONNECTIONS = 16

MOST_RESIDENT_MB = 90


@dataclass(frozen=True)
class Target:
    """`value` None: it could not be measured here, which `note` explains."""

    name: str
    value: float | None
    bound: float
    is_at_most: bool
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value <= self.bound if self.is_at_most else self.value >= self.bound

    def line(self) -> dict[str, Any]:
        found = {"name": self.name, "value": self.value, "bound": self.bound, "ok": self.is_met}
        return found | ({"note": self.note} if self.note else {}) | {"at": "most" if self.is_at_most else "least"}

    def __str__(self) -> str:
        verdict = {True: "met", False: "MISSED", None: "-"}[self.is_met]
        value = "-" if self.value is None else f"{self.value:.3g}"
        return f"{verdict:7} {self.name:66} {value:>8}  {'≤' if self.is_at_most else '≥'} {self.bound:g}  {self.note}"


@dataclass(frozen=True)
class Row:
    """One row of the issue: our figure over a peer's, with a bound for each of FEED, POST and POPULAR."""

    name: str
    figure: str
    ours: str
    peer: str
    bounds: tuple[float, float, float]
    is_at_most: bool


ROWS = (
    Row("server CPU against Mercurius + jit", "server_ms", PLAIN, MERCURIUS, (0.55, 0.85, 0.7), is_at_most=True),
    Row("requests/s against LIMIT, entity cache off", "per_s", PLAIN, LIMIT, (1.0, 0.75, 0.75), is_at_most=False),
    Row("requests/s against LIMIT, caches on", "per_s", CACHED, LIMIT, (1.5, 1.1, 1.1), is_at_most=False),
    Row("requests/s against stock Strawberry", "per_s", PLAIN, STOCK, (20, 25, 20), is_at_most=False),
    Row("PostgreSQL CPU against LIMIT", "postgres_ms", PLAIN, LIMIT, (1.0, 1.3, 1.2), is_at_most=True),
)
MOST_STATEMENTS = dict(zip(OPERATIONS, (8, 8, 3), strict=True))

Found = Mapping[tuple[str, str, int], Figure]


def by_name(figures: Iterable[Figure]) -> Found:
    return {(figure.operation, figure.entrant, figure.connections): figure for figure in figures}


def targets(figures: Sequence[Figure]) -> list[Target]:
    """Of the table of the issue, those that the runs of `make bench` itself decide."""
    found = by_name(figures)
    lines = [
        over(found, row, operation, bound)
        for row in ROWS
        for operation, bound in zip(OPERATIONS, row.bounds, strict=True)
    ]
    for operation, most in MOST_STATEMENTS.items():
        ours = found.get((operation, PLAIN, CONNECTIONS))
        lines.append(
            Target(f"{operation.upper()}: statements", ours.statements if ours else None, most, is_at_most=True)
        )
        name = f"{operation.upper()}: of them BEGIN, COMMIT or ROLLBACK"
        lines.append(Target(name, ours.transactions if ours else None, 0.0, is_at_most=True))
    latency = Row("median latency of one at a time against LIMIT", "p50_ms", PLAIN, LIMIT, (2, 2, 2), is_at_most=True)
    lines += [over(found, latency, operation, 2.0, connections=1) for operation in OPERATIONS]
    resident = [figure.resident_mb for figure in figures if figure.entrant in {PLAIN, CACHED}]
    return [*lines, Target("resident memory under load, MB", max(resident), MOST_RESIDENT_MB, is_at_most=True)]


def over(found: Found, row: Row, operation: str, bound: float, *, connections: int = CONNECTIONS) -> Target:
    ours, theirs = (found.get((operation, name, connections)) for name in (row.ours, row.peer))
    name = f"{operation.upper()}: {row.name}"
    if ours is None or theirs is None:
        return Target(name, None, bound, row.is_at_most, f"{row.peer if ours else row.ours} did not run")
    mine, other = getattr(ours, row.figure), getattr(theirs, row.figure)
    if mine is None or not other:
        return Target(name, None, bound, row.is_at_most, "PostgreSQL runs elsewhere")
    return Target(name, round(mine / other, 3), bound, row.is_at_most, f"{mine:.4g} and {other:.4g}")


def table(figures: Iterable[Figure], operation: str, connections: int) -> list[str]:
    """Fastest first, with its ratio to LIMIT."""
    lines = sorted(
        (one for one in figures if (one.operation, one.connections) == (operation, connections)),
        key=lambda figure: -figure.per_s,
    )
    limit = next((figure.per_s for figure in lines if figure.entrant == LIMIT), None)
    titles = (
        f"{'':24} {'req/s':>8} {'(min-max)':>15} {'÷LIMIT':>7} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>7} {'PG ms':>7}"
        f" {'cores':>6} {'stmts':>6} {'(txn)':>6} {'MB':>5} {'others':>7} {'load':>5} {'quiet':>6}"
    )
    heading = (f"{operation.upper()}, {connections} at a time", titles)
    return [*heading, *(shown(one, limit) for one in lines)]


def shown(one: Figure, limit: float | None) -> str:
    def number(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    ratio = number(one.per_s / limit if limit else None, ".2f")
    span = f"({one.lowest_per_s:.0f}-{one.highest_per_s:.0f})"
    return (
        f"{one.entrant:24} {one.per_s:>8.0f} {span:>15} {ratio:>7} {one.p50_ms:>8.2f} {one.p99_ms:>8.2f}"
        f" {one.server_ms:>7.3f} {number(one.postgres_ms, '.3f'):>7} {one.server_cores:>6.2f}"
        f" {number(one.statements, '.1f'):>6} {number(one.transactions, '.1f'):>6} {one.resident_mb:>5.0f}"
        f" {one.foreign:>7.2f} {one.load_busy:>5.0%} {one.quiet_rounds:>3}/{one.rounds}"
    )


def raw(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    return [asdict(figure) for figure in figures]
