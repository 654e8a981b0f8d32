"""Deliveries that were lent by a server which was deposed at that moment: they are given back as if never claimed."""

import time
from datetime import timedelta

import pytest

from tests.contract.test_deliveries import claim, put
from tests.contract.test_groups import LEASE, SHORT, Bench
from worker.deliver.breaker import AT_ONCE
from worker.deliver.retry import Delivered, RetryIn
from worker.errors import StoreUnavailable
from worker.model import Attempt
from worker.ports import MOST_CLAIMS, SUSPECT
from worker.runtime import replica

pytestmark = pytest.mark.integration
CIRCUIT, SUSPICION = "{tocsin}:endpoint:desk", "{tocsin}:suspect"


@pytest.fixture
def bench(redis_store):
    return Bench(redis_store, None, None, None)


@pytest.fixture
def refused(bench, monkeypatch):
    """Claims while the Sentinels name another primary."""

    def claim_and_fail(times: int = 1) -> None:
        def refuse(*_lent):
            raise StoreUnavailable("deposed")

        with monkeypatch.context() as patch:
            patch.setattr(replica, "secure", refuse)
            for _ in range(times):
                with pytest.raises(StoreUnavailable):
                    claim(bench, "desk")

    return claim_and_fail


def test_what_may_not_be_sent_is_due_again_at_once_and_fills_no_room(bench, refused):
    ids = {put(bench, "desk")["desk"] for _ in range(AT_ONCE)}
    refused(MOST_CLAIMS + 2)
    assert {one.delivery.id for one in claim(bench, "desk")} == ids
    assert bench.store.quarantined() == []
    for id_ in ids:
        assert bench.store.client.hget(f"{{tocsin}}:delivery:{id_}", "claims") == "1"


def test_a_suspect_that_is_given_back_stays_suspect_and_keeps_no_other_waiting(bench, refused):
    [guilty] = put(bench, "desk").values()
    for _ in range(SUSPECT):
        assert claim(bench, "desk", SHORT)
        bench.let_leases_end()
    refused()
    assert not bench.store.client.exists(SUSPICION)
    [again] = claim(bench, "desk")
    assert again.delivery.id == guilty
    assert bench.store.client.hget(SUSPICION, "delivery") == guilty


def test_a_probe_that_is_given_back_may_be_tried_at_once(bench, refused):
    put(bench, "desk")
    deadline = time.monotonic() + 20
    while bench.store.client.hget(CIRCUIT, "circuit") != "open":
        assert time.monotonic() < deadline
        for lent in claim(bench, "desk"):
            bench.store.finish_delivery(lent, Attempt(500, LEASE), RetryIn(timedelta(0), "why"))
    bench.store.client.hset(CIRCUIT, "probe_at", 1)
    refused()
    assert bench.store.client.hget(CIRCUIT, "circuit") == "open"
    [probe] = claim(bench, "desk")
    assert probe.is_probe


def test_what_another_claimed_since_is_not_taken_from_it(bench, monkeypatch):
    [id_] = put(bench, "desk").values()
    others = []

    def be_overtaken(*_lent):
        monkeypatch.undo()
        bench.store.client.zadd("{tocsin}:outbox:desk", {id_: 1})
        bench.store.client.delete("{tocsin}:in_flight:desk")
        others.extend(claim(bench, "desk"))
        raise StoreUnavailable("deposed")

    monkeypatch.setattr(replica, "secure", be_overtaken)
    with pytest.raises(StoreUnavailable):
        claim(bench, "desk")
    time.sleep(0.01)
    assert claim(bench, "desk") == [], "it is on its way"
    assert bench.store.finish_delivery(others[0], Attempt(200, LEASE), Delivered())
