"""Silence beyond what a feed has taught us to expect is an alert, once, through the same routes."""

import json
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files

import jsonschema
import pytest

from tests.fakes import NOW, feed
from tests.unit.test_pipeline import FEED, Spine
from worker import coverage
from worker.deliver.payload import build
from worker.model import FeedState, PollFailed, PollFailure, Reading

HOUR = timedelta(hours=1)
ORF = feed("ORF")


def came(*hours_ago: float):
    return tuple(NOW - timedelta(hours=hours) for hours in hours_ago)


def known(gap: timedelta, last: timedelta, **changes) -> FeedState:
    values = {
        "succeeded_at": NOW, "watched_since": NOW - timedelta(days=9), "longest_gap": gap, "arrivals": (NOW - last,)
    } | changes  # fmt: skip
    return FeedState(**values)


@pytest.mark.parametrize(
    ("name", "state", "is_blind"),
    [
        ("a nightly pause of 6 h, silent for 8 h", known(6 * HOUR, 8 * HOUR), False),
        ("a nightly pause of 6 h, silent for 10 h", known(6 * HOUR, 10 * HOUR), True),
        ("a weekend of 62 h, silent for 90 h", known(62 * HOUR, 90 * HOUR), False),
        ("a weekend of 62 h, silent for 94 h", known(62 * HOUR, 94 * HOUR), True),
        ("minutes between entries, silent for 50 min", known(HOUR / 20, HOUR * 5 / 6), False),
        ("known for two days only", known(HOUR, 30 * HOUR, watched_since=NOW - timedelta(days=2)), False),
        ("gap unknown", known(HOUR, 30 * HOUR, longest_gap=None), False),
        ("told already", known(HOUR, 30 * HOUR, blind_since=NOW), False),
        ("nothing is known", FeedState(), False),
    ],
)
def test_silence_is_told_beyond_one_and_a_half_times_the_longest_gap(name, state, is_blind):
    assert (coverage.judge(ORF, state, NOW) is not None) is is_blind, name


@pytest.mark.parametrize(
    ("max_silence", "hours", "is_blind"), [("never", 900, False), (2 * HOUR, 3, True), (2 * HOUR, 1, False)]
)
def test_the_configuration_has_the_last_word(max_silence, hours, is_blind):
    blind = coverage.judge(feed("x", max_silence=max_silence), known(HOUR, hours * HOUR), NOW)
    assert (blind is not None) is is_blind


@pytest.mark.parametrize(
    ("gap", "hours", "is_blind"),
    [
        (HOUR, 5, False),
        (HOUR, 7, True),
        (20 * HOUR, 29, False),
        (20 * HOUR, 31, True),
        (None, 23, False),
        (None, 25, True),
    ],
)
def test_a_feed_that_cannot_be_read_is_told(gap, hours, is_blind):
    failing = known(gap, HOUR, failures=3, succeeded_at=NOW - hours * HOUR, last_message="x answered 500")
    blind = coverage.judge(ORF, failing, NOW)
    assert (blind is not None) is is_blind
    assert blind is None or blind.kind == "failing"


def test_a_feed_that_never_answered_is_told_after_a_day():
    never = FeedState(failures=9, failing_since=NOW - 25 * HOUR)
    assert coverage.judge(ORF, never, NOW).kind == "failing"


def test_the_longest_gap_is_learned_and_forgotten_after_thirty_days():
    learned = coverage.learn(FeedState(succeeded_at=NOW), Reading(arrivals=came(1, 2, 9, 10, 24 * 40)), NOW)
    assert learned.longest_gap == 7 * HOUR
    kept = coverage.learn(learned, Reading(arrivals=came(1, 2)), NOW + timedelta(days=20))
    assert kept.longest_gap == 7 * HOUR
    later = NOW + timedelta(days=40)
    fresh = Reading(arrivals=(later - 2 * HOUR, later - HOUR))
    assert coverage.learn(kept, fresh, later).longest_gap == HOUR


