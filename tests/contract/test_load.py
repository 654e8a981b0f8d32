"""What any store tells of what waits in it, over the one in memory and the real one."""

from datetime import timedelta

import pytest

from tests.contract.test_store import FEED, LEASE, SHORT, Bench
from tests.fakes import ARMS, HARMLESS, FakeClock
from tests.memory_gauge import MemoryGauge
from tests.memory_store import MemoryStore
from worker.backpressure import Load
from worker.runtime.load_gauge import RedisGauge


@pytest.fixture(params=["memory", "redis"])
def bench(request):
    if request.param == "memory":
        clock = FakeClock()
        made = Bench(MemoryStore(clock), clock)
        made.gauge = MemoryGauge(made.store)
    else:
        made = Bench(request.getfixturevalue("redis_store"), None)
        made.gauge = RedisGauge(made.store.client)
    return made


def test_of_an_empty_store_nothing_waits(bench):
    assert bench.gauge.read() == Load(0, 0, None)


def test_articles_wait_until_they_are_lent_and_again_when_the_lease_ended(bench):
    bench.ingest(ARMS, HARMLESS)
    assert (bench.gauge.read().unread, bench.gauge.read().came) == (2, 2)
    bench.store.claim_articles(1, LEASE)
    assert (bench.gauge.read().unread, bench.gauge.read().came) == (1, 2)
    bench.store.claim_articles(1, SHORT)
    bench.let_leases_end()
    assert bench.gauge.read().unread == 1


def test_a_feed_is_due_at_once_then_lent_then_due_when_it_was_polled(bench):
    bench.store.sync_feeds([FEED])
    assert bench.gauge.read().due_in <= timedelta(0)
    bench.store.claim_feeds(1, LEASE)
    assert LEASE - timedelta(seconds=5) < bench.gauge.read().due_in <= LEASE
    bench.store.sync_feeds([])
    assert bench.gauge.read().due_in is None
