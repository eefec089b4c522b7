"""What the service counts about itself, in a registry of its own that the composition root makes."""

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest

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

    def breaker(self, *, is_open: bool) -> None:
        self._is_open.set(is_open)
        if is_open:
            self._opened.inc()


class Metrics:
    """The registry, and the meters in it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.cache = CacheMeters(self.registry)
        ProcessCollector(registry=self.registry)

    def text(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self.registry)

    def value(self, name: str, **labels: str) -> float:
        """Of one sample; 0 if it was never counted."""
        return self.registry.get_sample_value(name, labels) or 0.0
