"""`/metrics` of several workers: each leaves what it counted in a file every few seconds; who is asked adds them up.

What a worker has counted stays after its end, so that no counter ever falls; gauges are those of living processes.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

LARGEST = frozenset(
    {"feed_change_log_lag_seconds", "feed_cache_breaker_open", "process_max_fds", "process_start_time_seconds"}
)
"""Gauges of which the largest of all processes counts; of others it is the sum."""


@dataclass(frozen=True)
class Workers:
    """The files of all workers are in `folder`, which whoever starts them makes empty and removes."""

    folder: Path

    def tell(self, registry: CollectorRegistry) -> None:
        """Leave what this process counted. Others read the file before or the new one, never a part.

        Not as text for Prometheus: of 300 statements it takes 90 ms to write, and 150 to read (2026-11-21).
        """
        mine = self.folder / f"{os.getpid()}.json"
        new = mine.with_suffix(".new")
        new.write_bytes(orjson.dumps(list(map(_plain, registry.collect()))))
        new.replace(mine)

    def total(self, registry: CollectorRegistry) -> bytes:
        """What all have counted, this process in `registry`."""
        self.tell(registry)
        sums = CollectorRegistry()
        sums.register(_Sums(self.folder))
        return generate_latest(sums)


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class _Sums(Collector):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        sums: dict[str, Samples] = {}
        for path in sorted(self.folder.glob("*.json")):
            lives = _lives(int(path.stem))
            for name, text, kind, samples in orjson.loads(path.read_bytes()):
                if kind != "gauge" or lives:
                    families.setdefault(name, Metric(name, text, kind))
                    _add(sums.setdefault(name, {}), samples, is_largest=name in LARGEST)
        for name, family in families.items():
            family.samples = [Sample(part, dict(labels), value) for (part, labels), value in sums[name].items()]
            yield family


def _plain(family: Metric) -> tuple[Any, ...]:
    """As JSON. When something was first counted has no sum."""
    samples = [(one.name, list(one.labels.items()), one.value) for one in family.samples]
    return family.name, family.documentation, family.type, [one for one in samples if not one[0].endswith("_created")]


def _add(sums: Samples, samples: Any, *, is_largest: bool) -> None:  # noqa: ANN401 - as of `_plain`.
    for name, labels, value in samples:
        key = name, tuple(map(tuple, labels))
        before = sums.get(key, 0.0)
        sums[key] = max(before, value) if is_largest else before + value


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
