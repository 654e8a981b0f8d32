"""When a worker counts as stalled: only where work is due, Redis answers, and nothing was completed for the limit."""

import pytest

from worker.runtime.vigil import Sighting, Vigil, look

DUE, LATER, IDLE, AWAY = Sighting(True, "1"), Sighting(True, "2"), Sighting(False, "1"), None


@pytest.mark.parametrize(
    ("seen", "is_stalled", "why"),
    [
        ([DUE] * 14, True, "due for 65 s and nothing completed"),
        ([DUE] * 12, False, "55 s are not a minute"),
        ([IDLE] * 30, False, "nothing is due"),
        ([DUE] * 10 + [LATER] + [LATER] * 10, False, "something was completed in between"),
        ([DUE] * 10 + [IDLE] + [DUE] * 10, False, "the work was done in between"),
        ([DUE] * 10 + [AWAY] + [DUE] * 10, False, "Redis was away; the worker has its minute after that"),
        ([AWAY] * 30, False, "without Redis nobody can complete anything"),
        ([DUE] * 10 + [LATER] * 14, True, "it stopped later"),
    ],
)
def test_the_vigil(seen, is_stalled, why):
    now, vigil = 100.0, Vigil(since=100.0, looked=100.0)
    for sighting in seen:
        now += 5
        vigil = vigil.after(sighting, now, 60)
    assert vigil.is_stalled(now, 60) == is_stalled, why


def test_a_process_that_was_frozen_has_its_chance_first():
    vigil = Vigil("1", since=100.0, looked=105.0).after(DUE, 500.0, 60)
    assert not vigil.is_stalled(500.0, 60)


def test_an_endpoint_that_asked_for_a_pause_makes_nobody_stall(redis_store):
    """Its deliveries stand in the outbox with a moment that has come, and are not lent until the pause is over."""
    client = redis_store.client
    client.zadd("{tocsin}:outbox:desk", {"dlv_1": 1})
    assert look(redis_store, "deliver", ["desk"]).is_due
    client.hset("{tocsin}:endpoint:desk", "held_until", 4_000_000_000_000)
    assert not look(redis_store, "deliver", ["desk"]).is_due
    client.hset("{tocsin}:endpoint:desk", "held_until", 1)
    assert look(redis_store, "deliver", ["desk"]).is_due
