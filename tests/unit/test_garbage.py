"""A process that stands walks what it loaded no more, and what is in flight but seldom."""

import gc

import pytest

from worker.runtime.garbage import MOST_YOUNG, settle


@pytest.fixture
def restored():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("restored")
def test_what_a_hundred_polls_hold_in_flight_brings_no_collection():
    loaded = [[] for _ in range(10)]
    settle()
    began = gc.get_stats()[0]["collections"]
    in_flight = [[] for _ in range(60 * 100)]
    assert gc.get_stats()[0]["collections"] == began
    assert gc.get_freeze_count() > len(loaded)
    assert len(in_flight) < MOST_YOUNG
