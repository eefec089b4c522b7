"""/metrics: numbers of this process for Prometheus, one registry for each application."""

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette

from feed_service.database import ReadDatabase
from feed_service.execution.documents import Documents
from feed_service.execution.paths import Execution
from feed_service.execution.plans import Plans
from feed_service.http import metrics
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.metering import Meters
from feed_service.observability import Metrics
from feed_service.operations import gauges
from tests.http.small import core, viewer_of


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


async def test_a_database_without_our_tables_takes_no_other_numbers_away(bare_database_url: str) -> None:
    database = ReadDatabase.connect(bare_database_url, pool_size=1)
    assert await gauges.figures(database) is None
    await database.close()
    assert b"feed_database_up 0.0" in Metrics.text_of(None)


async def test_a_request_is_executed_or_refused_and_its_error_is_counted_once() -> None:
    meters = Meters()
    execution = Execution(core, Plans(core), meters=meters)
    endpoint = GraphQLEndpoint(
        execution, Documents(core), viewer_of, lambda viewer, _: viewer, time_limit_s=0.05, meters=meters
    )
    async with AsyncClient(transport=ASGITransport(endpoint), base_url="http://feed") as client:
        for query in ("{ person { slow } }", "{ nothing }"):
            await client.post("/", json={"query": query})
    assert meters.errors == {("unnamed", "TIMEOUT"): 1, ("refused", "GRAPHQL_VALIDATION_FAILED"): 1}
    assert meters.outcomes == {"executed": 1, "refused": 1}
