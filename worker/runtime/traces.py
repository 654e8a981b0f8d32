"""OpenTelemetry traces (the extra `tocsin[otel]`): one for each poll, with every article and delivery that comes of it.

The context travels with the work as a W3C traceparent in Redis, so that a trace holds together over processes, machines
and crashes. Nothing here is imported unless TOCSIN_TRACES=yes; exporter and sampling follow the standard OTEL_* variables.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from worker import __version__

_PROPAGATOR = TraceContextTextMapPropagator()
_KINDS = {"poll": SpanKind.CLIENT, "deliver": SpanKind.CLIENT}


class Traces:
    """See `ports.Tracer`."""

    def __init__(self, processor: SpanProcessor) -> None:
        resource = Resource.create({"service.name": "tocsin", "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("tocsin", __version__)

    @contextmanager
    def span(self, name: str, parent: str, started: datetime, facts: Mapping[str, str | int]) -> Iterator[str]:
        context = _PROPAGATOR.extract({"traceparent": parent}, Context()) if parent else Context()
        span = self._tracer.start_span(
            name,
            context,
            _KINDS.get(name, SpanKind.INTERNAL),
            attributes={f"tocsin.{key}": value for key, value in facts.items()},
            start_time=_ns(started),
        )
        carrier: dict[str, Any] = {}
        _PROPAGATOR.inject(carrier, set_span_in_context(span, Context()))
        try:
            yield str(carrier.get("traceparent", ""))
        except BaseException as error:  # its type only: words may quote a text
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.end()

    def close(self) -> None:
        """Send what was not sent yet; for a process that ends."""
        self._provider.shutdown()


def export_by_environment() -> Traces:
    """Traces that go out in the background by OTLP over HTTP, to where the OTEL_EXPORTER_OTLP_* variables say."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return Traces(BatchSpanProcessor(OTLPSpanExporter()))


def _ns(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1000
