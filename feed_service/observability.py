"""What the service counts about itself, in a registry of its own that the composition root makes."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from feed_service.exposition import DatabaseFamilies, DatabaseFigures, MeterFamilies
from feed_service.metering import Meters

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class CacheMeters:
    """What the cache did, entry by entry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reads = Counter(
            "feed_cache_reads",
            "Values asked for: hit, stale (served, and loaded anew beside), negative (known to be nothing), miss, "
            "dropped (a writer has just said so), rubbish (not what this service writes), away (not asked).",
            ["entry", "outcome"],
            registry=registry,
        )
        self._loads = Counter("feed_cache_loads", "Values computed.", ["entry"], registry=registry)
        self._errors = Counter(
            "feed_cache_errors",
            "Operations that failed or took too long.",
            ["entry", "operation"],
            registry=registry,
        )
        self._saved = Counter(
            "feed_cache_waits_saved",
            "Computations saved by waiting for one in this process, or in another.",
            ["entry", "by"],
            registry=registry,
        )
        self._opened = Counter("feed_cache_breaker_opened", "How often the cache was given up.", registry=registry)
        self._is_open = Gauge("feed_cache_breaker_open", "1 while the cache is left alone.", registry=registry)
        self._children: dict[tuple[str, str], Counter] = {}

    def read(self, entry: str, outcome: str, number: int) -> None:
        # Finding the child by its labels takes longer than counting.
        child = self._children.get((entry, outcome))
        if child is None:
            child = self._children[entry, outcome] = self._reads.labels(entry, outcome)
        child.inc(number)

    def loaded(self, entry: str, number: int) -> None:
        self._loads.labels(entry).inc(number)

    def failed(self, entry: str, operation: str) -> None:
        self._errors.labels(entry, operation).inc()

    def saved(self, entry: str, by: str, number: int) -> None:
        """`by`: process or shared."""
        self._saved.labels(entry, by).inc(number)

    def reads(self) -> dict[str, dict[str, int]]:
        """How many values of each entry had each outcome, so far."""
        told: dict[str, dict[str, int]] = {}
        for (entry, outcome), child in self._children.items():
            told.setdefault(entry, {})[outcome] = int(child._value.get())  # noqa: SLF001 - the library tells by text only.
        return told

    def breaker(self, *, is_open: bool) -> None:
        self._is_open.set(is_open)
        if is_open:
            self._opened.inc()


@dataclass(slots=True)
class Tally:
    """Rows of one kind that were asked for - found, not found, not looked for - and those that a change took away.

    Plain numbers, read when somebody looks: a counter of the library takes a microsecond for each step.
    """

    hits: int = 0
    misses: int = 0
    passed: int = 0
    dropped: int = 0

    def told(self) -> dict[str, int]:
        return asdict(self)


class EntityMeters(Collector):
    """What became of the rows that loaders asked of the memory of this process, by kind."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.tallies: dict[str, Tally] = {}
        registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        text = (
            "Rows of users, tags and categories: hits, misses, passed (the memory was passed over: the change log had "
            "not been read lately, or the request wants what was just written), dropped (a change was told)."
        )
        family = CounterMetricFamily("feed_entity_rows", text, labels=["kind", "outcome"])
        for kind, tally in self.tallies.items():
            for outcome, number in tally.told().items():
                family.add_metric([kind, outcome], number)
        yield family


class OperationMeter:
    """Which path operations took, and why not the compiled one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._operations = Counter(
            "feed_operations",
            "Operations by the path that made the answer. A reference one says why: introspection, error (it has "
            "errors or a null where none may be), uncompiled, mutation, off (FEED_EXECUTOR).",
            ["path", "reason"],
            registry=registry,
        )
        self._compiled = self._operations.labels("compiled", "")
        self._children: dict[str, Counter] = {}

    def compiled(self) -> None:
        self._compiled.inc()

    def reference(self, reason: str) -> None:
        child = self._children.get(reason)
        if child is None:
            child = self._children[reason] = self._operations.labels("reference", reason)
        child.inc()


class Metrics:
    """The registry, and the meters in it."""

    def __init__(self, meters: Meters | None = None) -> None:
        self.registry = CollectorRegistry()
        self.meters = meters or Meters()
        self.registry.register(MeterFamilies(self.meters))
        self.cache = CacheMeters(self.registry)
        self.operations = OperationMeter(self.registry)
        self.entities = EntityMeters(self.registry)
        ProcessCollector(registry=self.registry)

    def text(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self.registry)

    @staticmethod
    def text_of(figures: DatabaseFigures | None) -> bytes:
        """The same of what is told of the database; see `exposition.DatabaseFamilies`."""
        registry = CollectorRegistry()
        registry.register(DatabaseFamilies(figures))
        return generate_latest(registry)

    def value(self, name: str, **labels: str) -> float:
        """Of one sample; 0 if it was never counted."""
        return self.registry.get_sample_value(name, labels) or 0.0
