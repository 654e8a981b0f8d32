"""When a route is silent, by the clock on the wall, also in the nights that lose or gain an hour."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.model import TimeInterval, Timing
from worker.notify import intervals

NIGHT = TimeInterval("Europe/Vienna", times=((20 * 60, 6 * 60 + 30),))
WORKDAYS = TimeInterval("Europe/Vienna", times=((9 * 60, 17 * 60),), weekdays=(0, 1, 2, 3, 4))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("reason", "interval", "at", "is_in"),
    [
        ("an evening", NIGHT, "2026-03-02T20:00+01:00", True),
        ("an end is not in", NIGHT, "2026-03-03T06:30+01:00", False),
        ("a minute before the end", NIGHT, "2026-03-03T06:29+01:00", True),
        ("by the wall clock in summer", NIGHT, "2026-07-02T20:00+02:00", True),
        ("by the wall clock in winter", NIGHT, "2026-01-02T19:30+01:00", False),
        ("a workday", WORKDAYS, "2026-03-06T16:59+01:00", True),
        ("a Saturday", WORKDAYS, "2026-03-07T10:00+01:00", False),
        ("the last day of a short month", TimeInterval(days_of_month=((-1, -1),)), "2026-02-28T12:00+00:00", True),
        ("not the last but one", TimeInterval(days_of_month=((-1, -1),)), "2026-02-27T12:00+00:00", False),
        ("the first week", TimeInterval(days_of_month=((1, 7),)), "2026-02-07T23:59+00:00", True),
        ("a month", TimeInterval(months=(12, 1)), "2026-01-07T00:00+00:00", True),
        ("another month", TimeInterval(months=(12, 1)), "2026-02-07T00:00+00:00", False),
        ("a year", TimeInterval(years=((2026, 2027),)), "2027-12-31T23:59+00:00", True),
        ("another year", TimeInterval(years=((2026, 2027),)), "2028-01-01T00:00+00:00", False),
        ("always", TimeInterval(), "2028-01-01T00:00+00:00", True),
        ("Friday's night is on Saturday morning", TimeInterval(times=((22 * 60, 6 * 60),), weekdays=(4,)),
         "2026-03-07T05:00+00:00", True),
        ("and none is on Friday morning", TimeInterval(times=((22 * 60, 6 * 60),), weekdays=(4,)),
         "2026-03-06T05:00+00:00", False),
    ],
)  # fmt: skip
def test_membership_is_by_the_clock_on_the_wall(reason, interval, at, is_in):
    assert intervals.is_within(interval, utc(at)) is is_in, reason


@pytest.mark.parametrize(
    ("reason", "timing", "at", "speaks"),
    [
        ("it is not silent", Timing(mute=(NIGHT,)), "2026-03-02T12:00+01:00", "2026-03-02T12:00+01:00"),
        ("a common night", Timing(mute=(NIGHT,)), "2026-03-02T22:00+01:00", "2026-03-03T06:30+01:00"),
        ("spring: an hour less", Timing(mute=(NIGHT,)), "2026-03-28T20:00+01:00", "2026-03-29T06:30+02:00"),
        ("autumn: an hour more", Timing(mute=(NIGHT,)), "2026-10-24T20:00+02:00", "2026-10-25T06:30+01:00"),
        ("an end that the night leaves out", Timing(mute=(TimeInterval("Europe/Vienna", ((60, 150),)),)),
         "2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00"),
        ("two that meet", Timing(mute=(NIGHT, TimeInterval("Europe/Vienna", ((390, 480),)))),
         "2026-03-02T22:00+01:00", "2026-03-03T08:00+01:00"),
        ("a weekend outside office hours", Timing(active=(WORKDAYS,)), "2026-03-06T17:00+01:00",
         "2026-03-09T09:00+01:00"),
        ("half an hour east", Timing(mute=(TimeInterval("Asia/Kolkata", ((0, 360),)),)), "2026-03-02T20:00+00:00",
         "2026-03-03T06:00+05:30"),
    ],
)  # fmt: skip
def test_a_silent_route_speaks_when_the_wall_clock_says_so(reason, timing, at, speaks):
    assert intervals.speaks_at(timing, utc(at)) == utc(speaks), reason


def test_what_is_silent_for_ever_speaks_after_a_year_all_the_same():
    at = utc("2026-03-02T22:00+01:00")
    assert intervals.speaks_at(Timing(mute=(TimeInterval(),)), at) == at + intervals.LONGEST


ZONES = st.sampled_from(["UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
MINUTES = st.integers(0, 1439)


@given(
    ZONES, MINUTES, MINUTES, st.sets(st.integers(0, 6), max_size=6),
    st.integers(0, 3 * 365 * 86_400), st.booleans(),
)  # fmt: skip
def test_it_is_silent_until_it_speaks_and_not_then(zone, start, end, weekdays, at, is_active):
    if start == end:
        return
    interval = TimeInterval(zone, ((start, end),), tuple(sorted(weekdays)))
    timing = Timing(active=(interval,)) if is_active else Timing(mute=(interval,))
    at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=at)
    speaks = intervals.speaks_at(timing, at)
    assert not intervals.is_silent(timing, speaks)
    assert speaks >= at
    if speaks > at:
        assert intervals.is_silent(timing, at)
        assert intervals.is_silent(timing, speaks - timedelta(seconds=1)), "and no sooner"
