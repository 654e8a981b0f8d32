"""`tocsin endpoints`, `tocsin alerts replay` and `tocsin routes` over a real store and a real receiver."""

import json
import os
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from tests.contract.test_groups import Bench
from tests.fakes import SECRET
from tests.receiver import Receiver, serving
from worker.cli import app
from worker.deliver.retry import Exhausted
from worker.model import Attempt, GroupKey
from worker.runtime import process
from worker.runtime.audit_store import AuditStore
from worker.runtime.doctor import _circuits
from worker.runtime.group_store import RedisGroups
from worker.watchlist import load_configuration

LEASE = timedelta(seconds=60)


@pytest.fixture
def tocsin(tmp_path, redis_store, server, monkeypatch):
    """Runs the command over a store that holds one delivery, and a receiver."""
    receiver = Receiver()
    with serving(receiver.take) as url:
        monkeypatch.setenv("URL", url)
        monkeypatch.setenv("SECRET", SECRET)
        monkeypatch.setenv("TOCSIN_REDIS_URL", server.url)
        monkeypatch.setenv("TOCSIN_CONFIG", str(tmp_path))
        (tmp_path / "config.yaml").write_text(
            "endpoints:\n  desk: {url: {env: URL}, secret: {env: SECRET}, allow_private: true}\n", "utf-8"
        )
        process.open_store.cache_clear()

        def run(*arguments):
            result = CliRunner().invoke(app, arguments)
            return result.exit_code, result.stdout, result.exception

        run.receiver, run.store = receiver, redis_store
        yield run
        process.open_store().client.close()
        process.open_store.cache_clear()


OWN = """
endpoints:
  own: {url: {env: URL}, secret: {env: SECRET}, allow_private: true, format: template, template: '{"text": {{ title }}}'}
  service: {url: {env: APPRISE_URL}, allow_private: true, format: apprise}
"""


class AnySignature:
    """A verifier that lets everything pass."""

    def verify(self, body, headers) -> None:
        """All is well."""


def put(store, id_="msg_1"):
    item = {"alert": "alrt_1", "endpoint": "desk", "body": "{}", "created_at": 1, "attempts": 0, "state": "due"}
    store.client.hset("{tocsin}:delivery:" + id_, mapping=item)
    store.client.hset("{tocsin}:alert:alrt_1", "record", '{"data": {"article": {"title": "Tanks"}}}')
    store.client.rpush("{tocsin}:alert:alrt_1:deliveries", id_)
    store.client.zadd("{tocsin}:outbox:desk", {id_: 1})


def test_an_endpoint_is_tried_with_a_signed_sample_and_the_exchange_shown(tocsin):
    code, out, _ = tocsin("endpoints", "test", "desk", "--json")
    exchange = json.loads(out)
    assert (code, exchange["accepted"], exchange["response"]["body"]) == (0, True, "thank you")
    assert exchange["request"]["headers"]["webhook-id"] in tocsin.receiver.accepted, "and its signature was verified"
    assert SECRET not in out


@pytest.mark.parametrize("format_", ["misp", "pagerduty"])
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_key_that_goes_in_a_header_is_not_shown(tocsin, tmp_path, format_, more):
    tocsin.receiver.verifier = AnySignature()
    text = f"endpoints: {{keyed: {{url: {{env: URL}}, secret: {{env: SECRET}}, allow_private: true, format: {format_}}}}}\n"
    (tmp_path / "config.yaml").write_text(text, "utf-8")
    out = tocsin("endpoints", "test", "keyed", *more)[1]
    assert "…" in out
    assert SECRET not in out


