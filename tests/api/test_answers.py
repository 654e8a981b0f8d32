"""What the API answers, what it refuses, and what it does."""

import json
import threading
from dataclasses import replace
from itertools import pairwise

import feedparser
import pytest

from tests.api.asking import ask
from tests.api.conftest import CONFIGURED, WATCH
from tests.desk import HOSTILE, judged, serving
from tests.fakes import SECRET
from worker.api.operations import LARGEST_BODY_BYTES
from worker.api.token import Role
from worker.audit import link_of
from worker.client import ApiError, Client
from worker.model import Access
from worker.runtime.demo import compose
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.rest import silences as rest_silences

pytestmark = pytest.mark.integration
KEY = "{tocsin}:"


@pytest.fixture
def client(served) -> Client:
    return served.client()


def test_alerts_are_read_judged_and_reopened(desk, client):
    desk.publish_demo(8)
    alerts = list(client.alerts(limit=2))
    assert len(alerts) == desk.store.client.zcard(KEY + "alerts")
    assert len({alert.alert_id for alert in alerts}) == len(alerts)
    first = alerts[0]
    assert client.alert(first.alert_id) == first
    assert first.evidence
    assert first.explanation["truth"] == "true"
    assert client.acknowledge(first.alert_id).acknowledged_at
    assert client.judge(first.alert_id, "false").verdict == "false"
    [verdict] = client.verdicts()
    assert (verdict.alert_id, verdict.verdict, verdict.watch_id) == (first.alert_id, "false", first.watch.id)
    assert client.reopen(first.alert_id).verdict is None
    assert list(client.verdicts()) == []


def test_alerts_are_filtered_as_on_the_page(desk, client):
    desk.publish_demo(12)
    judged(desk)
    everything = list(client.alerts())
    high = list(client.alerts(severity="high"))
    assert 0 < len(high) < len(everything)
    assert {alert.severity for alert in high} <= {"high", "critical"}
    assert {alert.watch.id for alert in client.alerts(watch=WATCH)} == {WATCH}
    assert len(list(client.alerts(state="true"))) == 2
    assert list(client.alerts(since=everything[0].raised_at.replace(year=2999))) == []
    assert list(client.alerts(until=everything[0].raised_at.replace(year=1999))) == []


def test_why_an_article_raised_an_alert_or_did_not(desk, client):
    desk.publish_demo(8)
    [alert, *_] = client.alerts()
    why = client.why(alert.alert_id)
    assert (why.asked, why.article) == (alert.alert_id, alert.article.id)
    fired = {one.watch: one.alert for one in why.watches if one.outcome == "fired"}
    assert fired[alert.watch.id] == alert.alert_id
    assert all(step.said for step in why.steps)
    raised = {one.article.id for one in client.alerts()}
    quiet = next(article for article in client.articles() if article.id not in raised)
    found = client.why(quiet.id, watch=alert.watch.id)
    assert [(one.watch, one.alert) for one in found.watches] == [(alert.watch.id, "")]
    assert found.summary


@pytest.mark.parametrize("path", ["alerts/alrt_none", "articles/art_none", "alerts/art_none", "articles/alrt_none"])
def test_of_what_is_not_there_nothing_is_explained(served, path):
    answer = ask(served.base, f"/api/v1/{path}/why", token=served.tokens[Role.READER])
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


def test_articles_and_stories_are_read(desk, client):
    desk.publish_demo(8)
    articles = list(client.articles(limit=3))
    assert len(articles) == 8
    read = client.article(articles[0].id)
    assert read.text.startswith(read.title)
    assert all(read.text[entity.start : entity.end] == entity.text for entity in read.entities)
    assert {article.source for article in client.articles(source="Demo Wire")} == {"Demo Wire"}
    story = client.story(read.story)
    assert read.id in {source.article_id for source in story.sources}
    told = list(client.stories(is_told=True))
    assert told
    assert {mention.alert_id for one in told for mention in one.told} <= {alert.alert_id for alert in client.alerts()}
    assert list(client.stories(independent_sources=9)) == []


