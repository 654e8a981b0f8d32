"""Feeds are held back while articles wait to be looked at, and never for long."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW
from worker.backpressure import LEAST, LONGEST_HELD, STANDSTILL, TRICKLE, UNBOUNDED, Backpressure, Load

DUE = timedelta(0)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


class Waiting:
    """An installation whose load a test sets."""

    def __init__(self, unread: int = 0, taken_up: int = 0, due_in: timedelta | None = DUE) -> None:
        self.load = Load(unread, taken_up, due_in)

    def read(self) -> Load:
        return self.load


@pytest.mark.parametrize(
    ("unread", "brings", "in_flight", "room"),
    [
        (0, 0, 0, 64_000),  # polls that bring nothing are held by nothing
        (0, 0, 100, 63_900),
        (0, 8, 0, 8),
        (0, 8, 3, 5),
        (32, 8, 3, 1),
        (60, 8, 0, 1),  # one at least while there is any room
        (60, 8, 1, 0),
        (LEAST, 0, 0, 0),
        (LEAST + 500, 0, 0, 0),
    ],
)
def test_as_many_feeds_are_asked_as_bring_what_may_wait(unread, brings, in_flight, room):
    pressure = Backpressure(Waiting(unread))
    pressure.expected = brings
    assert pressure.room(in_flight, NOW) == room
    assert pressure.is_holding == (room == 0)


def test_nothing_is_held_back_where_no_feed_is_due():
    pressure = Backpressure(Waiting(500, due_in=seconds(1)))
    assert pressure.room(0, NOW) == 0
    assert not pressure.is_holding


def test_a_feed_that_has_been_due_for_half_a_minute_is_asked_whatever_waits():
    waiting = Waiting(5_000, due_in=-LONGEST_HELD + seconds(1))
    assert Backpressure(waiting).room(0, NOW) == 0
    waiting.load = Load(5_000, 0, -LONGEST_HELD)
    assert Backpressure(waiting).room(50, NOW) == UNBOUNDED


def test_enrichers_that_stand_still_hold_back_nobody_until_they_go_on():
    waiting = Waiting(500)
    pressure, at = Backpressure(waiting), NOW
    while at < NOW + STANDSTILL:
        assert pressure.room(0, at) == 0
        at += seconds(0.5)
    assert pressure.room(0, at) == UNBOUNDED
    waiting.load = Load(450, 50, DUE)
    assert pressure.room(0, at + seconds(1)) == 0


def test_articles_that_come_and_wait_are_taken_up_by_nobody():
    waiting = Waiting()
    pressure = Backpressure(waiting)
    for second in range(9):
        waiting.load = Load(10 * second, 0, DUE)
        pressure.room(0, NOW + seconds(second))
    assert (pressure.rate, pressure.limit) == (0, LEAST)
    assert pressure.room(0, NOW + seconds(9)) == UNBOUNDED, "they stand still"


def test_while_feeds_are_held_back_one_is_asked_every_few_seconds():
    waiting, asked = Waiting(), []
    pressure = Backpressure(waiting)
    pressure.room(0, NOW)
    for tenth in range(1, 200):
        waiting.load = Load(1_000, tenth, DUE)
        if pressure.room(0, NOW + seconds(tenth / 10)):
            asked.append(tenth / 10)
    assert asked == [5, 10, 15]


def test_four_tenths_of_a_second_of_work_may_wait_however_many_enrichers_there_are():
    waiting = Waiting(100)
    pressure = Backpressure(waiting)
    for second in range(20):
        pressure.room(0, NOW + seconds(second))
        waiting.load = Load(100, 1_000 * (second + 1), DUE)
    assert 360 < pressure.limit <= 400
    assert pressure.room(0, NOW + seconds(30)) > 0


def test_what_feeds_bring_is_believed_at_once_and_forgotten_by_and_by():
    pressure = Backpressure(Waiting())
    pressure.brought(4, 200)
    assert pressure.expected == 50
    pressure.brought(10, 0)
    assert 10 < pressure.expected < 25
    for _ in range(5):
        pressure.idled()
    assert pressure.expected < 1, "slow servers are asked in numbers"


def test_what_was_held_back_is_counted():
    waiting = Waiting(500)
    pressure = Backpressure(waiting)
    for tenth in range(11):
        pressure.room(0, NOW + seconds(tenth / 10))
    waiting.load = Load(0, 500, DUE)
    pressure.room(0, NOW + seconds(1.2))
    pressure.room(0, NOW + seconds(9))
    assert pressure.held == seconds(1.2)


def simulate(feeds: int, brings: int, looked_at: float) -> tuple[float, int]:
    """A burst: seconds until all feeds were asked, and the most articles that ever waited. Reading a feed takes 20 ms."""
    waiting = Waiting()
    pressure, at, taken, most, open_ = Backpressure(waiting), 0.0, 0.0, 0, feeds
    came = 0
    while open_:
        asked = min(max(pressure.room(0, NOW + seconds(at)), 0), 8, open_)
        for _ in range(asked):
            at, came, open_ = at + 0.02, came + brings, open_ - 1
            pressure.brought(1, brings)
        at += 0.02
        taken = min(taken + looked_at * 0.02 * (asked + 1), came)
        waiting.load = Load(int(came - taken), int(taken), DUE if open_ else None)
        most = max(most, waiting.load.unread)
    return at, most


@given(st.integers(20, 100), st.integers(1, 60), st.floats(20, 2_000))
def test_in_a_burst_little_waits_and_enrichers_never_starve(feeds, brings, looked_at):
    lasted, most = simulate(feeds, brings, looked_at)
    assert most <= max(LEAST, looked_at / 2) + 9 * brings, "beside the first wave, of which nothing was known"
    assert lasted <= 0.04 * feeds + 1.5 * feeds * brings / looked_at + 1


def test_a_clock_that_goes_back_holds_back_nobody():
    waiting = Waiting(5_000)
    pressure = Backpressure(waiting)
    assert pressure.room(0, NOW) == 0
    waiting.load = Load(0, 5_000, DUE)
    assert pressure.room(0, NOW - seconds(3_600)) > 0


def test_a_poller_that_starts_beside_a_backlog_asks_a_feed_soon():
    pressure = Backpressure(Waiting(5_000))
    assert pressure.room(0, NOW) == 0
    assert pressure.room(0, NOW + TRICKLE) >= 1