def test_blindness_ends_with_news_and_not_with_an_old_entry():
    blind = known(HOUR, 9 * HOUR, blind_since=NOW - 9 * HOUR)
    assert coverage.learn(blind, Reading(arrivals=came(20)), NOW).blind_since
    assert coverage.learn(blind, None, NOW).blind_since
    assert coverage.learn(blind, Reading(arrivals=came(1)), NOW).blind_since is None
    failed = replace(blind, is_told_failing=True)
    assert coverage.learn(failed, None, NOW).blind_since is None


def test_a_poll_tells_when_we_became_blind_and_when_we_see_again():
    silent = known(HOUR, 9 * HOUR)
    became = coverage.cover(ORF, silent, silent, None, config_hash="h", now=NOW)
    assert became.events == ("feed_blind",)
    assert became.alert.id == coverage.cover(ORF, silent, silent, None, config_hash="g", now=NOW + HOUR).alert.id
    still = coverage.cover(ORF, became.state, became.state, None, config_hash="h", now=NOW + HOUR)
    assert still == coverage.Coverage(became.state)
    again = coverage.cover(ORF, became.state, became.state, Reading(arrivals=came(1)), config_hash="h", now=NOW)
    assert (again.events, again.alert, again.state.blind_since) == (("feed_seen_again",), None, None)


def test_the_alert_keeps_the_published_shape_and_names_the_time():
    state = known(6 * HOUR, 9.5 * HOUR)
    blind = coverage.judge(ORF, state, NOW)
    told = coverage.word(ORF, state, blind, alert_id="alrt_" + "a" * 32, config_hash="h", now=NOW)
    payload = json.loads(build(told))
    schema = json.loads((files("worker") / "deliver" / "alert.schema.json").read_text("utf-8"))
    jsonschema.validate(payload, schema)
    assert payload["data"]["article"]["title"] == "Blind on ORF for 9 h"


def test_a_feed_that_falls_silent_for_long_sends_one_alert_and_says_when_it_is_back():
    spine = Spine()
    spine.fetcher.documents[FEED.url] = PollFailed(PollFailure.HTTP_STATUS, "wire.example answered 500", status=500)
    for _ in range(40):
        spine.run(hours=2)
    assert len(spine.received) == 1
    [alert] = spine.store.alerts.values()
    assert alert.watch_id == coverage.WATCH_ID
    spine.serve({"guid": "1", "title": "Back"})
    for _ in range(20):
        spine.run(hours=2)
    assert "feed_seen_again" in [event for event, _ in spine.observer.events]
    assert len(spine.received) == 1


def test_a_feed_that_is_gone_is_told_at_once():
    spine = Spine()
    spine.fetcher.documents[FEED.url] = PollFailed(PollFailure.GONE, "gone", status=410)
    spine.run()
    spine.run(days=31)
    assert len(spine.received) == 1


def test_a_gap_that_ends_with_an_entry_dated_ahead_is_learned_once_its_date_has_come():
    learned = known(HOUR, HOUR, arrivals=came(1, 9), longest_gap_at=NOW - 2 * HOUR, polled_at=NOW - 2 * HOUR)
    assert coverage.learn(learned, None, NOW).longest_gap == 8 * HOUR
    failed = replace(learned, polled_at=NOW, failures=1)
    assert coverage.learn(failed, None, NOW).longest_gap == 8 * HOUR


def test_a_quiet_poll_of_a_feed_whose_gaps_are_learned_changes_nothing():
    learned = known(8 * HOUR, HOUR, arrivals=came(1, 9), longest_gap_at=NOW - 2 * HOUR, polled_at=NOW - HOUR / 2)
    assert coverage.learn(learned, None, NOW) is learned
    forgotten = replace(learned, longest_gap=900 * HOUR, longest_gap_at=NOW - timedelta(days=31))
    assert coverage.learn(forgotten, None, NOW).longest_gap == 8 * HOUR