def test_lists_forget_what_is_beyond_retention(desk):
    desk.store.client.zadd(KEY + "articles", {"art_old": 1})
    desk.store.client.zadd(KEY + "stories", {"art_old": 1})
    desk.publish(compose(0))
    assert desk.store.client.zscore(KEY + "articles", "art_old") is None
    assert desk.store.client.zscore(KEY + "stories", "art_old") is None
    assert desk.store.client.zcard(KEY + "articles") == desk.store.client.zcard(KEY + "stories") == 1


def test_feeds_are_paused_resumed_and_asked_now(client):
    feed = client.feeds()[0].id
    assert client.steer(feed, "pause").health == "paused"
    with pytest.raises(ApiError, match=r"409 Conflict: feed .* is paused; resume it first"):
        client.steer(feed, "poll")
    assert client.steer(feed, "resume").health == "waiting"
    assert client.steer(feed, "poll").action == "hurry"
    assert client.feed(feed).due is not None
    steered = [line.facts for line in client.audit() if line.kind == "steered"]
    assert [(line["action"], line["by"]) for line in steered] == [
        (action, "operator") for action in ("pause", "resume", "hurry")
    ]
    with pytest.raises(ApiError, match="404"):
        client.steer("feed_none", "poll")


def test_watches_show_hits_and_precision(desk, client):
    desk.publish_demo(12)
    judged(desk)
    watches = {watch.id: watch for watch in client.watches()}
    assert sum(watch.alerts for watch in watches.values()) == desk.store.client.zcard(KEY + "alerts")
    assert any(watch.precision is not None for watch in watches.values())
    assert client.watch(WATCH) == watches[WATCH]
    assert client.health().ready