def test_own_formats_are_tried_like_any_other_with_an_alert_and_a_digest(tocsin, tmp_path, monkeypatch):
    tocsin.receiver.verifier = AnySignature()
    monkeypatch.setenv("APPRISE_URL", os.environ["URL"].replace("http://", "json://user:topsecret@"))
    (tmp_path / "config.yaml").write_text(OWN, "utf-8")
    for name, told in (("own", "Norland ships tanks"), ("service", "Norland ships tanks")):
        for more in ((), ("--digest",)):
            code, out, error = tocsin("endpoints", "test", name, *more, "--json")
            assert code == (0 if name == "own" else 1), error  # this receiver wants a webhook-id, which Apprise has not
            exchange = json.loads(out)
            assert told in exchange["request"]["body"] or "2 alerts" in exchange["request"]["body"]
            assert "topsecret" not in out


def test_an_endpoint_that_refuses_the_sample_is_an_exit_code(tocsin):
    tocsin.receiver.verifier = None  # fails, hence 500
    code, out, _ = tocsin("endpoints", "test", "desk")
    assert code == 1
    assert "HTTP 500" in out


def test_endpoints_are_listed_with_their_circuit_and_resumed(tocsin):
    tocsin.store.client.hset("{tocsin}:endpoint:desk", mapping={"circuit": "paused", "reason": "answered 410"})
    put(tocsin.store)
    [row] = json.loads(tocsin("endpoints", "list", "--json")[1])["endpoints"]
    assert (row["state"], row["waiting"], row["reason"]) == ("paused", 1, "answered 410")
    assert "is resumed" in tocsin("endpoints", "resume", "desk")[1]
    assert "was not paused" in tocsin("endpoints", "resume", "desk")[1]


def test_an_endpoint_that_was_renamed_is_shown_named_by_doctor_and_handed_over(tocsin, tmp_path):
    put(tocsin.store)
    tocsin.store.client.sadd("{tocsin}:endpoints", "desk")
    renamed = (tmp_path / "config.yaml").read_text("utf-8").replace("desk:", "night:")
    assert "still configured" in str(tocsin("endpoints", "redirect", "desk", "desk")[2])
    (tmp_path / "config.yaml").write_text(renamed, "utf-8")
    rows = json.loads(tocsin("endpoints", "list", "--json")[1])["endpoints"]
    assert [(row["name"], row["is_configured"], row["waiting"]) for row in rows] == [
        ("night", True, 0), ("desk", False, 1),
    ]  # fmt: skip
    [finding] = [f for f in _circuits(load_configuration(tmp_path)) if f["name"] == "endpoint desk"]
    assert finding["status"] == "failure"
    assert "endpoints redirect desk" in finding["message"]
    assert "endpoints left desk" in finding["message"]
    assert "endpoints drop desk --reason" in finding["message"]
    assert "there is no endpoint dusk" in str(tocsin("endpoints", "redirect", "desk", "dusk")[2])
    assert "nothing was ever sent" in str(tocsin("endpoints", "redirect", "nobody", "night")[2])
    assert tocsin("endpoints", "redirect", "desk", "night")[1] == "handed over to night: 1 delivery\n"
    assert [row["name"] for row in json.loads(tocsin("endpoints", "list", "--json")[1])["endpoints"]] == ["night"]


