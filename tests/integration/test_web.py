"""The web process over HTTP: what is answered, streamed, refused, and stored."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.api.conftest import make_token
from tests.desk import CONFIGURATION, HOSTILE, Desk, replace, serving
from tests.fakes import SECRET
from tests.integration.world import eventually, tocsin
from worker.api.token import Role
from worker.ports import STAGES
from worker.runtime.demo import compose
from worker.runtime.silence_store import RedisSilences
from worker.watchlist import load_configuration

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


PAGES = (
    "/",
    "/trends",
    "/trends?range=day",
    "/feeds",
    "/watches",
    "/endpoints",
    "/quarantine",
    "/silences",
    "/why",
    "/playground",
)
JSON = ("/api/alerts", "/api/feeds", "/api/watches", "/api/endpoints", "/version")


def test_under_a_rebound_name_nothing_is_read_and_probes_are_answered(base):
    for path in (*PAGES, *JSON, "/events", "/metrics", "/style.css"):
        status, body, _ = ask(base + path, Host="evil.example:8787", X_Forwarded_For="192.0.2.7")
        assert (status, "TOCSIN_PUBLIC_URL" in body) == (421, True), path
    for path in ("/healthz", "/readyz"):
        assert ask(base + path, Host="evil.example:8787")[0] != 421


def test_the_pages_json_asks_others_for_a_token_once_there_is_one(desk, base):
    proxied = {"X_Forwarded_For": "192.0.2.7"}
    data = [path for path in JSON if path.startswith("/api/")]
    assert {ask(base + path, **proxied)[0] for path in data} == {200}
    _, token = make_token(desk.store, Role.READER)
    assert {ask(base + path, **proxied)[0] for path in data} == {401}
    assert {ask(base + path, **proxied, Authorization=f"Bearer {token}")[0] for path in data} == {200}
    assert {ask(base + path)[0] for path in data} == {200}, "this machine reads it like the page"
    _, narrow = make_token(desk.store, Role.SUBSCRIBER)
    assert ask(base + "/api/alerts", **proxied, Authorization=f"Bearer {narrow}")[0] == 403


def test_a_silence_without_end_is_refused_with_words(base):
    form = {"matchers": "watch=x", "for": "9999999999999d", "author": "a", "comment": "b"}
    status, body, _ = ask(base + "/silences", form)
    assert (status, "is too long a time" in body) == (400, True)


def test_a_form_of_too_many_fields_is_refused_with_words(base):
    status, body, _ = ask(base + "/silences", {f"field{n}": "x" for n in range(21)})
    assert (status, "more than 20 fields" in body) == (400, True)


@pytest.mark.parametrize("is_filled", [False, True], ids=["empty", "filled"])
def test_every_page_answers_without_inline_script_or_style(desk, base, is_filled):
    if is_filled:
        desk.publish_demo(8)
        desk.give_up()
        desk.set_aside(HOSTILE)
    for path in (*PAGES, *JSON):
        status, body, headers = ask(base + path)
        assert status == 200, path
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert " style=" not in body
        assert " onclick=" not in body


def test_why_is_answered_for_an_alert_and_for_an_address(desk, base):
    desk.publish(compose(2))
    [alert_id] = desk.store.client.zrange(ALERTS, 0, 0)
    assert f'href="/why?of={alert_id}"' in ask(f"{base}/alerts/{alert_id}")[1]
    page = ask(f"{base}/why?of={alert_id}")[1]
    assert f'<a href="/alerts/{alert_id}">' in page
    assert "fetched" in page
    hostile = urllib.parse.quote("https://wire.example/<script>x</script>")
    status, page, _ = ask(f"{base}/why?of={hostile}")
    assert status == 200
    assert "<script>x" not in page


@pytest.mark.parametrize("asked", ["alrt_none", "art_none", "nonsense"])
def test_why_says_what_it_does_not_know(base, asked):
    status, page, _ = ask(f"{base}/why?of={asked}")
    assert status == 200
    assert '<p class="problem" role="alert">' in page


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


def test_the_plots_beside_the_stream_are_a_part_of_their_own(desk, base):
    desk.publish(compose(0))
    status, part, _ = ask(base + "/?part=day")
    assert status == 200
    assert part.lstrip().startswith("<section")
    assert "Topics today" in part
    assert part.strip() in ask(base + "/")[1]


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


WATCHES = """\
# Waffen, Öl
watches:
  - id: arms-transfer   # as on the desk
    title: Arms
    match: {topic: arms-transfer}
    tests:
      - {title: "A choir sang", expect: {fires: true}}   # fails
  - {id: sanctions-violation, title: S, match: {topic: sanctions-violation}}
