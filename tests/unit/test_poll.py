"""Every outcome of a poll has a next poll: no feed dies silently."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW, feed
from worker.model import FeedState, Fetched, NotModified, PollFailed, PollFailure
from worker.poll import LONGEST_WAIT, decide, is_unchanged, request

FEED = feed()
SEEN = FeedState(
    etag='"v1"', last_modified="yesterday", epoch="e1", unconditional_at=NOW, is_baselined=True, body_hash="h"
)


def after(outcome, state=SEEN, asked=None, **kwargs):
    asked = asked or request(FEED, state, epoch="e1", now=NOW)
    return decide(asked, state, outcome, epoch="e1", now=NOW, draw=0.0, **kwargs)


def test_validators_go_out_verbatim():
    asked = request(FEED, SEEN, epoch="e1", now=NOW)
    assert (asked.etag, asked.last_modified) == ('"v1"', "yesterday")


@pytest.mark.parametrize(("epoch", "age"), [("e2", timedelta(0)), ("e1", timedelta(hours=24))])
def test_a_restarted_store_or_a_full_day_makes_the_poll_unconditional(epoch, age):
    asked = request(FEED, SEEN, epoch=epoch, now=NOW + age)
    assert (asked.etag, asked.last_modified) == ("", "")


def test_success_waits_the_interval_and_forgets_failures():
    decision = after(Fetched(b"x", "u", etag='"v2"'), replace(SEEN, failures=3), body_hash="h2", entries=4)
    assert decision.next_in == FEED.interval
    assert (decision.state.etag, decision.state.failures, decision.state.entries) == ('"v2"', 0, 4)
    assert decision.outcome == "fetched"


def test_not_modified_keeps_the_validators():
    decision = after(NotModified())
    assert (decision.state.etag, decision.outcome) == ('"v1"', "not_modified")


@pytest.mark.parametrize(("failures", "minutes"), [(0, 15), (1, 30), (2, 60), (6, 960), (7, 1440), (500, 1440)])
def test_failures_back_off_to_a_day(failures, minutes):
    decision = after(PollFailed(PollFailure.TIMEOUT, "m"), replace(SEEN, failures=failures))
    assert decision.next_in == timedelta(minutes=minutes)


@pytest.mark.parametrize(("asked", "hours"), [(timedelta(hours=2), 2), (timedelta(days=9), 24)])
def test_retry_after_is_honoured_up_to_a_day(asked, hours):
    decision = after(PollFailed(PollFailure.THROTTLED, "m", asked))
    assert decision.next_in == timedelta(hours=hours)


def test_a_feed_that_is_gone_is_asked_once_a_day():
    decision = after(PollFailed(PollFailure.GONE, "m"))
    assert decision.state.is_gone
    assert decision.next_in == timedelta(hours=24)


@pytest.mark.parametrize("reason", PollFailure)
def test_every_failure_has_its_own_outcome_and_a_next_poll(reason):
    decision = after(PollFailed(reason, "why"))
    assert (decision.outcome, decision.state.last_message) == (reason.value, "why")
    assert timedelta(0) < decision.next_in <= LONGEST_WAIT * 1.1


def test_the_same_bytes_are_not_read_twice_unless_the_store_restarted():
    assert is_unchanged(SEEN, Fetched(b"x", "u"), "h", epoch="e1")
    assert not is_unchanged(SEEN, Fetched(b"x", "u"), "h", epoch="e2")
    assert not is_unchanged(SEEN, Fetched(b"x", "u"), "other", epoch="e1")


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_no_number_of_failures_stops_polling(failures, draw):
    asked = request(FEED, SEEN, epoch="e1", now=NOW)
    decision = decide(
        asked, replace(SEEN, failures=failures), PollFailed(PollFailure.DNS, ""), epoch="e1", now=NOW, draw=draw
    )
    assert timedelta(0) < decision.next_in <= timedelta(hours=27)