def test_what_has_not_changed_is_not_sent_again(desk, served):
    desk.publish(compose(2))
    token = served.tokens[Role.READER]
    first = ask(served.base, "/api/v1/alerts", token=token)
    again = ask(served.base, "/api/v1/alerts", token=token, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    [id_] = [row["alert_id"] for row in first.json["alerts"]]
    desk.store.mark_alert(id_, "acknowledged")
    changed = ask(served.base, "/api/v1/alerts", token=token, If_None_Match=first.headers["etag"])
    assert changed.status == 200
    assert changed.headers["cache-control"] == "private, no-cache"
    assert ask(served.base, "/api/v1/alerts", "HEAD", token=token).body == b""


@pytest.mark.parametrize(
    ("sent", "headers", "status", "told"),
    [
        (b"{", {}, 400, "the body is not JSON: "),
        (b"", {}, 400, "the body is not JSON: "),
        (b'{"verdict": "true", "verdct": 1}', {}, 422, "body.verdct: is not known here"),
        (b'{"verdict": true}', {}, 422, "body.verdict: Input should be 'true' or 'false'"),
        (b'{"verdict": "true"}', {"Content-Type": "text/plain"}, 415, "application/json"),
        (b"verdict=true", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
        (b'{"verdict": "true"}' + b" " * LARGEST_BODY_BYTES, {}, 413, "65,536 bytes"),
        (b'{"verdict": "true"}', {"Idempotency-Key": "two words"}, 422, "header.idempotency-key"),
    ],
)
def test_a_body_that_cannot_be_used_is_one_clear_problem(desk, served, sent, headers, status, told):
    desk.publish(compose(2))
    [id_] = desk.store.client.zrange(KEY + "alerts", 0, 0)
    answer = ask(served.base, f"/api/v1/alerts/{id_}/verdict", "PUT", served.tokens[Role.ANALYST], sent, **headers)
    assert answer.status == answer.json["status"] == status
    assert told in answer.json["detail"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert desk.store.client.hget(KEY + "alert:" + id_, "verdict") is None


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("alerts?limit=0", "query.limit"),
        ("alerts?limit=1.0", "query.limit: is not a whole number"),
        ("alerts?limit=5&limit=6", "query.limit: is given twice"),
        ("alerts?since=yesterday", "query.since: is not a moment such as"),
        ("alerts?severity=loud", "query.severity"),
        ("alerts?cursor=x", "query.cursor"),
        ("alerts?wacth=x", "query.wacth: is not known here"),
        ("alerts/%20", "path.alert: is no id"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(served, path, told):
    answer = ask(served.base, "/api/v1/" + path, token=served.tokens[Role.READER])
    assert answer.status == 422
    assert told in answer.json["detail"]
    assert answer.json["errors"]


def test_other_methods_and_addresses_are_problems_too(served):
    answer = ask(served.base, "/api/v1/alerts", "DELETE", served.tokens[Role.OPERATOR])
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert ask(served.base, "/api/v1/nothing", token=served.tokens[Role.OPERATOR]).json["status"] == 404


def test_a_write_under_one_key_is_done_once_and_answered_as_the_first_time(desk, served):
    desk.publish(compose(2))
    [id_] = desk.store.client.zrange(KEY + "alerts", 0, 0)
    path, token = f"/api/v1/alerts/{id_}/verdict", served.tokens[Role.ANALYST]
    first = ask(served.base, path, "PUT", token, {"verdict": "true"}, Idempotency_Key="k1")
    desk.store.mark_alert(id_, "open")
    again = ask(served.base, path, "PUT", token, {"verdict": "true"}, Idempotency_Key="k1")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert desk.store.client.hget(KEY + "alert:" + id_, "verdict") is None, "it was not done a second time"
    other = ask(served.base, path, "PUT", token, {"verdict": "false"}, Idempotency_Key="k1")
    assert (other.status, other.json["detail"]) == (422, "this Idempotency-Key was used for another request")
    assert (
        ask(served.base, path, "PUT", served.tokens[Role.OPERATOR], {"verdict": "false"}, Idempotency_Key="k1").status
        == 200
    )
    [kept] = [
        key for key in desk.store.client.keys(KEY + "idempotency:token:*") if desk.store.client.ttl(key) < 86_000
    ] or [None]
    assert kept is None, "it is kept for a day"


def test_a_refused_write_does_not_use_its_key_up(desk, served):
    token = served.tokens[Role.ANALYST]
    desk.publish(compose(2))
    [id_] = desk.store.client.zrange(KEY + "alerts", 0, 0)
    wrong = ask(served.base, "/api/v1/alerts/alrt_none/acknowledgement", "PUT", token, Idempotency_Key="k2")
    assert wrong.status == 404
    assert ask(served.base, f"/api/v1/alerts/{id_}/acknowledgement", "PUT", token, Idempotency_Key="k2").status == 200


def test_of_many_at_once_under_one_key_one_is_done(desk, served):
    desk.publish(compose(2))
    [id_] = desk.store.client.zrange(KEY + "alerts", 0, 0)
    done = []

    def judge():
        path = f"/api/v1/alerts/{id_}/verdict"
        done.append(
            ask(served.base, path, "PUT", served.tokens[Role.ANALYST], {"verdict": "true"}, Idempotency_Key="k3")
        )

    threads = [threading.Thread(target=judge) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in done} <= {200, 409}
    assert sum(answer.status == 200 and "idempotency-replayed" not in answer.headers for answer in done) == 1


def test_a_store_that_is_away_is_a_problem():
    with serving(RedisStore(connect("unix:///nowhere/valkey.sock"))) as base:
        answer = ask(base, "/api/v1/alerts")
    assert (answer.status, answer.json["status"]) == (503, 503)
    assert "nothing runs here" in answer.json["detail"]


def test_no_secret_is_in_any_answer(desk, redis_store, served):
    desk.publish_demo(4)
    secrets = {"hunter2", "proxy.example", "k3y", SECRET, *served.tokens.values()}
    feeds = tuple(
        replace(
            feed, url=f"https://user:hunter2@{feed.id}.example/rss?key=k3y",
            access=Access("http://proxy.example", (("X-Api-Key", "hunter2"),), "user", "hunter2"),
        )
        for feed in CONFIGURED.feeds
    )  # fmt: skip
    [article] = redis_store.client.zrange(KEY + "articles", 0, 0)
    [alert] = redis_store.client.zrange(KEY + "alerts", 0, 0)
    paths = [
        "alerts", f"alerts/{alert}", "articles", f"articles/{article}", "stories", f"stories/{article}", "feeds",
        f"feeds/{feeds[0].id}", "watches", "verdicts", "health", "openapi.json", "events?seconds=0", "none",
    ]  # fmt: skip
    with serving(redis_store, configuration_=replace(CONFIGURED, feeds=feeds)) as base:
        for path in paths:
            answer = ask(base, f"/api/v1/{path}", token=served.tokens[Role.OPERATOR])
            assert answer.status in (200, 404)
            found = [secret for secret in secrets if secret.encode() in answer.body]
            assert not found, path
            assert "hooks.example" not in answer.body.decode()
        wrong = ask(base, "/api/v1/alerts?token=hunter2", token=served.tokens[Role.OPERATOR])
        assert (wrong.status, b"hunter2" in wrong.body) == (422, False), "what was sent is not repeated"


def test_a_watchs_feed_is_atom_that_readers_take(desk, served):
    desk.publish_demo(8)
    desk.publish(HOSTILE | {"title": "Tanks \x07 <b>shipped</b> & delivered: forty tanks to the army"})
    path = f"/feeds/watch/{WATCH}.atom"
    answer = ask(served.base, path, token=served.tokens[Role.READER])
    assert answer.headers["content-type"].startswith("application/atom+xml")
    parsed = feedparser.parse(answer.body)
    assert not parsed.bozo, parsed.get("bozo_exception")
    alerts = list(served.client().alerts(watch=WATCH))
    assert [entry.title.partition("] ")[2] for entry in parsed.entries][1:] == [a.article.title for a in alerts][1:]
    assert len(parsed.entries) == len(alerts) > 1
    assert all(not entry.get("link", "").startswith("javascript:") for entry in parsed.entries)
    assert len({entry.id for entry in parsed.entries}) == len(alerts)
    assert all(entry.summary for entry in parsed.entries)
    assert ask(served.base, path, token=served.tokens[Role.READER]).body == answer.body
    assert (
        served.tokens[Role.SUBSCRIBER].encode()
        not in ask(served.base, f"{path}?token={served.tokens[Role.SUBSCRIBER]}").body
    )
    empty = feedparser.parse(
        ask(served.base, "/feeds/watch/dprk-sanctions.atom", token=served.tokens[Role.READER]).body
    )
    assert not empty.bozo


def test_the_alert_is_the_webhooks_data_and_more(desk, client):
    desk.publish(compose(2))
    [id_] = desk.store.client.zrange(KEY + "alerts", 0, 0)
    record = json.loads(desk.store.client.hget(KEY + "alert:" + id_, "record"))["data"]
    told = json.loads(client.alert(id_).model_dump_json())
    assert {name: told[name] for name in record if name not in ("article", "sources", "evidence")} == {
        name: value for name, value in record.items() if name not in ("article", "sources", "evidence")
    }
    assert {delivery["endpoint"] for delivery in told["deliveries"]} == {"desk", "night-shift"}


def test_silences_are_made_in_the_tokens_name_listed_and_ended(served):
    client = served.client(Role.ANALYST)
    made = client.add_silence([("watch", "=", WATCH), ("source", "=~", "Blog.*")], seconds=600, comment="a flood")
    assert (made.state, made.author, made.comment, made.suppressed) == ("active", "analyst", "a flood", 0)
    assert client.silences() == [made]
    assert client.end_silence(made.id).state == "ended"
    assert client.end_silence(made.id).state == "ended"
    assert client.silences() == []
    assert [line.facts["by"] for line in client.audit() if line.kind.endswith("silenced")] == ["analyst"] * 2
    assert [one.id for one in client.silences(all_=True)] == [made.id]
    later = client.add_silence(
        [("watch", "=", WATCH)], seconds=60, comment="x", starts_at=made.ends_at.replace(year=2099)
    )
    assert later.state == "pending"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"matchers": [{"label": "watch", "operator": "=~", "value": "("}]}, "RE2"),
        ({"matchers": [{"label": "watch", "operator": "=~", "value": ".*"}]}, "without any label"),
        ({"starts_at": "1999-01-01T00:00:00Z"}, "in the future"),
        ({"starts_at": "9999-12-31T23:59:59Z"}, "body.starts_at: is too far away"),
        ({"comment": ""}, "body.comment"),
        ({"seconds": 0}, "body.seconds"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(served, body, told):
    whole = {"matchers": [{"label": "watch", "operator": "=", "value": "x"}], "seconds": 60, "comment": "why"} | body
    answer = ask(served.base, "/api/v1/silences", "POST", served.tokens[Role.ANALYST], whole)
    assert answer.status == 422
    assert told in answer.json["detail"]


def test_a_script_that_ran_away_cannot_make_silences_without_end(served, monkeypatch):
    monkeypatch.setattr(rest_silences, "MOST_HELD", 3)
    client = served.client(Role.ANALYST)
    made = [client.add_silence([("watch", "=", f"w{n}")], seconds=60, comment="x") for n in range(3)]
    with pytest.raises(ApiError, match="end some first"):
        client.add_silence([("watch", "=", "w4")], seconds=60, comment="x")
    client.end_silence(made[0].id)
    assert client.add_silence([("watch", "=", "w4")], seconds=60, comment="x")


def test_a_repeated_silence_is_one(served):
    whole = {"matchers": [{"label": "watch", "operator": "=", "value": "x"}], "seconds": 60, "comment": "why"}
    token = served.tokens[Role.ANALYST]
    made = [ask(served.base, "/api/v1/silences", "POST", token, whole, Idempotency_Key="s1") for _ in range(3)]
    assert {(answer.status, answer.body) for answer in made} == {(201, made[0].body)}
    assert len(served.client().silences()) == 1


def test_a_verdict_is_kept_with_its_reason_and_who_gave_it(desk, served):
    desk.publish(compose(2))
    client = served.client(Role.ANALYST)
    [alert] = client.alerts()
    client.judge(alert.alert_id, "false", "an exercise")
    [verdict] = client.verdicts()
    assert (verdict.reason, verdict.by) == ("an exercise", "analyst")
    marks = [line.facts for line in client.audit() if line.kind == "marked"]
    assert [(mark["alert"], mark["mark"], mark["by"]) for mark in marks] == [(alert.alert_id, "false", "analyst")]


def test_the_audit_record_is_read_slice_by_slice_and_its_chain_holds(desk, served):
    desk.publish_demo(6)
    lines = list(served.client(Role.ANALYST).audit())
    assert [line.seq for line in lines] == list(range(lines[0].seq, lines[0].seq + len(lines)))
    for before, line in pairwise(lines):
        assert link_of(before.link, line.line.encode()) == line.link
    token, slices, after = served.tokens[Role.ANALYST], [], 0
    while after is not None:
        found = ask(served.base, f"/api/v1/audit?limit=7&after={after}", token=token).json
        slices += found["lines"]
        after = found["next_after"]
    assert [line["seq"] for line in slices] == [line.seq for line in lines]
    assert ask(served.base, "/api/v1/audit?since=2999-01-01T00:00:00Z", token=token).json["lines"] == []
