"""/metrics: numbers of this process for Prometheus, one registry for each application."""

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette

from feed_service.http import metrics
from feed_service.observability import Metrics


async def test_metrics_are_told_in_the_text_format() -> None:
    mine, others = Metrics(), Metrics()
    others.cache.read("user_stats", "hit", 5)
    mine.cache.read("user_stats", "hit", 2)
    mine.cache.breaker(is_open=True)
    mine.operations.compiled()
    mine.operations.reference("error")
    mine.operations.reference("error")

    async def text() -> bytes:
        return mine.text()

    site = Starlette(routes=metrics.routes(text))
    async with AsyncClient(transport=ASGITransport(site), base_url="http://feed") as client:
        answer = await client.get("/metrics")
        assert (await client.post("/metrics")).status_code == 405
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["cache-control"] == "no-store"
    lines = answer.text.splitlines()
    assert 'feed_cache_reads_total{entry="user_stats",outcome="hit"} 2.0' in lines
    assert "feed_cache_breaker_open 1.0" in lines
    assert 'feed_operations_total{path="compiled",reason=""} 1.0' in lines
    assert 'feed_operations_total{path="reference",reason="error"} 2.0' in lines