def test_what_is_left_for_a_removed_endpoint_is_looked_at_and_given_up(tocsin, tmp_path):
    for number in range(3):
        put(tocsin.store, f"msg_{number}")
    tocsin.store.client.sadd("{tocsin}:endpoints", "desk")
    [dies, flies] = tocsin.store.claim_deliveries("desk", 2, LEASE)
    tocsin.store.finish_delivery(dies, Attempt(500, LEASE), Exhausted("why"))
    assert "still configured" in str(tocsin("endpoints", "drop", "desk", "-r", "gone")[2])
    renamed = (tmp_path / "config.yaml").read_text("utf-8").replace("desk:", "night:")
    (tmp_path / "config.yaml").write_text(renamed, "utf-8")
    left = json.loads(tocsin("endpoints", "left", "desk", "--json")[1])["deliveries"]
    assert sorted((one["state"], one["alert"]) for one in left) == [("dead", "alrt_1"), *[("due", "alrt_1")] * 2]
    assert {one["title"] for one in left} == {"Tanks"}
    assert "nothing was ever sent" in str(tocsin("endpoints", "left", "nobody")[2])
    assert "say why" in str(tocsin("endpoints", "drop", "desk", "-r", " ")[2])
    assert tocsin("endpoints", "drop", "desk")[0] == 2, "a reason is asked for"
    told = tocsin("endpoints", "drop", "desk", "-r", "the desk was closed", "--by", "ada")[1]
    assert told == ("given up for desk: 2 deliveries; 1 still on their way: run it again in two minutes\n"), (
        "what is on its way stays"
    )
    assert tocsin.store.client.hget("{tocsin}:metrics", 'tocsin_deliveries_dropped_total{endpoint="desk"}') == "2"
    assert [one["delivery"] for one in json.loads(tocsin("endpoints", "left", "desk", "--json")[1])["deliveries"]] == [
        flies.delivery.id
    ]
    *_, line = (line.facts() for line in AuditStore(tocsin.store).read())
    assert (line["kind"], line["endpoint"], line["reason"], line["by"]) == (
        "dropped", "desk", "the desk was closed", "ada",
    )  # fmt: skip
    assert len(line["deliveries"]) == 2
    dropped = "{tocsin}:delivery:" + dies.delivery.id
    assert tocsin.store.client.hget(dropped, "state") == "dropped"
    assert tocsin.store.client.pttl(dropped) > 0
    again = json.loads(tocsin("endpoints", "drop", "desk", "-r", "again", "--json")[1])
    assert again == {"dropped": [], "on_their_way": 1}
    tocsin.store.client.zadd("{tocsin}:in_flight:desk", {flies.delivery.id: 1})  # its lease ended
    assert tocsin("endpoints", "drop", "desk", "-r", "again")[1] == "given up for desk: 1 delivery\n"
    assert tocsin("endpoints", "drop", "desk", "-r", "again")[1] == "given up for desk: 0 deliveries\n"


def test_dead_letters_are_replayed_by_age_and_endpoint(tocsin):
    put(tocsin.store)
    [claim] = tocsin.store.claim_deliveries("desk", 4, LEASE)
    tocsin.store.finish_delivery(claim, Attempt(500, LEASE), Exhausted("why"))
    assert json.loads(tocsin("alerts", "replay", "--endpoint", "desk", "--since", "2d", "--json")[1]) == {
        "replayed": ["msg_1"]
    }
    [again] = tocsin.store.claim_deliveries("desk", 4, LEASE)
    assert again.delivery == claim.delivery
    assert "nothing there" in tocsin("alerts", "replay")[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("alerts", "replay", "--endpoint", "dsk"), "there is no endpoint dsk"),
        (("alerts", "replay", "alrt_none"), "there is no alert alrt_none"),
        (("alerts", "replay", "--since", "yesterday"), "is not a duration"),
        (("endpoints", "test", "dsk"), "there is no endpoint dsk"),
        (("routes", "test", "severity"), "is not a label"),
    ],
)
def test_what_is_not_there_is_one_clear_message(tocsin, arguments, told):
    code, _, error = tocsin(*arguments)
    assert code != 0
    assert told in str(error)


ROUTES = """
endpoints:
  desk: {url: {env: URL}, secret: {env: SECRET}, allow_private: true}
time_intervals:
  nights: {times: ["20:00-06:30"], location: Europe/Vienna}
watches:
  - {id: arms, title: Arms, severity: high, rate: 10/h, match: {phrase: tanks}}
route:
  endpoint: desk
  routes:
    - {matchers: ['severity="high"'], mute_time_intervals: [nights], continue: true}
    - {matchers: ['severity="high"'], group_by: [watch], group_wait: 1m, continue: true}
    - {digest: {cron: "0 8 * * *", time_zone: Europe/Vienna}}
"""


