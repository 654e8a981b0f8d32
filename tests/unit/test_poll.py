"""Every outcome of a poll has a next poll: no feed dies silently."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW, feed
from worker.model import (
    EntryMark,
    FeedState,
    Fetched,
    NotModified,
    Pace,
    PollFailed,
    PollFailure,
    Postponed,
    Reading,
)  # fmt: skip
from worker.poll import GONE_WAIT, PollRequest, decide, is_unchanged, request, weight

FEED = feed(interval=timedelta(minutes=15))
RHYTHMIC = feed("rhythmic")
SEEN = FeedState(
    etag='"v1"', last_modified="yesterday", epoch="e1", unconditional_at=NOW, whole_at=NOW, is_baselined=True,
    body_hash="h",
)  # fmt: skip


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
    reading = Reading(marks=(EntryMark("1"), EntryMark("2")))
    decision = after(Fetched(b"x", "u", etag='"v2"'), replace(SEEN, failures=3), body_hash="h2", reading=reading)
    assert decision.next_in == FEED.interval
    assert (decision.state.etag, decision.state.failures, decision.state.entries) == ('"v2"', 0, 2)
    assert decision.events == ("feed_recovered",)
    assert decision.outcome == "fetched"


def test_not_modified_keeps_the_validators():
    decision = after(NotModified())
    assert (decision.state.etag, decision.outcome) == ('"v1"', "not_modified")


@pytest.mark.parametrize(
    ("reason", "minutes"),
    [
        (PollFailure.NOT_A_FEED, [30, 60, 120, 240, 480, 960, 1440, 1440]),
        (PollFailure.HOSTILE, [120, 960, 1440]),
        (PollFailure.TLS, [21, 30, 42, 60, 84, 120]),
        (PollFailure.TIMEOUT, [17, 21, 25, 30, 35, 42]),
    ],
)
def test_failures_back_off_by_their_weight(reason, minutes):
    state, waits = SEEN, []
    for _ in minutes:
        decision = after(PollFailed(reason, "m"), state)
        state = decision.state
        waits.append(int(decision.next_in / timedelta(minutes=1)))
    assert waits == minutes


@pytest.mark.parametrize(("status", "weight_"), [(404, 1), (403, 1), (500, 0.5), (502, 0.5), (599, 0.5)])
def test_a_server_in_trouble_weighs_less_than_a_wrong_address(status, weight_):
    assert weight(PollFailed(PollFailure.HTTP_STATUS, "", status=status)) == weight_


@pytest.mark.parametrize(
    ("asked", "minutes"), [(timedelta(hours=2), 120), (timedelta(days=9), 1440), (timedelta(seconds=1), 17)]
)
def test_retry_after_is_honoured_between_a_minute_and_a_day(asked, minutes):
    decision = after(PollFailed(PollFailure.THROTTLED, "m", asked))
    assert int(decision.next_in / timedelta(minutes=1)) == minutes


def test_a_feed_that_is_gone_is_reported_once_and_asked_once_a_month():
    decision = after(PollFailed(PollFailure.GONE, "m"))
    assert decision.state.is_gone
    assert decision.next_in == GONE_WAIT
    assert decision.events == ("feed_gone",)
    assert after(PollFailed(PollFailure.GONE, "m"), decision.state).events == ()


def redirected(times, every, state=SEEN, to="https://new.example/rss", feed_=FEED):
    for i in range(times):
        asked = request(feed_, state, epoch="e1", now=NOW)
        decision = decide(asked, state, NotModified(moved_to=to), epoch="e1", now=NOW + i * every, draw=0.0)
        state = decision.state
    return state


@pytest.mark.parametrize(
    ("times", "every", "moves"),
    [(3, timedelta(hours=12), True), (9, timedelta(hours=1), False), (2, timedelta(hours=48), False)],
)
def test_a_permanent_redirect_is_believed_when_seen_thrice_over_a_day(times, every, moves):
    assert bool(redirected(times, every).address) is moves


def test_a_feed_never_moves_from_https_to_http():
    assert redirected(9, timedelta(hours=12), to="http://new.example/rss").address == ""


def test_a_redirect_that_was_taken_back_or_changed_is_forgotten():
    twice = redirected(2, timedelta(hours=20))
    assert redirected(1, timedelta(0), state=twice, to="https://other.example/").moved_polls == 1
    assert redirected(1, timedelta(0), state=twice, to="").moved_polls == 0


def test_where_a_feed_moved_to_is_asked_until_it_fails_there():
    moved = redirected(3, timedelta(hours=12))
    assert request(FEED, moved, epoch="e1", now=NOW).address == "https://new.example/rss"
    failed = after(PollFailed(PollFailure.DNS, ""), moved).state
    assert request(FEED, failed, epoch="e1", now=NOW).address == FEED.url


def test_a_postponed_poll_changes_nothing_but_the_time():
    decision = after(Postponed(timedelta(seconds=7)))
    assert (decision.state, decision.next_in, decision.outcome) == (SEEN, timedelta(seconds=7), "postponed")


@pytest.mark.parametrize(("per_day", "minutes"), [(48 * 20, 2), (240, 3), (48, 15), (10, 72), (2, 360), (0.1, 1440)])
def test_the_wait_follows_the_feeds_own_rhythm(per_day, minutes):
    came = [NOW - timedelta(days=(i + 1) / per_day) for i in range(20)]
    decision = after(Fetched(b"x", "u"), asked=PollRequest(RHYTHMIC), reading=Reading(arrivals=tuple(came)))
    assert decision.next_in == timedelta(minutes=minutes)


def test_a_new_feed_waits_a_quarter_of_an_hour_until_its_rhythm_is_known():
    assert after(NotModified(), asked=PollRequest(RHYTHMIC)).next_in == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("pace", "fresh_for", "minutes"),
    [
        (Pace(every=timedelta(hours=1)), None, 60),
        (Pace(every=timedelta(hours=1)), timedelta(hours=2), 120),
        (Pace(every=timedelta(minutes=1)), None, 15),
        (Pace(every=timedelta(days=30)), None, 1440),
        (Pace(skip_hours=frozenset({12, 13})), None, 120),
        (Pace(skip_hours=frozenset(range(24))), None, 15),
        (Pace(skip_days=frozenset({NOW.weekday()})), None, 720),
    ],
)
def test_what_the_feed_asks_for_lengthens_the_wait(pace, fresh_for, minutes):
    state = replace(SEEN, pace=pace)
    decision = after(NotModified(fresh_for=fresh_for), state, asked=PollRequest(RHYTHMIC))
    assert decision.next_in == timedelta(minutes=minutes)


def test_a_configured_interval_is_the_longest_wait_of_a_feed_that_answers():
    quick = feed("quick", interval=timedelta(seconds=5))
    state = replace(SEEN, pace=Pace(every=timedelta(hours=6)))
    outcome = NotModified(fresh_for=timedelta(hours=1))
    for draw in (0.0, 0.5, 0.99):
        decision = decide(PollRequest(quick), state, outcome, epoch="e1", now=NOW, draw=draw)
        assert timedelta(seconds=4.5) <= decision.next_in <= timedelta(seconds=5)


@given(
    st.lists(
        st.datetimes(NOW.replace(year=2025, tzinfo=None), NOW.replace(tzinfo=None), timezones=st.just(UTC)), max_size=30
    ),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=400)),
    st.frozensets(st.integers(0, 23)),
)
def test_no_rhythm_or_wish_leads_out_of_two_minutes_to_eight_days(arrivals, every, hours):
    state = replace(SEEN, arrivals=tuple(arrivals), pace=Pace(every=every, skip_hours=hours))
    decision = decide(PollRequest(RHYTHMIC), state, NotModified(), epoch="e1", now=NOW, draw=0.9)
    assert timedelta(minutes=2) <= decision.next_in <= timedelta(days=2)


def test_a_whole_reading_is_due_once_a_week():
    week_old = replace(SEEN, whole_at=NOW - timedelta(days=7))
    asked = request(FEED, week_old, epoch="e1", now=NOW)
    assert asked.is_whole
    assert (asked.etag, asked.last_modified) == ("", "")
    assert after(Fetched(b"x", "u"), week_old, asked=asked).state.whole_at == NOW
    assert after(Fetched(b"x", "u"), SEEN).state.whole_at == SEEN.whole_at


def test_a_304_with_new_validators_brings_them():
    assert after(NotModified(etag='"v9"')).state.etag == '"v9"'


@pytest.mark.parametrize("reason", PollFailure)
def test_every_failure_has_its_own_outcome_and_a_next_poll(reason):
    decision = after(PollFailed(reason, "why"))
    assert (decision.outcome, decision.state.last_message) == (reason.value, "why")
    assert timedelta(0) < decision.next_in <= GONE_WAIT


def test_the_same_bytes_are_not_read_twice_unless_the_store_restarted():
    conditional = request(FEED, SEEN, epoch="e1", now=NOW)
    assert is_unchanged(conditional, SEEN, Fetched(b"x", "u"), "h")
    assert not is_unchanged(request(FEED, SEEN, epoch="e2", now=NOW), SEEN, Fetched(b"x", "u"), "h")
    assert not is_unchanged(conditional, SEEN, Fetched(b"x", "u"), "other")


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_no_number_of_failures_stops_polling(failures, draw):
    asked = request(FEED, SEEN, epoch="e1", now=NOW)
    decision = decide(
        asked, replace(SEEN, failures=failures), PollFailed(PollFailure.DNS, ""), epoch="e1", now=NOW, draw=draw
    )
    assert timedelta(0) < decision.next_in <= timedelta(hours=27)


def test_a_certificate_that_ended_is_told_with_the_days_where_it_was_seen_before():
    failed = PollFailed(PollFailure.CERTIFICATE_EXPIRED, "https://x.example/ has a certificate that is out of date")
    seen = FeedState(certificate_until=NOW - timedelta(days=3, hours=1))
    made = decide(PollRequest(feed()), seen, failed, epoch="e", now=NOW, draw=0.0)
    assert made.state.last_message.endswith("; it ended 3 days ago, on 2026-02-26")
    assert made.state.certificate_until == seen.certificate_until
    unseen = decide(PollRequest(feed()), FeedState(), failed, epoch="e", now=NOW, draw=0.0)
    assert unseen.state.last_message == failed.message


@given(
    state=st.builds(
        FeedState,
        etag=st.sampled_from(["", '"v1"']),
        last_modified=st.sampled_from(["", "yesterday"]),
        epoch=st.just("e1"),
        unconditional_at=st.sampled_from([None, NOW]),
        whole_at=st.just(NOW),
        polled_at=st.just(NOW - timedelta(hours=1)),
        is_baselined=st.booleans(),
        failures=st.sampled_from([0, 0, 2]),
        burden=st.sampled_from([0.0, 0.0, 1.5]),
        moved_to=st.sampled_from(["", "", "https://new.example/"]),
        certificate_until=st.sampled_from([None, NOW]),
        arrivals=st.sampled_from([(), (NOW - timedelta(hours=2), NOW - timedelta(hours=9))]),
        marks=st.just((EntryMark("r"),)),
    ),
    outcome=st.builds(
        NotModified,
        etag=st.sampled_from(["", '"v1"', '"v2"']),
        last_modified=st.sampled_from(["", "yesterday"]),
        fresh_for=st.sampled_from([None, timedelta(hours=3)]),
        moved_to=st.sampled_from(["", "", "https://new.example/"]),
        certificate_until=st.sampled_from([None, NOW]),
    ),
)
def test_a_poll_that_stores_its_moment_alone_would_have_stored_nothing_else(state, outcome):
    decision = after(outcome, state)
    # an unconditional request is never taken for one that learned nothing
    plain = after(outcome, state, asked=replace(request(FEED, state, epoch="e1", now=NOW), etag="", last_modified=""))
    assert plain.seen_at is None
    expected = replace(plain.state, unconditional_at=decision.state.unconditional_at, epoch=decision.state.epoch)
    assert decision.remembered == expected
    assert (decision.next_in, decision.outcome, decision.events) == (plain.next_in, plain.outcome, plain.events)


def test_a_304_of_a_feed_that_is_well_stores_its_moment_alone():
    decision = after(NotModified('"v1"', "yesterday"))
    assert (decision.state is SEEN, decision.seen_at) == (True, NOW)
    assert (decision.remembered.polled_at, decision.remembered.succeeded_at) == (NOW, NOW)


def test_what_is_learned_beside_a_304_is_stored_with_its_moment():
    decision = after(NotModified()).taught(replace(SEEN, longest_gap=timedelta(1)), ("feed_blind",))
    assert (decision.seen_at, decision.state.polled_at, decision.state.longest_gap) == (None, NOW, timedelta(1))
    assert decision.events == ("feed_blind",)
