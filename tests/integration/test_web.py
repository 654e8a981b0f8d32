"""The web process over HTTP: what is answered, streamed, refused, and stored."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

import pytest

from tests.desk import HOSTILE, Desk, serving
from tests.integration.world import eventually, tocsin
from worker.runtime.demo import compose

pytestmark = pytest.mark.integration
ALERTS = "{tocsin}:alerts"


@pytest.fixture
def desk(redis_store):
    return Desk(redis_store)


@pytest.fixture
def base(desk):
    with serving(desk.store) as address:
        yield address


def ask(url, data=None, **headers):
    body = urllib.parse.urlencode(data).encode() if data is not None else None
    request = urllib.request.Request(url, body, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


@contextmanager
def listening(url, **headers):
    """A function that waits for the next event of a kind in a live stream."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")

        def following(kind="alert"):
            event, deadline = {}, time.monotonic() + 15
            for line in answer:
                assert time.monotonic() < deadline, f"no {kind} came"
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                elif event.get("event") == kind:
                    return json.loads(event["data"]) | {"event_id": event.get("id")}
                else:
                    event = {}
            return None

        yield following


PAGES = ("/", "/trends", "/trends?range=day", "/feeds", "/watches", "/endpoints", "/playground")
JSON = ("/api/alerts", "/api/feeds", "/api/watches", "/api/endpoints", "/version")


@pytest.mark.parametrize("is_filled", [False, True], ids=["empty", "filled"])
def test_every_page_answers_without_inline_script_or_style(desk, base, is_filled):
    if is_filled:
        desk.publish_demo(8)
    for path in (*PAGES, *JSON):
        status, body, headers = ask(base + path)
        assert status == 200, path
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert " style=" not in body
        assert " onclick=" not in body


def test_an_alert_shows_text_evidence_explanation_and_attempts(desk, base):
    desk.hook_status = 500
    desk.publish(compose(2))
    [alert_id] = desk.store.client.zrange(ALERTS, 0, 0)
    status, page, _ = ask(f"{base}/alerts/{alert_id}")
    assert status == 200
    assert "<mark>" in page
    assert "topic arms-transfer" in page
    assert "answered 500 Service Unavailable" in page
    assert ask(f"{base}/alerts/alrt_none")[0] == 404


def test_evidence_is_not_marked_where_an_edit_moved_it(desk, base):
    desk.publish(compose(0))
    [alert_id] = desk.store.client.zrange(ALERTS, 0, 0)
    desk.published["Demo Wire"][0]["html"] = "<p>The article was withdrawn.</p>"
    desk.publish()
    page = ask(f"{base}/alerts/{alert_id}")[1]
    assert "edited after the alert" in page
    assert "The article was withdrawn." in page


def test_what_feeds_say_is_never_markup(desk, base):
    desk.publish(HOSTILE)
    [alert_id] = desk.store.client.zrange(ALERTS, 0, 0)
    for path in ("/", f"/alerts/{alert_id}"):
        page = ask(base + path)[1]
        assert "alert(3)" in page
        assert "<script>alert" not in page
        assert "javascript:" not in page


def test_alerts_are_filtered_and_continued(desk, base):
    desk.publish_demo(12)
    everything = json.loads(ask(base + "/api/alerts")[1])["alerts"]
    high = json.loads(ask(base + "/api/alerts?severity=high")[1])["alerts"]
    assert 0 < len(high) < len(everything)
    assert {row["severity"] for row in high} <= {"high", "critical"}
    assert [row["raised_ms"] for row in everything] == sorted((row["raised_ms"] for row in everything), reverse=True)
    older = json.loads(ask(f"{base}/api/alerts?before={everything[0]['raised_ms']}")[1])["alerts"]
    assert everything[0]["alert_id"] not in {row["alert_id"] for row in older}


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=201", "severity=urgent", "state=done", "before=x"])
def test_a_query_that_cannot_be_is_a_problem(base, query):
    status, body, headers = ask(f"{base}/api/alerts?{query}")
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert json.loads(body)["title"]


def test_a_new_alert_is_streamed_within_seconds_and_again_when_its_state_changes(desk, base):
    with listening(base + "/events") as following:
        assert following("pulse")["alerts"] == 0
        started = time.monotonic()
        desk.publish(compose(2))
        event = following()
        assert time.monotonic() - started < 5
        assert event["is_new"]
        assert event["event_id"]
        assert compose(2)["title"] in event["html"]
        desk.store.mark_alert(event["id"], "false")
        again = following()
        assert (again["id"], again["is_new"], again["event_id"]) == (event["id"], False, None)
        assert "judged false" in again["html"]