def test_routes_test_says_when_an_alert_would_go(tocsin, tmp_path):
    (tmp_path / "config.yaml").write_text(ROUTES, "utf-8")
    at = "2026-03-28T22:00+01:00"
    told = json.loads(tocsin("routes", "test", "watch=arms", "--at", at, "--json")[1])
    assert [(plan["how"], plan["at"], plan["why"]) for plan in told["routes"]] == [
        ("quiet", "2026-03-29T04:30:00+00:00", "silent"),
        ("group", "2026-03-28T21:01:00+00:00", "group_wait"),
        ("digest", "2026-03-29T06:00:00+00:00", "digest"),
    ]
    assert [plan.get("beyond_rate", {}).get("max") for plan in told["routes"]] == [10, 10, None]
    assert [plan["route"] for plan in told["routes"]] == ["route.routes[0]", "route.routes[1]", "route.routes[2]"]
    shown = tocsin("routes", "test", "watch=arms", "--at", at)[1]
    assert "held, since the route is silent, until Sun 29 Mar 2026 06:30:00 CEST" in shown


def test_routes_test_says_what_a_silence_keeps_back(tocsin):
    tocsin("silences", "add", 'severity="high"', "--for", "2h", "-m", "known", "--author", "ann")
    told = json.loads(tocsin("routes", "test", "severity=high", "--json")[1])
    assert (told["silence"]["author"], told["silence"]["comment"]) == ("ann", "known")
    assert "would go to desk at once" in tocsin("routes", "test", "severity=high")[1]
    assert json.loads(tocsin("routes", "test", "severity=low", "--json")[1])["silence"] is None


def test_an_alert_that_waits_shows_when_it_will_be_told(tocsin, tmp_path):
    (tmp_path / "config.yaml").write_text(ROUTES, "utf-8")
    bench = Bench(tocsin.store, RedisGroups(tocsin.store.client), None, None)
    alert = bench.hold(timedelta(hours=9), GroupKey("digest", "root/", "desk"))
    shown = json.loads(tocsin("alerts", "show", alert.id)[1])
    [held] = shown["held"]
    assert (held["endpoint"], held["kind"], held["waiting"]) == ("desk", "digest", 1)
    assert held["at"].endswith("00:00+00:00")
    [row] = json.loads(tocsin("alerts", "list", "--json")[1])["alerts"]
    assert (row["waits"], row["silence"], row["deliveries"]) == (1, None, [])


def test_a_held_alert_is_shown_without_a_configuration(tocsin, tmp_path):
    bench = Bench(tocsin.store, RedisGroups(tocsin.store.client), None, None)
    alert = bench.hold(timedelta(hours=9), GroupKey("digest", "root/", "desk"))
    ended = CliRunner().invoke(app, ["alerts", "show", alert.id, "-c", str(tmp_path / "nowhere")])
    assert ended.exit_code == 0, ended.exception
    [held] = json.loads(ended.stdout)["held"]
    assert (held["endpoint"], held["kind"], held["waiting"], held["at"]) == ("desk", "digest", 1, None)
    assert "give another with -c" in ended.stderr


def test_routes_test_says_that_a_shadow_sends_nothing(tocsin, tmp_path):
    shadow = ROUTES.replace("rate: 10/h", "enabled: shadow")
    (tmp_path / "config.yaml").write_text(shadow, "utf-8")
    told = json.loads(tocsin("routes", "test", "watch=arms", "--json")[1])
    assert (told["is_shadow"], told["endpoints"], told["routes"]) == (True, [], [])
    assert tocsin("routes", "test", "watch=arms")[1] == "arms is in shadow: nothing is sent\n"
    assert "shadow: nothing is sent" in tocsin("watches")[1]
    (tmp_path / "config.yaml").write_text(ROUTES, "utf-8")
    assert "shadow" not in tocsin("watches")[1]


def test_routes_test_says_where_an_alert_would_go(tocsin):
    assert json.loads(tocsin("routes", "test", "severity=high", "--json")[1])["endpoints"] == ["desk"]
