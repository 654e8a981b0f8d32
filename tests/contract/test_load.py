"""What any store tells of what waits in it, over the one in memory and the real one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.test_store import FEED, LEASE, POLLED, SHORT, Bench
from tests.fakes import ARMS, HARMLESS, NOW, FakeClock, rss
from tests.memory_gauge import MemoryGauge
from tests.memory_store import MemoryStore
from tests.polls import finish_poll
from worker.backpressure import Load
from worker.dedupe import identify
from worker.model import Fetched
from worker.parse import parse
from worker.poll import PollDecision
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


def waits(bench) -> tuple[int, int]:
    load = bench.gauge.read()
    return load.unread, load.taken_up


def test_of_an_empty_store_nothing_waits(bench):
    assert bench.gauge.read() == Load(0, 0, None)


def test_articles_wait_until_they_are_lent_and_again_when_the_lease_ended(bench):
    bench.ingest(ARMS, HARMLESS)
    assert waits(bench) == (2, 0)
    bench.store.claim_articles(1, LEASE)
    assert waits(bench) == (1, 1)
    bench.store.claim_articles(1, SHORT)
    bench.let_leases_end()
    assert waits(bench) == (1, 2)


def test_what_waits_for_its_page_is_not_taken_up(bench):
    bench.store.sync_feeds([FEED])
    [claim] = bench.store.claim_feeds(10, LEASE)
    drafts = identify(FEED, POLLED, parse(Fetched(rss(ARMS).encode(), FEED.url)), NOW)
    waiting = [replace(draft, wants_page=True) for draft in drafts]
    assert finish_poll(bench.store, claim, PollDecision(POLLED, SHORT, "fetched"), waiting).new == 1
    assert waits(bench) == (0, 0)


def test_what_is_edited_while_it_waits_is_not_taken_up(bench):
    bench.ingest(ARMS)
    bench.let_leases_end()
    assert bench.ingest(ARMS | {"description": "Other words, which were not there."}).revised == 1
    assert waits(bench) == (1, 0)


def test_feeds_that_are_lent_are_no_articles_taken_up(bench):
    bench.store.sync_feeds([FEED])
    assert len(bench.store.claim_feeds(1, LEASE)) == 1
    assert waits(bench) == (0, 0)


def test_a_feed_is_due_at_once_then_lent_then_due_when_it_was_polled(bench):
    bench.store.sync_feeds([FEED])
    assert bench.gauge.read().due_in <= timedelta(0)
    bench.store.claim_feeds(1, LEASE)
    assert LEASE - timedelta(seconds=5) < bench.gauge.read().due_in <= LEASE
    bench.store.sync_feeds([])
    assert bench.gauge.read().due_in is None
