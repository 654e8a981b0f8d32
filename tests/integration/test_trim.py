"""`tocsin trim` removes what is old and done, and nothing that somebody may still wait for."""

import json
import time
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from worker.cli import app
from worker.runtime import process

DAY_MS = 86_400_000
K = "{tocsin}:"


@pytest.fixture
def tocsin(tmp_path, redis_store, server, monkeypatch):
    monkeypatch.setenv("TOCSIN_REDIS_URL", server.url)
    monkeypatch.setenv("TOCSIN_CONFIG", str(tmp_path))
    monkeypatch.setenv("URL", "https://hooks.example/x")
    (tmp_path / "a.yaml").write_text(
        "feeds: [{url: 'https://a.example/rss', name: A}]\nwatches: [{id: kept, title: t, match: {phrase: tank}}]\n"
        "endpoints: {desk: {url: {env: URL}, format: slack}}\n", "utf-8",
    )  # fmt: skip
    process.open_store.cache_clear()

    def run(*arguments):
        result = CliRunner().invoke(app, ["trim", *arguments, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    run.client = redis_store.client
    yield run
    process.open_store().client.close()
    process.open_store.cache_clear()


def put_alert(client, name, age_days, state="delivered", *, in_quarantine=False):
    at = round(time.time() * 1000) - age_days * DAY_MS
    client.zadd(K + "alerts", {name: at})
    client.zadd(K + "alerts:log", {name: at})
    client.hset(K + f"alert:{name}", mapping={"record": "{}", "watch": "kept"})
    client.rpush(K + f"alert:{name}:deliveries", f"msg_{name}")
    client.hset(K + f"delivery:msg_{name}", mapping={"state": state, "endpoint": "desk", "alert": name})
    client.rpush(K + f"delivery:msg_{name}:attempts", "{}")
    if state == "due":
        client.zadd(K + "outbox:desk", {f"msg_{name}": at})
    if state == "dead":
        client.zadd(K + "dead:desk", {f"msg_{name}": at})
    if in_quarantine:
        client.zadd(K + "quarantine:deliver", {f"msg_{name}": at})


def alerts(client):
    return sorted(client.zrange(K + "alerts", 0, -1))


def test_without_yes_nothing_is_removed(tocsin):
    put_alert(tocsin.client, "old", 400)
    before = sorted(tocsin.client.keys("*"))
    said = tocsin("--older-than", "365d")
    assert (said["removed"], said["alerts"], said["deliveries"]) == (False, 1, 1)
    assert sorted(tocsin.client.keys("*")) == before


def test_old_alerts_go_with_all_that_is_theirs(tocsin):
    put_alert(tocsin.client, "old", 400)
    put_alert(tocsin.client, "young", 300)
    assert tocsin("--older-than", "365d", "--yes")["alerts"] == 1
    assert alerts(tocsin.client) == ["young"]
    assert [key for key in tocsin.client.keys("*") if "old" in key] == []
    assert tocsin.client.zrange(K + "alerts:log", 0, -1) == ["young"]
    assert tocsin("--older-than", "365d", "--yes")["alerts"] == 0


def test_what_still_waits_stays_and_dead_letters_go_only_when_asked_for(tocsin):
    put_alert(tocsin.client, "waits", 400, "due")
    put_alert(tocsin.client, "dead", 400, "dead")
    put_alert(tocsin.client, "held", 400, "due", in_quarantine=True)
    said = tocsin("--older-than", "365d", "--yes")
    assert (said["alerts"], said["alerts_kept_waiting"], said["alerts_kept_dead_letters"]) == (0, 1, 2)
    said = tocsin("--older-than", "365d", "--dead-letters", "--yes")
    assert (said["alerts"], said["alerts_kept_waiting"]) == (2, 1)
    assert alerts(tocsin.client) == ["waits"]
    assert tocsin.client.zcard(K + "dead:desk") == tocsin.client.zcard(K + "quarantine:deliver") == 0


def test_an_alert_that_waits_in_a_group_stays(tocsin):
    put_alert(tocsin.client, "held", 400)
    tocsin.client.sadd(K + "alert:held:groups", "grp_1")
    put_alert(tocsin.client, "old", 400)
    tocsin("--older-than", "365d", "--yes")
    assert alerts(tocsin.client) == ["held"]


def test_many_alerts_go_in_steps_around_those_that_stay(tocsin):
    for number in range(450):
        put_alert(tocsin.client, f"a{number:03}", 400 + number % 7, "due" if number % 10 == 0 else "delivered")
    assert tocsin("--older-than", "365d")["alerts"] == 405
    said = tocsin("--older-than", "365d", "--yes")
    assert (said["alerts"], said["alerts_kept_waiting"]) == (405, 45)
    assert len(alerts(tocsin.client)) == 45


def test_leftovers_of_what_is_not_configured_go(tocsin):
    client, old = tocsin.client, round(time.time() * 1000) - 400 * DAY_MS
    from worker.watchlist.load import feed_id

    configured = feed_id("https://a.example/rss")
    polled = '{"polled_at": "%s"}'
    for name, moment in (
        ("feed_gone", "2020-01-01T00:00:00Z"),
        ("feed_recent", "2099-01-01T00:00:00Z"),
        (configured, "2020-01-01T00:00:00Z"),
    ):
        client.hset(K + f"feed:{name}", "state", polled % moment)
    client.sadd(K + "feeds:paused", "feed_gone")
    client.sadd(K + "endpoints", "desk", "removed", "stranded")
    client.hset(K + "endpoint:removed", "succeeded_at", old)
    client.zadd(K + "outbox:stranded", {"msg": 1})
    client.zadd(K + "quarantine:enrich", {"art_old": old, "art_young": old + 300 * DAY_MS})
    client.hset(K + "article:art_old", "record", "{}")
    counters = {'tocsin_alerts_total{severity="high",watch="kept"}': 1, 'tocsin_alerts_total{severity="high",watch="gone"}': 1,
                'tocsin_alerts_total{severity="medium",watch="coverage"}': 1, 'tocsin_polls_total{outcome="fetched"}': 1,
                'tocsin_webhook_attempts_total{endpoint="removed",outcome="dead"}': 1}  # fmt: skip
    client.hset(K + "metrics", mapping=counters)
    expected = {"quarantined_articles": 1, "feeds": 1, "endpoints": 1, "metric_fields": 2}
    for arguments in ((), ("--yes",)):
        said = tocsin("--older-than", "365d", *arguments)
        assert {key: said[key] for key in expected} == expected
    assert sorted(client.keys(K + "feed:*")) == sorted([K + "feed:feed_recent", K + f"feed:{configured}"])
    assert client.scard(K + "feeds:paused") == 0
    assert client.smembers(K + "endpoints") == {"desk", "stranded"}
    assert client.zrange(K + "quarantine:enrich", 0, -1) == ["art_young"]
    assert not client.exists(K + "article:art_old")
    assert len(client.hkeys(K + "metrics")) == 3


def test_a_feed_that_is_scheduled_again_meanwhile_stays(tocsin):
    tocsin.client.hset(K + "feed:feed_back", "state", '{"polled_at": "2020-01-01T00:00:00Z"}')
    tocsin.client.zadd(K + "feeds:due", {"feed_back": 1})
    assert tocsin("--older-than", str(timedelta(days=365).days) + "d", "--yes")["feeds"] == 0
    assert tocsin.client.exists(K + "feed:feed_back")


def test_what_was_removed_is_in_the_record(tocsin):
    put_alert(tocsin.client, "old", 400)
    tocsin("--older-than", "365d", "--yes")
    lines = [json.loads(fields["line"]) for _, fields in tocsin.client.xrange(K + "audit")]
    assert [(line["kind"], line["alerts"], line["deliveries"]) for line in lines] == [("trimmed", 1, 1)]
