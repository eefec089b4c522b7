"""Everything at once, on real processes: what clients keep by polling is what a fresh query shows them."""

from pathlib import Path

from tests.polling.simulation.plan import SMALL
from tests.polling.simulation.run import simulate

HAPPENED = ("added", "updated", "removed", "resets", "news of threads", "pages of gaps", "304", "late", "mutations")
COMPUTED = "trending_tag_ids"


async def test_clients_that_poll_keep_what_a_fresh_query_shows(empty_database_url: str, tmp_path: Path) -> None:
    report = await simulate(empty_database_url, tmp_path, SMALL)
    assert report.faults == [], f"{SMALL}, {report.counts}"
    assert [name for name in HAPPENED if not report.counts[name]] == [], report.counts
    # On a busy machine the cache may not answer in time; only then is something computed twice.
    assert report.stampede[f"loads {COMPUTED}"] <= 1 + report.stampede[f"errors {COMPUTED}"], report.stampede