"""
ARTICLE = {
    "title": "Germany to deliver howitzers to Greece",
    "text": "Germany has approved the sale of howitzers and ammunition to Greece.\r\nMore # may follow: “soon”.",
}


@pytest.fixture
def files(tmp_path):
    (tmp_path / "watches.yaml").write_text(WATCHES, "utf-8")
    return tmp_path


def test_an_article_is_kept_as_a_test_in_the_watchs_own_file(redis_store, files):
    form = ARTICLE | {"watch": "arms-transfer", "expect": "same", "fires_now": "arms-transfer", "do": "show"}
    with serving(redis_store, files, may_edit=True) as address:
        status, shown, _ = ask(address + "/playground/test?part=1", form)
        assert status == 200
        assert "watches.yaml, at line 8" in shown
        assert "expect: {fires: true}" in shown
        assert "the opposite" not in shown
        assert "the opposite" in ask(address + "/playground/test?part=1", form | {"expect": "silent"})[1]
        assert (files / "watches.yaml").read_text("utf-8") == WATCHES
        for headers in (
            {"sec_fetch_site": "cross-site"},
            {"origin": "http://evil.example"},
            {"x_real_ip": "192.0.2.1"},
        ):
            assert ask(address + "/playground/test", form | {"do": "add"}, **headers)[0] == 403
        assert (files / "watches.yaml").read_text("utf-8") == WATCHES
        status, said, _ = ask(address + "/playground/test", form | {"do": "add"})
        assert status == 200
        assert "Added to watches.yaml, line 8" in said
    text = (files / "watches.yaml").read_text("utf-8")
    assert [line for line in WATCHES.splitlines() if line not in text.splitlines()] == []
    test = load_configuration(files).watches[0].tests[1]
    assert (test.title, test.fires) == (ARTICLE["title"], True)
    assert test.text == ARTICLE["text"].replace("\r\n", "\n")


def test_no_file_is_touched_where_the_process_may_not_edit(redis_store, files):
    form = ARTICLE | {"watch": "arms-transfer", "expect": "fires"}
    with serving(redis_store, files) as address:
        assert "TOCSIN_WEB_EDITS" in ask(address + "/playground/test?part=1", form)[1]
        assert ask(address + "/playground/test", form | {"do": "add"})[0] == 400
        status, text, headers = ask(address + "/playground/test", form | {"do": "download"})
        assert (status, headers["content-disposition"]) == (200, 'attachment; filename="test-arms-transfer.yaml"')
        assert "Germany to deliver howitzers" in text
        for wrong in ({"watch": "no-such"}, {"expect": "maybe"}, {"title": "", "text": ""}):
            assert ask(address + "/playground/test", form | wrong | {"do": "add"})[0] == 400
        assert "Copy it instead" in ask(address + "/playground/test?part=1", form | {"watch": "dprk-sanctions"})[1]
    assert (files / "watches.yaml").read_text("utf-8") == WATCHES


def test_the_watches_own_tests_are_run_and_told(redis_store, files):
    with serving(redis_store, files, load_configuration(files)) as address:
        assert "1, not run" in ask(address + "/watches")[1]
        status, page, _ = ask(address + "/watches/test", {})
        assert status == 200
        assert "Tests run: 1." in page
        assert "1 of 1 failed" in page
        assert "expected an alert" in page
        rows = {row["id"]: row for row in json.loads(ask(address + "/api/watches")[1])["watches"]}
        assert rows["arms-transfer"]["tests"]["failures"][0]["place"] == "watches.yaml:7"
        assert not rows["arms-transfer"]["tests"]["is_old"]
        assert rows["sanctions-violation"]["tests"] == {"number": 0}
        (files / "watches.yaml").write_text(
            WATCHES.replace("A choir sang", "Norland sells howitzers to Sudmark"), "utf-8"
        )
        assert "1 passed" in ask(address + "/watches/test", {})[1]


def test_dead_letters_are_sent_again_one_or_all(desk, base):
    desk.publish(compose(2), compose(6))
    desk.give_up()
    [endpoint] = [e for e in json.loads(ask(base + "/api/endpoints")[1])["endpoints"] if e["dead"]]
    assert (endpoint["name"], endpoint["dead"]) == ("night-shift", 2)
    [first, second] = endpoint["dead_letters"]
    assert first["title"] in (compose(2)["title"], compose(6)["title"])
    status, page, _ = ask(base + "/endpoints/night-shift/replay", {"alert": first["alert"]})
    assert status == 200
    assert "Queued again, with the same ids and bytes: 1." in page
    assert desk.store.client.zrange("{tocsin}:dead:night-shift", 0, -1) == [second["id"]]
    assert "bytes: 1." in ask(base + "/endpoints/night-shift/replay", {})[1]
    assert desk.store.client.zcard("{tocsin}:outbox:night-shift") == 2
    assert ask(base + "/endpoints/no-such/replay", {})[0] == 400
    assert ask(base + "/endpoints/night-shift/replay", {}, origin="http://evil.example")[0] == 403


def test_a_failing_endpoint_is_resumed(desk, base):
    desk.hook_status = 410
    desk.publish(compose(2))
    assert "gone for good (410)" in ask(base + "/endpoints")[1]
    assert "is resumed" in ask(base + "/endpoints/desk/resume", {})[1]
    [row] = [e for e in json.loads(ask(base + "/api/endpoints")[1])["endpoints"] if e["name"] == "desk"]
    assert row["state"] == "closed"
    assert "neither failing nor paused" in ask(base + "/endpoints/desk/resume", {})[1]


def test_what_was_set_aside_is_released(desk, base):
    desk.set_aside(HOSTILE)
    page = ask(base + "/quarantine")[1]
    assert "tanks shipped" in page
    assert "<script>alert" not in page
    assert ask(base + "/quarantine/release", {"stage": "no"})[0] == 400
    assert "before it: 1." in ask(base + "/quarantine/release", {"stage": "enrich"})[1]
    assert desk.store.quarantined() == []


def test_a_silence_is_added_shown_and_ended(desk, base):
    form = {
        "matchers": 'watch="arms-transfer"\r\nsource=~"Demo.*"\r\n',
        "for": "2h",
        "author": "<b>Ada",
        "comment": "<i>drill",
    }
    status, page, _ = ask(base + "/silences", form)
    assert status == 200
    assert "holds from now on" in page
    assert "&lt;i&gt;drill" in page
    assert "<i>drill" not in page
    [made] = RedisSilences(desk.store.client).silences()
    assert (made.author, len(made.matchers)) == ("<b>Ada", 2)
    assert timedelta(minutes=119) < made.ends_at - datetime.now(UTC) <= timedelta(hours=2)
    assert ask(f"{base}/silences/{made.id}/end", {}, origin="http://evil.example")[0] == 403
    assert "has ended; what" in ask(f"{base}/silences/{made.id}/end", {})[1]
    assert "1 ended in the last 90 days" in ask(base + "/silences")[1]
    assert "no such silence" in ask(f"{base}/silences/{made.id}/end", {})[1]


GROUPED = """
feeds: [{url: "https://wire.example/rss", name: w}]
endpoints: {desk: {url: {env: HOOK}, secret: {env: SECRET}}, night-shift: {url: {env: HOOK}, secret: {env: SECRET}}}
route: {endpoint: desk, group_by: [watch], group_wait: 30m, group_interval: 2h}
"""


def test_an_alert_that_is_held_says_until_when_and_why(desk, tmp_path):
    (tmp_path / "all.yaml").write_text(GROUPED, "utf-8")
    loaded = load_configuration(tmp_path, {"HOOK": "https://desk.example/", "SECRET": SECRET})
    grouped = replace(CONFIGURATION, route=loaded.route)
    desk.pipeline = desk.pipeline.reconfigured(grouped, desk.pipeline.enricher)
    desk.publish(compose(2), compose(6))
    [alert_id, _] = desk.store.client.zrange(ALERTS, 0, 1)
    with serving(desk.store, configuration_=grouped) as address:
        page = ask(f"{address}/alerts/{alert_id}")[1]
        assert '<span class="chip held">held</span>' in page
        assert "in 30 min" in page
        assert "together with 1 other" in page


def test_an_alert_that_is_silenced_says_by_what(desk, base):
    form = {"matchers": 'watch="arms-transfer"', "for": "2h", "author": "Ada", "comment": "drill"}
    ask(base + "/silences", form)
    desk.publish(compose(2))
    [alert_id] = desk.store.client.zrange(ALERTS, 0, 0)
    [made] = RedisSilences(desk.store.client).silences()
    assert f'Kept back by the silence <a href="/silences">{made.id}</a>' in ask(f"{base}/alerts/{alert_id}")[1]
    assert '<span class="chip">silenced</span>' in ask(base + "/")[1]
    assert "<b>1</b> alert kept back" in ask(base + "/silences")[1]


def test_what_waits_for_an_endpoint_that_is_gone_is_shown(desk):
    desk.publish(compose(2))
    left = replace(CONFIGURATION, endpoints=CONFIGURATION.endpoints[:1])
    with serving(desk.store, configuration_=left) as address:
        page = ask(address + "/endpoints")[1]
        assert "not configured" in page
        assert "tocsin endpoints redirect night-shift NEW" in page
        assert "tocsin endpoints left night-shift" in page
        assert "tocsin endpoints drop night-shift --reason" in page


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"matchers": ""}, "needs a matcher"),
        ({"matchers": "severity"}, "is not a matcher"),
        ({"for": "soon"}, "is not a duration"),
        ({"for": "999d"}, "366 days"),
        ({"author": " "}, "who made it"),
        ({"matchers": 'a=~".*"'}, "without any label"),
    ],
)
def test_a_silence_that_cannot_be_is_refused_with_the_reason(redis_store, base, wrong, reason):
    form = {"matchers": 'watch="x"', "for": "2h", "author": "Ada", "comment": "drill"}
    status, said, _ = ask(base + "/silences", form | wrong)
    assert status == 400
    assert reason in said
    assert RedisSilences(redis_store.client).silences() == []


def test_every_stage_has_its_place_in_quarantine(redis_store, base):
    for stage in STAGES:
        redis_store.client.zadd(f"{{tocsin}}:quarantine:{stage}", {f"{stage}_1": 1})
    status, page, _ = ask(base + "/quarantine")
    assert status == 200
    assert [f"{stage}_1" in page for stage in STAGES] == [True] * len(STAGES)


def test_an_address_chooses_only_among_our_own_words(base):
    page = ask(base + "/endpoints?did=replayed&number=%3Cb%3E")[1]
    assert "bytes: 0." in page
    assert 'role="status">Send' not in ask(base + "/endpoints?did=Send+money")[1]


def test_an_open_stream_does_not_hold_up_the_end(desk):
    with serving(desk.store) as address, listening(address + "/events?only=pulse") as following:
        assert following("pulse")
        started = time.monotonic()
    assert time.monotonic() - started < 5


def test_a_store_that_is_away_is_said(redis_store):
    from worker.runtime.redis_client import connect
    from worker.runtime.redis_store import RedisStore

    with serving(RedisStore(connect("unix:///nowhere/valkey.sock"))) as address:
        for path in ("/", "/api/feeds", "/metrics"):
            status, body, _ = ask(address + path)
            assert status == 503
            assert "nothing runs here" in body
        assert eventually(lambda: ask(address + "/healthz")[0] == 200, 5)


def test_an_alert_can_be_marked_on_the_command_line(desk, server):
    desk.publish(compose(2))
    [alert_id] = desk.store.client.zrange(ALERTS, 0, 0)
    environ = {"TOCSIN_REDIS_URL": server.url, "PATH": "/usr/bin:/bin"}
    assert tocsin("alerts", "mark", alert_id, "false", env=environ).returncode == 0
    assert desk.store.client.hget("{tocsin}:alert:" + alert_id, "verdict") == "false"
    for arguments in ((alert_id, "maybe"), ("alrt_none", "true")):
        assert tocsin("alerts", "mark", *arguments, env=environ).returncode == 64


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/nowhere", "/alerts/", "/alerts/a/b", "/style.css/x", "/%2e%2e/etc/passwd"])
def test_a_wrong_address_is_a_page_of_ours_with_a_way_home(base, path, method):
    status, page, headers = ask(base + path, {} if method == "POST" else None, Accept="text/html")
    assert status == 404
    assert '<a class="button" href="/">All alerts</a>' in page
    assert "There is nothing at /" in page
    assert headers["content-security-policy"].startswith("default-src 'self';")


def test_a_wrong_address_is_escaped_and_told_machines_as_a_problem(base):
    assert "<script>" not in ask(base + "/<script>", Accept="text/html")[1].partition("</head>")[2]
    status, body, headers = ask(base + "/nowhere")
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert json.loads(body) == {"title": "There is nothing at /nowhere.", "status": 404}
    assert ask(base + "/api/nowhere", Accept="text/html")[2]["content-type"] == "application/problem+json"


def test_a_method_that_an_address_does_not_have_says_so(base):
    status, page, headers = ask(base + "/feeds", {}, Accept="text/html")
    assert (status, set(headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
    assert "/feeds does not take POST." in page


def test_a_wrong_address_under_another_hosts_name_says_nothing_of_ours(base):
    status, body, _ = ask(base + "/nowhere", Host="evil.example", Accept="text/html")
    assert status == 421
    assert "alerts in 24 h" not in body
