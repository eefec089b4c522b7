"""Spans of OpenTelemetry: one for each operation, batch and statement, none for fields.

Imported only where spans are wanted: the libraries take 12 MB. How many are kept, and what goes with them, is read by
OpenTelemetry from its own variables (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, …).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import time_ns
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from feed_service.watching import AT, Watch

NS = 1_000_000_000

UNTOLD: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
"""Messages of exceptions hold what clients have sent: the log has them, masked; a span has a code, or a class."""


class Spans:
    """What `metering.Meters.spans` is told."""

    def __init__(self, processor: SpanProcessor) -> None:
        # OTEL_SERVICE_NAME goes before the name given here.
        self._provider = TracerProvider(resource=Resource.create({"service.name": "feed_service"}))
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("feed_service")
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def to(cls, url: str) -> "Spans":
        """Sent to `url`, as http://127.0.0.1:4318/v1/traces, some at a time, by a thread."""
        return cls(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))

    @contextmanager
    def operation(self, watch: Watch) -> Iterator[None]:
        """Below the span that the client has named in `traceparent`, if it did."""
        above = self._propagator.extract({"traceparent": watch.traceparent}) if watch.traceparent else None
        name = watch.operation or "unnamed"
        attributes: dict[str, Any] = {"graphql.operation.name": name, "feed.request_id": watch.request_id}
        with self._tracer.start_as_current_span(name, above, SpanKind.SERVER, attributes, **UNTOLD) as span:
            try:
                yield
            finally:
                span.set_attribute("feed.statements", sum(watch.statements.values()))
                span.set_attribute("feed.pool_wait_ms", round(watch.waited_s * 1_000, 3))
                if watch.codes:
                    span.set_status(Status(StatusCode.ERROR, ", ".join(watch.codes)))

    @contextmanager
    def batch(self, name: str, keys: int) -> Iterator[None]:
        attributes: dict[str, Any] = {"feed.batch.keys": keys, "feed.path": AT.get()}
        with self._tracer.start_as_current_span(f"load {name}", attributes=attributes, **UNTOLD) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def statement(self, name: str, seconds: float, rows: int) -> None:
        """Of one that has just ended. Its text is known by its name; values are never told."""
        now = time_ns()
        told: dict[str, Any] = {"db.system.name": "postgresql", "db.query.summary": name}
        told["db.response.returned_rows"] = rows
        began = now - int(seconds * NS)
        self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=told, start_time=began).end(now)

    def close(self) -> None:
        """Sends what waits."""
        self._provider.shutdown()
