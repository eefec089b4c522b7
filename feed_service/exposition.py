"""What is counted, in the words of Prometheus: families of metrics."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from feed_service.metering import Meters, Spread, StatementTally

Numbered = Iterable[tuple[Sequence[str], float]]
Spreads = Iterable[tuple[Sequence[str], Spread]]


class MeterFamilies(Collector):
    """The families of one process's meters."""

    def __init__(self, meters: Meters) -> None:
        self.meters = meters

    def collect(self) -> Iterator[Metric]:
        yield from self._of_requests()
        yield from self._of_statements()
        yield from self._of_batches()
        yield from self._of_pools()
        lag = self.meters.log_lag_s() if self.meters.log_lag_s else 0.0
        text = "For how long the change log could not be read though somebody asked."
        yield GaugeMetricFamily("feed_change_log_lag_seconds", text, lag)

    def _of_requests(self) -> Iterator[Metric]:
        meters = self.meters
        yield counters(
            "feed_graphql_requests",
            "GraphQL requests: executed, refused, not_modified (304), repeated (a body that was kept).",
            ["outcome"],
            (([outcome], number) for outcome, number in meters.outcomes.items()),
        )
        yield spreads(
            "feed_operation_seconds",
            "From a valid document to the answer, by the name of the operation.",
            ["operation"],
            (([name], spread) for name, spread in meters.operations.items()),
        )
        yield counters(
            "feed_errors",
            "Errors in answers, by operation and extensions.code; RATE_LIMITED and OVERLOADED are refusals.",
            ["operation", "code"],
            meters.errors.items(),
        )
        yield counters(
            "feed_polls",
            "Polls that were executed: empty, delta, reset. Those that ended as 304 are feed_graphql_requests.",
            ["outcome"],
            (([outcome], number) for outcome, number in meters.polls.items()),
        )

    def _of_statements(self) -> Iterator[Metric]:
        tallies, labels = by_name(self.meters), ["statement"]
        text = "Of one statement, without waiting for a connection."
        yield spreads("feed_statement_seconds", text, labels, (([name], tally.times) for name, tally in tallies))
        text = "Rows that came or were touched."
        yield counters("feed_statement_rows", text, labels, (([name], tally.rows) for name, tally in tallies))
        failed = (([name], tally.errors) for name, tally in tallies if tally.errors)
        yield counters("feed_statement_errors", "Statements that failed or were cancelled.", labels, failed)
        repeats = told_by_name(self.meters.repeats).items()
        text = "Operations that ran a statement more than five times for one field (N+1)."
        yield counters("feed_repeated_statements", text, ["operation", "statement", "path"], repeats)

    def _of_batches(self) -> Iterator[Metric]:
        batches, labels = list(self.meters.batches.items()), ["batch"]
        yield spreads(
            "feed_batch_keys", "Keys of one batch of a loader.", labels, (([name], b.keys) for name, b in batches)
        )
        yield spreads(
            "feed_batch_seconds", "Of one batch of a loader.", labels, (([name], b.times) for name, b in batches)
        )
        known = (([name], b.asked - b.loaded) for name, b in batches)
        yield counters("feed_batch_known", "Keys that the request had loaded already.", labels, known)

    def _of_pools(self) -> Iterator[Metric]:
        pools = self.meters.pools.items()
        sizes = [((name, "size"), pool.connections) for name, pool in pools]
        in_use = [((name, "in_use"), pool.in_use) for name, pool in pools]
        text = "Connections there may be, and those in use."
        connections = GaugeMetricFamily("feed_pool_connections", text, labels=["pool", "state"])
        for labels, number in (*sizes, *in_use):
            connections.add_metric(labels, number)
        yield connections
        text = "For a connection, of those who had to wait."
        yield spreads("feed_pool_wait_seconds", text, ["pool"], (([name], pool.waits) for name, pool in pools))


@dataclass(frozen=True)
class DatabaseFigures:
    """What every process would tell alike. `jobs`: (kind, lag_s, failures, failed); numbers by column, and by table."""

    jobs: Sequence[tuple[str, float, int, int]] = ()
    drift: Mapping[str, int] = field(default_factory=dict)
    rows_repaired: int = 0
    missing_partitions: Mapping[str, int] = field(default_factory=dict)


class DatabaseFamilies(Collector):
    """`figures` None: the database could not be asked."""

    def __init__(self, figures: DatabaseFigures | None) -> None:
        self.figures = figures

    def collect(self) -> Iterator[Metric]:
        figures = self.figures
        yield GaugeMetricFamily("feed_database_up", "1 if the database answered within a second.", figures is not None)
        if figures is None:
            return
        lags = (([kind], lag_s) for kind, lag_s, _, _ in figures.jobs)
        yield gauges("feed_job_lag_seconds", "How long the job that is due longest has waited.", "kind", lags)
        failures = (([kind], failures) for kind, _, failures, _ in figures.jobs)
        text = "Attempts that failed, of regular work since it was first done, of other jobs that are not done."
        yield gauges("feed_job_failures", text, "kind", failures)
        failed = (([kind], failed) for kind, _, _, failed in figures.jobs)
        yield gauges("feed_jobs_failed", "Jobs that were given up, until `feed-service retry-job`.", "kind", failed)
        text = "Stored numbers that the last whole round of reconciliation found wrong."
        yield gauges("feed_counter_drift", text, "column", (([name], number) for name, number in figures.drift.items()))
        text = "Rows that the last whole round of reconciliation put right."
        yield GaugeMetricFamily("feed_counter_rows_repaired", text, figures.rows_repaired)
        missing = (([name], number) for name, number in figures.missing_partitions.items())
        yield gauges("feed_partitions_missing", "Months ahead without a partition.", "table", missing)


def gauges(name: str, text: str, label: str, numbers: Numbered) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for values, number in numbers:
        family.add_metric(values, number)
    return family


def by_name(meters: Meters) -> list[tuple[str, StatementTally]]:
    """Statements by their names; two texts of one name and fingerprint differ in literals only, and are one."""
    found: dict[str, StatementTally] = {}
    for tally in list(meters.statements.values()):
        same = found.get(tally.name)
        found[tally.name] = tally if same is None else same.with_(tally)
    return list(found.items())


def told_by_name(numbers: Mapping[Any, int]) -> Counter[tuple[str, ...]]:
    """(operation, statement, …) to numbers, with statements by their names, of which two texts may have the same."""
    total = Counter[tuple[str, ...]]()
    for (operation, tally, *further), number in list(numbers.items()):
        total[operation, tally.name, *further] += number
    return total


def counters(name: str, text: str, labels: Sequence[str], numbers: Numbered) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in list(numbers):
        family.add_metric(values, number)
    return family


def spreads(name: str, text: str, labels: Sequence[str], found: Spreads) -> Metric:
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, spread in list(found):
        family.add_metric(values, spread.cumulative(), spread.total)
    return family
