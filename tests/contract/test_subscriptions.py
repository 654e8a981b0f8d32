"""What any store promises of subscriptions and pushed documents, over the one in memory and the real one."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes import ARMS, HARMLESS, FakeClock, FakeFetcher, SilentObserver, configuration, feed, rss
from tests.memory_store import MemoryStore
from tests.memory_subscriptions import MemorySubscriptionStore
from tests.polls import finish_poll
from worker import websub
from worker.lanes import unlimited
from worker.model import Hubs, SubscriptionState
from worker.poller import Poller
from worker.runtime.clock import SystemClock
from worker.runtime.subscription_store import RedisSubscriptionStore
from worker.subscriber import Board

FEED = feed()
LEASE = timedelta(seconds=60)
HUBS = Hubs(("https://hub.example/",), FEED.url)


class Bench:
    def __init__(self, store, subscriptions, clock) -> None:
        self.store, self.subscriptions, self.clock = store, subscriptions, clock
        tokens = iter("abcdefgh")
        self.board = Board(subscriptions, lambda: next(tokens))
        self.fetcher = FakeFetcher()
        store.sync_feeds([FEED])
        self.poller = Poller(
            store, self.fetcher, clock, SilentObserver(), lease=LEASE, budget=LEASE, at_once=9,
            read_limit=unlimited, board=self.board,
        )  # fmt: skip
        self.poller.adopt(configuration((FEED,)), lambda _: ())

    def now(self) -> datetime:
        return self.clock.now()

    def subscribe(self):
        self.board.advertise(FEED.id, HUBS)
        kept = self.subscriptions.read(FEED.id)
        asked, wait = websub.asked(kept.subscription, self.now())
        self.subscriptions.save(FEED.id, asked, kept.version, wait, "asked")
        said = {"hub.mode": "subscribe", "hub.topic": FEED.url, "hub.challenge": "x", "hub.lease_seconds": "3600"}
        made = websub.verify(asked, said, self.now())
        assert self.subscriptions.save(FEED.id, made.subscription, kept.version + 1, made.wait, made.event)
        return self.subscriptions.read(FEED.id)

    def push(self, *items) -> bool:
        return self.subscriptions.push(self.subscriptions.read(FEED.id), rss(*items).encode(), "application/rss+xml")

    def next_poll_in(self) -> timedelta:
        if isinstance(self.store, MemoryStore):
            return self.store.due["feeds"][FEED.id] - self.now()
        score = self.store.client.zscore("{tocsin}:feeds:due", FEED.id)
        return datetime.fromtimestamp(score / 1000, UTC) - self.now()


@pytest.fixture(params=["memory", "redis"])
def bench(request):
    if request.param == "memory":
        clock = FakeClock()
        store = MemoryStore(clock)
        return Bench(store, MemorySubscriptionStore(store), clock)
    store = request.getfixturevalue("redis_store")
    return Bench(store, RedisSubscriptionStore(store), SystemClock())


def test_a_change_that_another_one_overtook_is_refused(bench):
    bench.board.advertise(FEED.id, HUBS)
    kept = bench.subscriptions.read(FEED.id)
    assert bench.subscriptions.save(FEED.id, kept.subscription, kept.version, LEASE)
    assert not bench.subscriptions.save(FEED.id, kept.subscription, kept.version, LEASE)
    assert not bench.subscriptions.save(FEED.id, None, kept.version, None)


def test_a_subscription_is_found_by_its_token_and_by_no_other(bench):
    bench.board.advertise(FEED.id, HUBS)
    assert bench.subscriptions.find("a").subscription.feed_id == FEED.id
    assert bench.subscriptions.find("b") is None
    bench.board.advertise(FEED.id, Hubs(("https://other.example/",), FEED.url))
    assert bench.subscriptions.find("a") is None
    token = bench.subscriptions.read(FEED.id).subscription.token
    assert bench.subscriptions.find(token).subscription.hub == "https://other.example/"


def test_what_is_due_is_lent_once(bench):
    bench.board.advertise(FEED.id, HUBS)
    assert [kept.subscription.state for kept in bench.subscriptions.claim(9, LEASE)] == [SubscriptionState.WANTED]
    assert bench.subscriptions.claim(9, LEASE) == []


def test_feeds_that_are_no_longer_wanted_are_due_to_be_ended_and_gone_when_removed(bench):
    kept = bench.subscribe()
    assert bench.subscriptions.claim(9, LEASE) == []
    bench.subscriptions.end_others({"feed_other"})
    assert len(bench.subscriptions.claim(9, LEASE)) == 1
    assert bench.subscriptions.save(FEED.id, None, kept.version, None, "unsubscribed")
    assert bench.subscriptions.read(FEED.id) is None
    assert bench.subscriptions.find(kept.subscription.token) is None


def test_a_pushed_document_becomes_articles_once_and_leaves_the_next_poll_where_it_was(bench):
    bench.fetcher.serve(FEED.url, rss(HARMLESS))
    bench.poller.poll_due()
    before = bench.next_poll_in()
    bench.subscribe()
    now = bench.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
    pushed = ARMS | {"pubDate": now}
    assert bench.push(pushed)
    assert bench.next_poll_in() <= timedelta(seconds=1)
    assert bench.poller.poll_due() == 1
    assert len(bench.fetcher.asked) == 1, "nothing was fetched"
    assert bench.subscriptions.pushed(FEED.id) == []
    assert abs(bench.next_poll_in() - before) < timedelta(seconds=20)
    assert bench.push(pushed)
    assert bench.poller.poll_due() == 0, "the same again is known"


def test_a_document_that_comes_while_the_feed_is_polled_is_read_afterwards(bench):
    bench.subscribe()
    [claim] = bench.store.claim_feeds(9, LEASE)
    assert bench.push(ARMS)
    assert bench.store.claim_feeds(9, LEASE) == [], "the lease holds"
    from worker.poll import PollDecision

    finish_poll(bench.store, claim, PollDecision(claim.state, timedelta(hours=1), "fetched"), ())
    time.sleep(0.002)
    [again] = bench.store.claim_feeds(9, LEASE)
    assert again.pushes == 1
    finish_poll(bench.store, again, PollDecision(again.state, LEASE, "pushed", pushes=1), ())
    assert bench.next_poll_in() > timedelta(minutes=50)


def test_a_poll_that_finds_what_the_hub_never_sent_ends_the_trust_until_it_sends_again(bench):
    kept = bench.subscribe()
    bench.fetcher.serve(FEED.url, rss(HARMLESS))
    bench.push()
    bench.poller.poll_due()
    bench.store.steer_feed(FEED.id, "hurry")
    [claim] = bench.store.claim_feeds(9, LEASE)
    assert abs(claim.delivers_until - kept.subscription.expires_at) < timedelta(milliseconds=2)
    bench.store.steer_feed(FEED.id, "hurry")
    bench.fetcher.serve(FEED.url, rss(ARMS | {"pubDate": bench.now().strftime("%a, %d %b %Y %H:%M:%S GMT")}))
    assert bench.poller.poll_due() == 1
    bench.store.steer_feed(FEED.id, "hurry")
    [claim] = bench.store.claim_feeds(9, LEASE)
    assert claim.delivers_until is None


def test_no_more_than_twenty_documents_wait(bench):
    bench.subscribe()
    assert [bench.push(ARMS | {"guid": str(i)}) for i in range(21)] == [True] * 20 + [False]


def test_a_paused_feed_takes_nothing(bench):
    bench.subscribe()
    bench.store.steer_feed(FEED.id, "pause")
    assert not bench.push(ARMS), "or its hub would be told that the document was taken"
    assert bench.subscriptions.pushed(FEED.id) == []


def test_where_hubs_are_given_up_what_they_had_sent_makes_no_feed_due_for_ever(bench):
    bench.fetcher.serve(FEED.url, rss(HARMLESS))
    bench.poller.poll_due()
    bench.subscribe()
    bench.push(ARMS)
    bench.poller._board = None
    bench.fetcher.serve(FEED.url, rss(ARMS | {"pubDate": bench.now().strftime("%a, %d %b %Y %H:%M:%S GMT")}))
    assert bench.poller.poll_due() == 1
    assert bench.subscriptions.pushed(FEED.id) == []
    assert len(bench.fetcher.asked) == 2, "once, and at the usual time again"
    assert bench.next_poll_in() > timedelta(minutes=1)
