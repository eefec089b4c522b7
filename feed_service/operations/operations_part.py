"""GraphQL operations: how often, how long, by which statements; and what looks like a statement for each row."""

from feed_service.metering import LATENCY_S
from feed_service.operations import figures
from feed_service.operations.asking import Unknown
from feed_service.operations.parts import Part, Table, Trend
from feed_service.operations.served import Served, Times

SHOWN = 25
MOST_S = LATENCY_S[-1]
QUANTILES = (0.5, 0.95, 0.99)


def operations_part(served: Served | Unknown) -> Part:
    if isinstance(served, Unknown):
        return Part("operations", "Operations", [f"Not known: {served.reason}."])
    if not served.rows:
        return Part(
            "operations",
            "Operations",
            ["Not known: no process has told of this window. `feed-service serve` writes a row each minute."],
        )
    whole = served.all_operations()
    lines = [
        (
            f"Told by {figures.several(served.processes, 'process', 'processes')}, "
            f"from {figures.moment(served.first_at)} to "
            f"{figures.moment(served.last_at)}: {whole.calls:,} operations, {whole.errors:,} errors."
        ),
        (
            f"Quantiles are bounds of the buckets ({', '.join(f'{bound * 1_000:g}' for bound in LATENCY_S)} ms): "
            "at most so long, without waiting for the network."
        ),
    ]
    if any(value is not None for value in served.hit_ratios):
        lines.append("Trends run from left to right over the window; gaps are where nothing was asked.")
    return Part(
        "operations",
        "Operations",
        lines,
        [
            Table("All operations, over the window", ("what", "trend", "#greatest"), _trends(served)),
            Table(
                "By time",
                (
                    "operation",
                    "p95 over the window",
                    "#calls",
                    "#errors",
                    "#p50 ms",
                    "#p95 ms",
                    "#p99 ms",
                    "statements",
                ),
                [
                    (
                        name,
                        Trend([value and value * 1_000 for value in _finite(it.p95_s)]),
                        figures.number(it.times.calls),
                        figures.number(it.times.errors),
                        *_quantiles(it.times),
                        figures.listed(
                            [
                                f"{statement} ({calls:,})"
                                for statement, calls in sorted(it.statements.items(), key=lambda each: -each[1])
                            ]
                        )
                        or "none",
                    )
                    for name, it in list(served.operations.items())[:SHOWN]
                ],
            ),
            Table(
                "Their statements, as the service timed them",
                ("statement", "#calls", "#rows/call", "#p50 ms", "#p95 ms", "#p99 ms", "#longest ms"),
                [
                    (
                        name,
                        figures.number(it.calls),
                        figures.number(it.rows / it.calls if it.calls else 0),
                        *_quantiles(it),
                        figures.milliseconds(it.longest_s * 1_000),
                    )
                    for name, it in list(served.statements.items())[:SHOWN]
                ],
            ),
            Table(
                "One statement, again and again (N+1)",
                ("operation", "field", "statement", "#runs of the operation"),
                [(it.operation, it.path, it.statement, figures.number(it.operations)) for it in served.repeats[:SHOWN]],
            ),
        ],
    )


def _trends(served: Served) -> list[tuple[str | Trend, ...]]:
    p95 = [value and value * 1_000 for value in _finite(served.p95_s)]
    most = max((value for value in p95 if value is not None), default=None)
    rows: list[tuple[str | Trend, ...]] = [
        ("operations", Trend(list(served.calls)), figures.number(max(served.calls))),
        ("p95, ms", Trend(p95), f"≤ {figures.milliseconds(most)}" if most is not None else figures.NONE),
    ]
    if any(value is not None for value in served.hit_ratios):
        greatest = max(value for value in served.hit_ratios if value is not None)
        rows.append(("hit ratio of the cache", Trend(served.hit_ratios), figures.share(greatest)))
    return rows


def _finite(values: object) -> list[float | None]:
    """What is beyond the last bucket is drawn at twice its bound."""
    told: list[float | None] = list(values)  # type: ignore[call-overload]
    return [None if value is None else min(value, 2 * MOST_S) for value in told]


def _quantiles(times: Times) -> tuple[str, ...]:
    return tuple(figures.bound(times.within(quantile), MOST_S) for quantile in QUANTILES)
