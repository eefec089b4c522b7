"""Spans: operation, batch, statement, one below the other, without values.

That nothing of them is imported where they are off is in tests/test_architecture.py.
"""

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from feed_service.tracing import Spans
from feed_service.watching import WATCH, Watch
from tests.seeing.small import site_on

ABOVE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("is_compiled", [True, False])
async def test_a_span_for_the_operation_each_batch_and_each_statement(database_url: str, *, is_compiled: bool) -> None:
    kept = InMemorySpanExporter()
    spans, watch = Spans(SimpleSpanProcessor(kept)), Watch("a-request")
    watch.traceparent = f"00-{ABOVE}-00f067aa0ba902b7-01"
    was = WATCH.set(watch)
    async with site_on(database_url, is_compiled=is_compiled) as site:
        site.meters.spans = spans
        await site.ask("query Seen { things(first: 20) { number batched } }")
    WATCH.reset(was)
    spans.close()
    told = {span.name.partition("-")[0]: span for span in kept.get_finished_spans()}
    assert sorted(told) == ["Seen", "load small.doubled_once", "unnamed"]
    operation, batch, statement = told["Seen"], told["load small.doubled_once"], told["unnamed"]
    assert parent_of(statement) == id_of(batch)
    assert parent_of(batch) == id_of(operation)
    assert f"{operation.context.trace_id:x}" == ABOVE, "it belongs to the client's trace"
    assert dict(operation.attributes or {})["feed.statements"] == 1
    assert dict(batch.attributes or {}) == {"feed.batch.keys": 20, "feed.path": "things.batched"}
    assert dict(statement.attributes or {})["db.response.returned_rows"] == 1
    began, ended = statement.start_time or 0, statement.end_time or 0
    assert (batch.start_time or 0) < began < ended <= (batch.end_time or 0)


def test_a_span_has_the_code_of_what_was_raised_and_not_its_words() -> None:
    kept, watch = InMemorySpanExporter(), Watch("a-request")
    spans = Spans(SimpleSpanProcessor(kept))
    with pytest.raises(ValueError, match="secret"), spans.operation(watch):
        watch.codes = ["TIMEOUT"]
        with spans.batch("some", 1):
            raise ValueError("$password cannot be 'secret'")
    spans.close()
    told = [(span.status.description, [*span.events]) for span in kept.get_finished_spans()]
    assert told == [("ValueError", []), ("TIMEOUT", [])]


def id_of(span: ReadableSpan) -> int:
    return int(span.context.span_id)


def parent_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id
