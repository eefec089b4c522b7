"""`/metrics` of several workers: each leaves what it counted in a file every second; whoever is asked adds them up.

What a worker has counted stays after its end, so that no counter ever falls; gauges are those of living processes.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
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

    def tell(self, text: bytes) -> None:
        """Leave what this process counted. Others read the file before or the new one, never a part."""
        mine = self.folder / f"{os.getpid()}.prom"
        new = mine.with_suffix(".new")
        new.write_bytes(text)
        new.replace(mine)

    def total(self, text: bytes) -> bytes:
        """What all have counted, this process `text`."""
        self.tell(text)
        registry = CollectorRegistry()
        registry.register(_Sums(self.folder))
        return generate_latest(registry)


class _Sums(Collector):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        sums: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
        for path in sorted(self.folder.glob("*.prom")):
            lives = _lives(int(path.stem))
            for family in text_string_to_metric_families(path.read_text()):
                if family.type == "gauge" and (not lives or family.name.endswith("_created")):
                    continue
                families.setdefault(family.name, family)
                _add(sums.setdefault(family.name, {}), family)
        for name, family in families.items():
            family.samples = [Sample(part, dict(labels), value) for (part, labels), value in sums[name].items()]
            yield family


def _add(sums: dict[tuple[str, tuple[tuple[str, str], ...]], float], family: Metric) -> None:
    for sample in family.samples:
        key = sample.name, tuple(sample.labels.items())
        before = sums.get(key, 0.0)
        sums[key] = max(before, sample.value) if family.name in LARGEST else before + sample.value


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
