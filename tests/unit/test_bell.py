"""Doorbells that ring while their ringer still works."""

import pytest
from kombu.exceptions import OperationalError

from worker.errors import StoreUnavailable
from worker.runtime.bell import Doorbell


def test_a_stage_is_rung_at_most_once_in_a_moment_and_each_stage_by_itself():
    now, rung = [0.0], []
    bell = Doorbell(lambda stage: rung.append((now[0], stage)), lambda: now[0])
    for now[0] in (0.0, 0.1, 0.15, 0.3, 0.4, 0.6):
        bell.ring("enrich")
    bell.ring("deliver")
    assert rung == [(0.0, "enrich"), (0.3, "enrich"), (0.6, "enrich"), (0.6, "deliver")]


def test_a_bell_that_was_rung_too_soon_is_rung_once_when_its_moment_has_come():
    now, rung = [0.0], []
    bell = Doorbell(lambda stage: rung.append((now[0], stage)), lambda: now[0])
    for now[0] in (0.0, 0.05, 0.1):
        bell.ring("enrich")
    for now[0] in (0.15, 0.25, 0.5):
        bell.catch_up()
    assert rung == [(0.0, "enrich"), (0.25, "enrich")]


@pytest.mark.parametrize("failure", [OperationalError, StoreUnavailable])
def test_a_bell_that_cannot_ring_stops_nobody(failure):
    def fail(_stage):
        raise failure

    Doorbell(fail, lambda: 0.0).ring("deliver")