def test_a_stream_resumes_after_the_last_event_and_keeps_to_its_filter(desk, base):
    desk.publish(compose(0))
    [row] = json.loads(ask(base + "/api/alerts?watch=sanctions-violation")[1])["alerts"]
    time.sleep(0.01)
    desk.publish(compose(2), compose(4))  # while nobody listened: arms, and sanctions
    with listening(base + "/events?watch=sanctions-violation", last_event_id=str(row["raised_ms"] + 1)) as following:
        event = following()
        assert event["watch"] == "Sanctions broken or evaded"
        assert event["id"] != row["alert_id"]


def test_marks_are_stored_and_can_be_taken_back(desk, base):
    desk.publish(compose(0))
    [alert_id] = desk.store.client.zrange(ALERTS, 0, 0)

    def row():
        return next(r for r in json.loads(ask(base + "/api/alerts")[1])["alerts"] if r["alert_id"] == alert_id)

    for mark, verdict, is_acknowledged in (
        ("acknowledged", None, True), ("true", "true", True), ("false", "false", True), ("open", None, False),
    ):  # fmt: skip
        assert ask(f"{base}/alerts/{alert_id}/mark", {"mark": mark})[0] == 200  # after the redirect
        assert (row()["verdict"], bool(row()["acknowledged_at"])) == (verdict, is_acknowledged)
    assert ask(f"{base}/alerts/{alert_id}/mark", {"mark": "maybe"})[0] == 400
    assert ask(f"{base}/alerts/alrt_none/mark", {"mark": "true"})[0] == 404
    assert ask(f"{base}/alerts/{alert_id}/mark", {"mark": "true"}, origin="http://evil.example")[0] == 403
    assert row()["verdict"] is None


def test_precision_counts_each_alert_by_its_last_verdict(desk, base):
    desk.publish(compose(2), compose(6))
    ids = [r["alert_id"] for r in json.loads(ask(base + "/api/alerts?watch=arms-transfer")[1])["alerts"]]
    for mark in ("true", "false", "true"):
        desk.store.mark_alert(ids[0], mark)
    desk.store.mark_alert(ids[1], "false")
    watches = {row["id"]: row for row in json.loads(ask(base + "/api/watches")[1])["watches"]}
    assert (watches["arms-transfer"]["true"], watches["arms-transfer"]["false"]) == (1, 1)
    assert watches["arms-transfer"]["precision"] == 0.5
    assert watches["sanctions-violation"]["precision"] is None


def test_the_playground_answers_from_a_process_of_its_own(redis_store, tmp_path):
    (tmp_path / "watches.yaml").write_text(
        "watches:\n  - {id: arms, title: Arms, match: {topic: arms-transfer}}\n"
        "  - {id: dprk, title: DPRK arms, match: {all: [{topic: arms-transfer}, {phrase: Pyongyang}]}}\n",
        "utf-8",
    )
    text = (
        "Germany to deliver howitzers to Greece\nGermany has approved the sale of howitzers and ammunition to Greece."
    )
    with serving(redis_store, tmp_path) as address:
        status, page, _ = ask(address + "/playground?part=1", {"text": text})
        assert status == 200, page
        assert "Nearly fires" in page
        assert "DPRK arms" in page
        assert 'class="entity GPE"' in page
        status, said, _ = ask(address + "/playground?part=1", {"url": "http://127.0.0.1:1/private"})
        assert status == 400
        assert "not public" in said
        for data in ({}, {"url": "ftp://x"}, {"text": "x" * 200_001}):
            assert ask(address + "/playground", data)[0] == 400
        assert ask(address + "/playground", {"text": text}, sec_fetch_site="cross-site")[0] == 403


def test_an_open_stream_does_not_hold_up_the_end(desk):
    with serving(desk.store) as address, listening(address + "/events?only=pulse") as following:
        assert following("pulse")
        started = time.monotonic()
    assert time.monotonic() - started < 5


def test_a_store_that_is_away_is_said(redis_store):
    from worker.runtime.redis_store import RedisStore, connect

    with serving(RedisStore(connect("unix:///nowhere/valkey.sock"))) as address:
        for path in ("/", "/api/feeds", "/metrics"):
            status, body, _ = ask(address + path)
            assert status == 503
            assert "Redis cannot be reached" in body
        assert eventually(lambda: ask(address + "/healthz")[0] == 200, 5)


def test_an_alert_can_be_marked_on_the_command_line(desk, server):
    desk.publish(compose(2))
    [alert_id] = desk.store.client.zrange(ALERTS, 0, 0)
    environ = {"TOCSIN_REDIS_URL": server.url, "PATH": "/usr/bin:/bin"}
    assert tocsin("alerts", "mark", alert_id, "false", env=environ).returncode == 0
    assert desk.store.client.hget("{tocsin}:alert:" + alert_id, "verdict") == "false"
    for arguments in ((alert_id, "maybe"), ("alrt_none", "true")):
        assert tocsin("alerts", "mark", *arguments, env=environ).returncode == 64
