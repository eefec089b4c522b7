"""GraphQL operations: how often, how long, by which statements; and what looks like a statement for each row."""

from collections.abc import Sequence

from feed_service.metering import LATENCY_S
from feed_service.operations import figures
from feed_service.operations.asking import Unknown
from feed_service.operations.parts import Part, Table, Trend
from feed_service.operations.served import Served, Times

SHOWN = 25
MOST_S = LATENCY_S[-1]
QUANTILES = (0.5, 0.95, 0.99)
QUANTILE_COLUMNS = ("#p50 ms", "#p95 ms", "#p99 ms")

BOUNDS = ", ".join(f"{bound * 1_000:g}" for bound in LATENCY_S)
NOTES = (
    f"Quantiles are bounds of the buckets ({BOUNDS} ms): at most so long, without waiting for the network.",
    "Trends run from left to right over the window; gaps are where nothing was asked.",
)
NOBODY = "Not known: no process has told of this window. `feed-service serve` writes a row each minute."


def operations_part(served: Served | Unknown) -> Part:
    if isinstance(served, Unknown):
        return Part("operations", "Operations", [f"Not known: {served.reason}."])
    if not served.rows:
        return Part("operations", "Operations", [NOBODY])
    whole = served.all_operations()
    who = figures.several(served.processes, "process", "processes")
    when = f"from {figures.moment(served.first_at)} to {figures.moment(served.last_at)}"
    told = f"Told by {who}, {when}: {whole.calls:,} operations, {whole.errors:,} errors."
    tables = [_whole(served), _operations(served), _statements(served), _repeats(served)]
    return Part("operations", "Operations", [told, *NOTES], tables)


def _whole(served: Served) -> Table:
    p95 = _milliseconds(served.p95_s)
    most = max((value for value in p95 if value is not None), default=None)
    rows: list[tuple[str | Trend, ...]] = [
        ("operations", Trend(list(served.calls)), figures.number(max(served.calls))),
        ("p95, ms", Trend(p95), figures.NONE if most is None else figures.bound(most / 1_000, MOST_S)),
    ]
    if any(value is not None for value in served.hit_ratios):
        greatest = max(value for value in served.hit_ratios if value is not None)
        rows.append(("hit ratio of the cache", Trend(served.hit_ratios), figures.share(greatest)))
    return Table("All operations, over the window", ("what", "trend", "#greatest"), rows)


def _operations(served: Served) -> Table:
    columns = ("operation", "p95 over the window", "#calls", "#errors", *QUANTILE_COLUMNS, "statements")
    rows: list[tuple[str | Trend, ...]] = []
    for name, it in list(served.operations.items())[:SHOWN]:
        statements = sorted(it.statements.items(), key=lambda each: -each[1])
        rows.append((
            name,
            Trend(_milliseconds(it.p95_s)),
            figures.number(it.times.calls),
            figures.number(it.times.errors),
            *_quantiles(it.times),
            figures.listed([f"{statement} ({calls:,})" for statement, calls in statements]) or "none",
        ))  # fmt: skip
    return Table("By time", columns, rows)


def _statements(served: Served) -> Table:
    columns = ("statement", "#calls", "#rows/call", *QUANTILE_COLUMNS, "#longest ms")
    rows = [
        (
            name,
            figures.number(it.calls),
            figures.number(it.rows / it.calls if it.calls else 0),
            *_quantiles(it),
            figures.milliseconds(it.longest_s * 1_000),
        )
        for name, it in list(served.statements.items())[:SHOWN]
    ]
    return Table("Their statements, as the service timed them", columns, rows)


def _repeats(served: Served) -> Table:
    columns = ("operation", "field", "statement", "#runs of the operation")
    rows = [(it.operation, it.path, it.statement, figures.number(it.operations)) for it in served.repeats[:SHOWN]]
    return Table("One statement, again and again (N+1)", columns, rows)


def _milliseconds(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else 1_000 * value for value in values]


def _quantiles(times: Times) -> tuple[str, ...]:
    return tuple(figures.bound(times.within(quantile), MOST_S) for quantile in QUANTILES)
