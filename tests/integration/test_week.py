"""What one sees of a real run: a part of a real week of news, on a fast clock, through real workers into a real Prometheus.

Every panel's query of every dashboard and every recording rule must have an answer, and traces must hold together.
"""

import importlib.util
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from bench.week import WATCHES, Week
from tests.conftest import absent
from tests.integration.test_monitoring import BOARDS, PROMETHEUS, Prometheus, queries, tool
from tests.integration.world import Deployment, eventually, open_world
from tests.ports import free_port
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer

pytestmark = pytest.mark.integration
HAS_TRACES = bool(importlib.util.find_spec("opentelemetry") and importlib.util.find_spec("opentelemetry.exporter"))
DAYS, MINUTES = 1.0, 0.6
"""So much of the week in so much time: 1,322 entries of 23 feeds."""


class Collector:
    """Keeps the spans that are sent by OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, object]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(body, self.headers.get("Content-Encoding"))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, body: bytes, encoding: str | None) -> None:
        import gzip

        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        request = ExportTraceServiceRequest()
        request.ParseFromString(gzip.decompress(body) if encoding == "gzip" else body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += [(span.name, span) for span in scope.spans]

    def of(self, name: str) -> list:
        return [span for found, span in self.spans if found == name]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def week(shared, tmp_path_factory):
    """Prometheus and the spans after a part of the week went through."""
    if not (shared / "replay").is_dir():
        absent(f"there is no replay week under {shared}")
    binary = tool("prometheus")
    directory = tmp_path_factory.mktemp("week")
    collector, port = Collector(), free_port()
    server = EmbeddedServer(directory / "data")
    server.start()
    client = connect(server.url)
    with open_world() as world:
        deployment = Deployment(directory, server, world)
        deployment.environ |= {
            "TOCSIN_WEB_PORT": str(port), "TOCSIN_TRACES": "yes" if HAS_TRACES else "no", "OTEL_BSP_SCHEDULE_DELAY": "500",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.url,
        }  # fmt: skip
        replay = Week(world, MINUTES, days=DAYS)
        deployment.configure(replay.urls(), WATCHES)
        prometheus = Prometheus(binary, directory, f"127.0.0.1:{port}")
        web = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "web"],
            env=deployment.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        try:
            deployment.start()
            eventually(lambda: prometheus.ask("tocsin_build_info"), 60, "the first scrape")
            replay.run()
            eventually(lambda: not client.zcard("{tocsin}:articles:due"), 90, "the last article's analysis")
            eventually(lambda: not client.zcard("{tocsin}:outbox:desk"), 30, "the last delivery")
            for id_, mark in zip(client.zrange("{tocsin}:alerts", 0, 20), ("true", "false") * 10, strict=False):
                RedisStore(client).mark_alert(id_, mark)
            yield prometheus, collector, world
        finally:
            deployment.stop()
            web.terminate()
            web.wait(20)
            prometheus.stop()
            client.close()
            server.stop()
            collector.close()


def test_every_panel_and_every_recording_rule_has_an_answer(week):
    prometheus, _, _ = week
    rules = yaml.safe_load((PROMETHEUS / "rules.yml").read_text("utf-8"))
    wanted = [(title, query.replace("$__rate_interval", "1m").replace("$__range", "1h")) for title, query in queries()]
    records = [rule["record"] for group in rules["groups"] for rule in group["rules"] if "record" in rule]
    wanted += [(name, name) for name in records]
    assert len(BOARDS) == 4
    assert len(wanted) > 45
    empty: list[tuple[str, str]] = []

    def all_answer() -> bool:
        empty[:] = [(title, query) for title, query in wanted if not prometheus.ask(query)]
        return not empty

    try:
        eventually(all_answer, 40, "an answer to every query")
    except AssertionError:
        pytest.fail(f"no answer for {empty}")


def test_what_the_panels_say_is_what_happened(week):
    prometheus, _, world = week

    def number(query: str) -> float:
        return float(prometheus.ask(query)[0]["value"][1])

    received = len({hook.id for hook in world.received})
    assert received > 3
    eventually(
        lambda: number('tocsin_webhook_attempts_total{outcome="delivered"}') == len(world.received), 15, "the count"
    )
    assert number("sum(tocsin_alerts_total)") >= received
    assert number('sum(tocsin_articles_total{outcome="new"})') > 500
    assert number("sum(tocsin_alerts_by_topic_total)") >= received
    assert number('tocsin:freshness_seconds:p95_5m{span="fetched_to_webhook"}') > 0
    found = prometheus.get("query_exemplars", query="tocsin_freshness_seconds_bucket", start="0", end="9999999999")
    articles = {exemplar["labels"]["article_id"] for row in found for exemplar in row["exemplars"]}
    assert {hook.data["article"]["id"] for hook in world.received} & articles


def test_traces_lead_from_poll_to_webhook_through_three_processes(week):
    if not HAS_TRACES:
        absent("the extra `otel` is not installed")
    _, collector, _ = week
    eventually(lambda: collector.of("deliver"), 15, "the deliverer's spans")
    enriched = {span.span_id: span for span in collector.of("enrich")}
    polls = {span.span_id: span for span in collector.of("poll")}
    delivered = [span for span in collector.of("deliver") if span.parent_span_id in enriched]
    assert delivered
    for span in delivered:
        parent = enriched[span.parent_span_id]
        assert polls[parent.parent_span_id].trace_id == parent.trace_id == span.trace_id
        assert polls[parent.parent_span_id].start_time_unix_nano <= span.end_time_unix_nano
