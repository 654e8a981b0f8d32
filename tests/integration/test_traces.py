"""Traces: from the poll to the webhook in one, over processes that know nothing of each other; nothing where they are off."""

import subprocess
import sys

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.desk import FEEDS, HOSTILE, Desk
from worker.runtime.demo import compose
from worker.runtime.traces import Traces

pytestmark = pytest.mark.integration


def traced(desk: Desk) -> InMemorySpanExporter:
    """The desk with every stage in a process of its own, as far as traces are concerned."""
    exporter = InMemorySpanExporter()
    for worker in (desk.pipeline.poller, desk.pipeline.dispatcher, desk.pipeline.finisher._teller):
        worker._tracer = Traces(SimpleSpanProcessor(exporter))
    return exporter


def test_a_trace_leads_from_the_poll_to_the_webhook(redis_store):
    desk = Desk(redis_store)
    exporter = traced(desk)
    desk.publish(compose(2))
    [alert_id] = redis_store.client.zrange("{tocsin}:alerts", 0, -1)
    spans = exporter.get_finished_spans()
    [poll] = [
        span
        for span in spans
        if span.attributes.get("tocsin.outcome") == "fetched" and span.attributes["tocsin.feed"] == FEEDS[0].id
    ]
    [enrich] = [span for span in spans if span.name == "enrich"]
    deliver = {span.attributes["tocsin.endpoint"]: span for span in spans if span.name == "deliver"}
    assert poll.parent is None
    assert enrich.parent.span_id == poll.context.span_id
    assert set(deliver) == {"desk", "night-shift"}
    for span in deliver.values():
        assert span.parent.span_id == enrich.context.span_id
        assert span.context.trace_id == poll.context.trace_id
        assert span.attributes["tocsin.alert"] == alert_id
        assert span.end_time - span.start_time >= 40_000_000
    assert (deliver["desk"].attributes["tocsin.outcome"], deliver["desk"].attributes["tocsin.status"]) == (
        "delivered",
        204,
    )
    assert poll.resource.attributes["service.name"] == "tocsin"
    redis_store.replay(alert=alert_id, endpoints=["desk"], since=None)
    desk.pipeline.deliver_due()
    assert exporter.get_finished_spans()[-1].context.trace_id == poll.context.trace_id


def test_an_edit_is_traced_to_the_poll_that_brought_it(redis_store):
    desk = Desk(redis_store)
    exporter = traced(desk)
    desk.publish(compose(2))
    desk.published["Demo Wire"][0]["html"] += "<p>A second paragraph was added by the editors.</p>"
    desk.publish()
    first, second = [span for span in exporter.get_finished_spans() if span.name == "enrich"]
    assert first.attributes["tocsin.article"] == second.attributes["tocsin.article"]
    assert first.context.trace_id != second.context.trace_id


def test_a_failure_is_told_by_its_type_and_never_by_its_words(redis_store, monkeypatch):
    desk = Desk(redis_store)
    exporter = traced(desk)
    monkeypatch.setattr(redis_store, "finish_articles", lambda told: [ValueError("secret words") for _ in told])
    monkeypatch.setattr(
        redis_store, "claim_articles", lambda *_, claim=redis_store.claim_articles: claim(1, desk.pipeline.limits.lease)
    )
    desk.publish(HOSTILE)
    [enrich] = [span for span in exporter.get_finished_spans() if span.name == "enrich"]
    assert (enrich.status.status_code, enrich.status.description) == (StatusCode.ERROR, "ValueError")
    assert "tanks" not in str([dict(span.attributes) for span in exporter.get_finished_spans()])


def test_without_traces_nothing_is_loaded_and_nothing_is_stored(redis_store):
    desk = Desk(redis_store)
    desk.publish(compose(2))
    [key] = [key for key in redis_store.client.scan_iter("{tocsin}:article:art_*") if not key.endswith(":feeds")]
    assert redis_store.client.hget(key, "trace") is None
    script = (
        "import sys\nfrom worker.runtime.process import open_tracer\nimport worker.runtime.app\n"
        "print(type(open_tracer()).__name__, [m for m in sys.modules if 'otlp' in m or m.endswith('runtime.traces')])"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "Untraced []"
