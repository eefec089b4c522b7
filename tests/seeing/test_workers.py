"""The numbers of several workers are added up, whichever is asked, and none falls when one of them ends."""

import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from feed_service.observability import Metrics
from feed_service.worker_metrics import Workers

OTHER = """
import sys
from pathlib import Path
from feed_service.observability import Metrics
from feed_service.worker_metrics import Workers

metrics = Metrics()
metrics.meters.outcomes["executed"] += 40
metrics.meters.batches["users.by_id"].keys.add(7)
metrics.cache.read("tag_stats", "hit", 2)
metrics.cache.breaker(is_open=True)
metrics.meters.log_lag_s = lambda: 5.0
Workers(Path(sys.argv[1])).tell(metrics.registry)
print(flush=True)
sys.stdin.read()
"""


def values(text: bytes) -> dict[str, float]:
    families = text_string_to_metric_families(text.decode())
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in families
        for sample in family.samples
    }


def test_counters_and_gauges_of_two_workers(tmp_path: Path) -> None:
    metrics, workers = Metrics(), Workers(tmp_path)
    metrics.meters.outcomes["executed"] += 2
    metrics.meters.batches["users.by_id"].keys.add(700)
    metrics.meters.log_lag_s = lambda: 3.0
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        while_both = values(workers.total(metrics.registry))
        alone = values(metrics.text())
        other.communicate()
    after = values(workers.total(metrics.registry))
    for found in (while_both, after):
        assert found["feed_graphql_requests_total executed"] == 42
        assert found["feed_batch_keys_count users.by_id"] == 2
        assert found["feed_batch_keys_bucket users.by_id 10"] == 1
        assert found["feed_batch_keys_bucket users.by_id +Inf"] == 2
        assert found["feed_cache_reads_total tag_stats hit"] == 2
    assert (while_both["feed_change_log_lag_seconds"], after["feed_change_log_lag_seconds"]) == (5, 3)
    assert (while_both["feed_cache_breaker_open"], after["feed_cache_breaker_open"]) == (1, 0)
    assert while_both["process_resident_memory_bytes"] > alone["process_resident_memory_bytes"]
