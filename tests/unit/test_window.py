"""Feeds are asked no faster than their documents are read, and slow servers keep no good one waiting."""

import heapq
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW
from worker.window import AT_ONCE, FIRST, LEAST, TOO_LONG, Window

MOST = 100
MOMENT = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("size", "waited", "becomes"),
    [
        (8, timedelta(0), 9),  # the reader waited for it
        (8, AT_ONCE, 9),
        (8, AT_ONCE + MOMENT, 8),
        (8, TOO_LONG, 8),
        (8, TOO_LONG + MOMENT, 4),
        (MOST, timedelta(0), MOST),
        (99, timedelta(seconds=5), 49),
        (5, timedelta(seconds=5), LEAST),
        (LEAST, timedelta(seconds=5), LEAST),
    ],
)
def test_an_answer_widens_the_window_where_the_reader_waited_and_halves_it_where_it_had_to_wait(size, waited, becomes):
    window = Window(MOST, size)
    window.took(NOW, NOW, NOW + waited)
    assert window.size == becomes


def test_what_was_asked_before_the_window_narrowed_narrows_it_no_more():
    window = Window(MOST, 64)
    narrowed = NOW + timedelta(seconds=3)
    for _ in range(30):
        window.took(NOW, NOW + MOMENT, narrowed)
    assert window.size == 32
    window.took(narrowed, narrowed, narrowed + timedelta(seconds=1))
    assert window.size == 16


@pytest.mark.parametrize(
    ("size", "in_flight", "room"),
    [(8, 0, 8), (8, 6, 2), (8, 7, 0), (100, 76, 0), (100, 75, 25), (1, 0, 1), (1, 1, 0), (4, 9, 0)],
)
def test_feeds_are_asked_by_the_dozen(size, in_flight, room):
    assert max(Window(MOST, size).room(in_flight), 0) == room


def test_a_window_opens_wide_within_a_third_of_a_second_of_silence():
    window, moments = Window(MOST), 0
    while not window.is_widest:
        window.idled()
        moments += 1
    assert moments <= 7
    assert Window(3).size == 3


@given(st.integers(1, 200), st.lists(st.one_of(st.none(), st.floats(0, 60)), max_size=60))
def test_a_window_never_closes_and_never_exceeds_its_most(most, events):
    window = Window(most)
    for event in events:
        window.idled() if event is None else window.took(NOW, NOW, NOW + timedelta(seconds=event))
        assert min(LEAST, most) <= window.size <= most


def simulate(feeds: list[tuple[float, float]]) -> tuple[float, float]:
    """Poll feeds of (seconds to answer, seconds to read); when all that can be were read, and the longest wait of one."""
    window, now, longest = Window(MOST), 0.0, 0.0
    due, flying = list(reversed(feeds)), []

    def at(seconds: float):
        return NOW + timedelta(seconds=seconds)

    while due or flying:
        while due and len(flying) < window.size:
            answer_s, read_s = due.pop()
            heapq.heappush(flying, (now + answer_s, now, read_s))
        if flying[0][0] > now:
            if flying[0][0] - now > 0.05:
                now += 0.05
                window.idled()
                continue
            now = flying[0][0]
        answered, asked, read_s = heapq.heappop(flying)
        window.took(at(asked), at(answered), at(now))
        longest, now = max(longest, now - answered), now + read_s
    return now, longest


def test_in_a_burst_no_document_waits_long_and_the_reader_never():
    ended, longest = simulate([(0.01, 0.075)] * 100)
    assert ended < 100 * 0.075 + 0.1
    assert longest < 0.7
    assert simulate([(0.01, 0.3)] * 100)[1] < FIRST * 0.3


def test_slow_servers_lower_no_throughput():
    ended, _ = simulate([(2.0, 0.005)] * 1_000)
    assert ended < 10 * 2.0 + 1_000 * 0.005 + 1
    fast, _ = simulate([(0.01, 0.0005)] * 10_000)
    assert fast < 10_000 * 0.0005 + 0.5


def test_dripping_feeds_that_come_first_keep_the_others_waiting_for_a_moment():
    good = [(0.02, 0.005)] * 1_000
    alone, _ = simulate(good)
    flying_on, _ = simulate([(30.0, 0.0)] * 50 + good)
    assert flying_on == pytest.approx(30.0, abs=1)
    read, _ = simulate([(8.0, 0.0)] * 50 + good)
    assert read < max(alone + 1, 8.5)
