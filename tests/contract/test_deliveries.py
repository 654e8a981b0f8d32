"""What any store promises of endpoints and of deliveries that kill who sends them, over the one in memory and the real one."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.test_groups import LEASE, SHORT, Bench
from tests.fakes import FakeClock, endpoint
from tests.memory_store import MemoryStore
from worker import onward
from worker.deliver.retry import Delivered, Exhausted, RetryIn
from worker.model import Attempt
from worker.ports import MOST_CLAIMS


@pytest.fixture(params=["memory", "redis"])
def bench(request):
    if request.param == "redis":
        return Bench(request.getfixturevalue("redis_store"), None, None, None)
    clock = FakeClock()
    return Bench(MemoryStore(clock), None, None, clock)


def put(bench, *names: str) -> dict[str, str]:
    """A delivery to each of the endpoints; their ids by endpoint."""
    alert = bench.alert()
    made = onward.deliveries(alert, [endpoint(name) for name in names])
    bench.raise_(alert, *made)
    return {delivery.endpoint: delivery.id for delivery in made}


def claim(bench, name: str, lease=LEASE):
    return bench.store.claim_deliveries(name, 4, lease)


def make_suspect(bench, name: str, times: int = 2) -> None:
    for _ in range(times):
        assert claim(bench, name, SHORT)
        bench.let_leases_end()


def test_a_delivery_that_twice_never_came_back_is_lent_alone(bench):
    [guilty] = put(bench, "desk").values()
    make_suspect(bench, "desk")
    innocents = {put(bench, "desk")["desk"] for _ in range(3)}
    first = {one.delivery.id for one in claim(bench, "desk", SHORT)}
    assert first == {guilty} or first <= innocents


def test_of_the_suspect_one_is_out_at_a_time_over_all_endpoints(bench):
    put(bench, "desk")
    put(bench, "pager")
    make_suspect(bench, "desk")
    make_suspect(bench, "pager")
    [out] = claim(bench, "desk")
    assert claim(bench, "pager") == []
    fresh = put(bench, "pager")["pager"]
    [innocent] = claim(bench, "pager")
    assert innocent.delivery.id == fresh, "the others go on"
    bench.store.finish_delivery(out, Attempt(200, LEASE), Delivered())
    assert len(claim(bench, "pager")) == 1


def test_a_suspect_whose_sender_died_makes_room_when_its_lease_ends(bench):
    put(bench, "desk")
    put(bench, "pager")
    make_suspect(bench, "desk")
    make_suspect(bench, "pager")
    assert claim(bench, "desk", SHORT)
    bench.let_leases_end()
    assert len(claim(bench, "pager")) == 1


def test_what_kills_whoever_sends_it_takes_no_innocent_into_quarantine(bench):
    guilty = {put(bench, "desk")["desk"]}
    innocents = {put(bench, name)[name] for name in ("desk", "pager", "desk", "pager")}
    delivered = set()
    lease = timedelta(milliseconds=50)
    for _ in range(30):
        out = [one for name in ("desk", "pager") for one in claim(bench, name, lease)]
        if not guilty & {one.delivery.id for one in out}:
            for one in out:
                delivered.add(one.delivery.id)
                bench.store.finish_delivery(one, Attempt(200, LEASE), Delivered())
        time.sleep(0 if bench.clock else 0.06)
        bench.let_leases_end()  # whoever had the guilty died, and with it all that it sent at that time
    assert {held.id for held in bench.store.quarantined()} == guilty
    assert delivered == innocents


def test_the_quarantined_was_claimed_as_often_as_any_other_work(bench):
    put(bench, "desk")
    make_suspect(bench, "desk", MOST_CLAIMS)
    assert claim(bench, "desk") == []
    assert len(bench.store.quarantined()) == 1


def test_an_endpoint_that_asked_for_time_gets_nothing_until_then_or_until_it_is_resumed(bench):
    for _ in range(2):
        put(bench, "desk")
    first, second = claim(bench, "desk")
    busy = Attempt(429, LEASE, "later", retry_after=timedelta(hours=1))
    bench.store.finish_delivery(first, busy, RetryIn(SHORT, "later"))
    bench.store.finish_delivery(second, Attempt(500, LEASE), RetryIn(SHORT, "why"))
    bench.let_leases_end()
    assert claim(bench, "desk") == []
    [state] = bench.store.endpoint_states(["desk"])
    now = bench.clock.now() if bench.clock else datetime.now(UTC)
    assert timedelta(minutes=59) < state.held_until - now <= timedelta(hours=1)
    assert bench.store.resume_endpoint("desk")
    assert not bench.store.resume_endpoint("desk"), "nothing holds it now"
    assert len(claim(bench, "desk")) == 2


def test_what_waits_for_an_endpoint_that_is_no_more_is_handed_over_with_its_ids_and_bytes(bench):
    waits, dies = put(bench, "old")["old"], put(bench, "old")["old"]
    by_id = {one.delivery.id: one for one in claim(bench, "old", SHORT)}
    bench.store.finish_delivery(by_id[dies], Attempt(500, LEASE), Exhausted("why"))
    bench.store.finish_delivery(by_id[waits], Attempt(500, LEASE), RetryIn(SHORT, "why"))
    bench.let_leases_end()
    assert bench.store.known_endpoints() == ["old"]
    assert bench.store.redirect_endpoint("old", "new") == 2
    old, new = bench.store.endpoint_states(["old", "new"])
    assert (old.waiting, old.dead, new.waiting, new.dead) == (0, 0, 1, 1)
    [again] = claim(bench, "new")
    assert (again.delivery.id, again.delivery.endpoint) == (waits, "new")
    assert again.delivery.body == by_id[waits].delivery.body
    assert bench.store.replay(alert=None, endpoints=["new"], since=None) == [dies]
    assert bench.store.redirect_endpoint("old", "new") == 0


def test_what_is_on_its_way_is_not_handed_over_under_the_senders_hands(bench):
    put(bench, "old")
    assert claim(bench, "old", timedelta(minutes=1))
    assert bench.store.redirect_endpoint("old", "new") == 0
