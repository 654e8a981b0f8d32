"""The same fact has the same id and bytes; every answer of a receiver has a consequence."""

import json
from datetime import timedelta
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from tests.fakes import NOW, SECRET, analysis, article, watch
from worker.alert import alert_id, delivery_id, raise_alerts
from worker.deliver import payload, retry
from worker.deliver.sign import sign
from worker.match import Matcher
from worker.model import Attempt, EntityCondition, Group, Story, TopicCondition

ART = article(
    "Norland ships tanks",
    "Norland delivered forty tanks to Sudmark.",
    link="https://x.example/1",
    published=NOW,
    first_seen=NOW,
)
SEEN = analysis(ART, {"arms-transfer": 0.9}, {"Norland": ("GPE", "NO")})
CONDITION = Group("all", (TopicCondition("arms-transfer"), EntityCondition(ids=("NO",))))


def one_alert(art=ART, seen=SEEN, now=NOW):
    verdicts = Matcher((watch(condition=CONDITION),)).evaluate(art, seen)
    (alert,), _ = raise_alerts(verdicts, art, seen, Story(art.id), config_hash="h", now=now)
    return alert


def test_ids_are_those_of_the_first_release():
    """Golden: these may never change, or every receiver would see every alert anew."""
    assert alert_id("arms-transfer", "art_x", 0) == "alrt_cwut4ckcxprwraqqlg7rhqulogpmmtz3"
    assert delivery_id("alrt_x", "desk") == "msg_a3bd3yiknv2eyz3shphqjt44qibjieha"


def test_an_id_depends_on_watch_story_and_fact_alone():
    assert one_alert().id == one_alert(now=NOW + timedelta(days=1)).id
    assert len({alert_id(w, s, f) for w in "ab" for s in "cd" for f in (0, 1)}) == 8
    assert alert_id("ab", "c", 0) != alert_id("a", "bc", 0)


def test_the_payload_fits_its_schema():
    schema = json.loads((files("worker.deliver") / "alert.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(payload.build(one_alert())), schema)


def test_the_payload_shows_why():
    data = json.loads(payload.build(one_alert()))["data"]
    assert [evidence["condition"] for evidence in data["evidence"]] == ["topic", "entity"]
    for evidence in data["evidence"]:
        assert ART.text[evidence["start"] : evidence["end"]] == evidence["text"]
    assert data["explanation"]["truth"] == "true"


def test_the_payload_stays_small_whatever_the_article():
    long = article("Norland " * 300, "Norland delivered tanks. " * 20_000, first_seen=NOW)
    body = payload.build(one_alert(long, analysis(long, {"arms-transfer": 0.9}, {"Norland": ("GPE", "NO")})))
    assert len(body.encode()) < 20_000


def test_the_reference_library_accepts_our_signature():
    headers = sign("msg_1", '{"a":"ü"}', (SECRET,), NOW)
    verifier = Webhook(SECRET)
    verifier._Webhook__verify_timestamp = lambda _: NOW  # the fixed clock of the test
    assert verifier.verify('{"a":"ü"}', dict(headers)) == {"a": "ü"}


def test_rotation_signs_with_both_secrets():
    other = "whsec_" + "b3RoZXJz" * 5
    both = sign("msg_1", "{}", (SECRET, other), NOW)["webhook-signature"].split()
    assert both == [sign("msg_1", "{}", (key,), NOW)["webhook-signature"] for key in (SECRET, other)]


def attempt(status: int, wait: timedelta | None = None) -> Attempt:
    return Attempt(status, timedelta(seconds=1), "said so", retry_after=wait)


@pytest.mark.parametrize("status", [0, *range(100, 600)])
def test_every_status_has_a_consequence(status):
    decision = retry.decide(attempt(status), 1, 0.0)
    expected = retry.EndpointGone if status == 410 else retry.Delivered if 200 <= status < 300 else retry.RetryIn
    assert isinstance(decision, expected)


def test_the_schedule_reaches_beyond_three_days_and_ends_in_a_dead_letter():
    assert sum(retry.SCHEDULE, timedelta()) >= timedelta(hours=72)
    assert isinstance(retry.decide(attempt(500), len(retry.SCHEDULE), 0.0), retry.RetryIn)
    assert isinstance(retry.decide(attempt(500), len(retry.SCHEDULE) + 1, 0.0), retry.Exhausted)


@pytest.mark.parametrize("number", [1, 10, 11, 40])
def test_a_failed_probe_costs_nothing_until_the_delivery_is_older_than_the_schedule(number):
    young = retry.decide(attempt(500), number, 0.0, is_probe=True, age=timedelta(hours=75))
    old = retry.decide(attempt(500), number, 0.0, is_probe=True, age=timedelta(hours=77))
    assert isinstance(young, retry.RetryIn)
    assert not young.is_counted
    assert isinstance(old, retry.Exhausted)


@given(
    st.integers(1, 10), st.floats(0, 1, exclude_max=True), st.none() | st.timedeltas(timedelta(0), timedelta(days=30))
)
def test_a_retry_never_comes_sooner_than_scheduled_nor_later_than_a_day(number, draw, wait):
    decision = retry.decide(attempt(503, wait), number, draw)
    assert retry.SCHEDULE[number - 1] <= decision.wait <= timedelta(hours=24) * 1.2
    assert decision.wait >= min(wait or timedelta(0), timedelta(hours=24))
