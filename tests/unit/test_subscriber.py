"""Subscriptions over weeks of a clock that tests move: leases are renewed in time, hubs may fail, feeds may go."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.fakes import ARMS, FakeClock, FakeFetcher, SilentObserver, configuration, done, feed, rss
from tests.memory_store import MemoryStore
from tests.memory_subscriptions import MemorySubscriptionStore
from worker import websub
from worker.lanes import unlimited
from worker.model import Fetched, Hubs, SubscriptionState
from worker.poller import Poller
from worker.subscriber import Board, Subscriber

FEED = feed()
HUBS = Hubs(("https://hub.example/",), FEED.url)
LINKS = f'<https://hub.example/>; rel="hub", <{FEED.url}>; rel="self"'


class Hub:
    """A hub that asks back before it answers, with leases of its own; or one that is down."""

    def __init__(self, store, clock, lease_s: int) -> None:
        self.store, self.clock, self.lease_s = store, clock, lease_s
        self.asked, self.refusal, self.is_silent = [], "", False

    def post(self, url, form, feed):
        self.asked.append((self.clock.now(), form))
        if not self.refusal and not self.is_silent:
            self.ask_back(form)
        return done(self.refusal)

    def ask_back(self, form) -> str | None:
        kept = self.store.find(form["hub.callback"])
        said = {
            "hub.mode": form["hub.mode"],
            "hub.topic": form["hub.topic"],
            "hub.challenge": "x",
            "hub.lease_seconds": str(self.lease_s),
        }
        made = websub.verify(kept.subscription, said, self.clock.now())
        self.store.save(kept.subscription.feed_id, made.subscription, kept.version, made.wait, made.event)
        return made.challenge


class World:
    def __init__(self, lease_s: int = 864_000) -> None:
        self.clock = FakeClock()
        self.memory = MemoryStore(self.clock)
        self.store = MemorySubscriptionStore(self.memory)
        self.hub = Hub(self.store, self.clock, lease_s)
        tokens = (f"token-{n}" for n in range(100))
        self.board = Board(self.store, lambda: next(tokens))
        self.subscriber = Subscriber(
            self.store, self.hub, self.clock, SilentObserver(), configuration((FEED,)), callback=lambda token: token
        )

    def live(self, step: timedelta, times: int) -> list[bool]:
        """Let time pass; whether documents would be taken at each step."""
        taken = []
        for _ in range(times):
            self.clock.at += step
            self.subscriber.step()
            taken.append(self.is_active)
        return taken

    @property
    def subscription(self):
        kept = self.store.read(FEED.id)
        return kept and kept.subscription

    @property
    def is_active(self) -> bool:
        return bool(self.subscription) and websub.is_active(self.subscription, self.clock.now())


@pytest.fixture
def world():
    made = World()
    made.board.advertise(FEED.id, HUBS)
    made.subscriber.step()
    return made


def test_a_hub_that_asks_back_before_it_answers_is_verified(world):
    assert world.subscription.state is SubscriptionState.VERIFIED
    assert world.is_active


def test_leases_are_renewed_before_they_end_with_the_same_secret_for_months(world):
    assert all(world.live(timedelta(hours=6), 4 * 90))
    moments = [at for at, _ in world.hub.asked]
    gaps = {(later - earlier) for earlier, later in pairwise(moments)}
    assert gaps == {timedelta(days=7)}
    assert len({form["hub.secret"] for _, form in world.hub.asked}) == 1
    assert len({form["hub.callback"] for _, form in world.hub.asked}) == 1
    assert world.memory.counted['tocsin_websub_total{event="renewed"}'] == len(moments) - 1


def test_a_hub_that_is_down_for_a_day_costs_no_lease(world):
    world.live(timedelta(hours=1), 24 * 7 - 1)
    world.hub.refusal = "hub.example answered 503"
    assert all(world.live(timedelta(hours=1), 24))
    assert world.subscription.failures > 3
    world.hub.refusal = ""
    assert all(world.live(timedelta(hours=1), 24 * 8))
    assert world.subscription.failures == 0


def test_a_hub_that_never_asks_back_is_asked_again_and_the_lease_ends(world):
    world.hub.is_silent = True
    taken = world.live(timedelta(hours=6), 4 * 12)
    assert (taken[4 * 9], taken[-1]) == (True, False)
    assert len(world.hub.asked) > 3


def test_a_hub_that_denies_is_left_alone_for_a_week(world):
    kept = world.store.read(FEED.id)
    denial = {"hub.mode": "denied", "hub.topic": FEED.url, "hub.reason": "not for you"}
    made = websub.verify(kept.subscription, denial, world.clock.now())
    world.store.save(FEED.id, made.subscription, kept.version, made.wait, made.event)
    asked = len(world.hub.asked)
    assert not any(world.live(timedelta(hours=12), 13))
    assert (len(world.hub.asked), world.subscription.reason) == (asked, "not for you")
    assert world.live(timedelta(hours=12), 2)[-1]


def test_a_feed_that_is_removed_is_unsubscribed(world):
    world.subscriber.adopt(configuration(()))
    world.live(timedelta(seconds=1), 2)
    assert world.hub.asked[-1][1]["hub.mode"] == "unsubscribe"
    assert world.subscription is None


def test_a_feed_whose_hub_is_switched_off_is_unsubscribed_and_not_subscribed_again(world):
    world.live(timedelta(hours=1), 2)
    world.subscriber.adopt(configuration((replace(FEED, websub="off"),)))
    world.live(timedelta(hours=1), 2)
    assert world.hub.asked[-1][1]["hub.mode"] == "unsubscribe"
    asked = len(world.hub.asked)
    world.live(timedelta(days=1), 20)
    assert len(world.hub.asked) == asked
    assert world.store.read(FEED.id) is None


@pytest.mark.parametrize(("websub", "expected"), [("auto", HUBS), ("off", None)])
def test_a_poller_says_what_hubs_a_feed_has_only_where_they_are_wanted(world, websub, expected):
    told = []
    world.board.advertise = lambda _, hubs: told.append(hubs)
    source, fetcher = replace(FEED, websub=websub), FakeFetcher()
    fetcher.documents[FEED.url] = Fetched(rss(ARMS).encode(), FEED.url, links=LINKS)
    world.memory.sync_feeds([source])
    poller = Poller(
        world.memory, fetcher, world.clock, SilentObserver(), lease=timedelta(seconds=90), budget=timedelta(seconds=20),
        at_once=9, read_limit=unlimited, board=world.board,
    )  # fmt: skip
    poller.adopt(configuration((source,)), lambda _: ())
    poller.poll_due()
    assert told == [expected]


def test_a_hub_that_cannot_be_told_to_stop_is_forgotten_after_three_tries(world):
    world.hub.refusal = "hub.example cannot be reached"
    world.subscriber.adopt(configuration(()))
    world.live(timedelta(hours=1), 5)
    assert world.subscription is None


def test_a_feed_that_advertises_no_hub_any_more_is_unsubscribed_and_one_that_does_again_subscribed_anew(world):
    token = world.subscription.token
    world.board.advertise(FEED.id, None)
    world.live(timedelta(seconds=1), 1)
    assert world.subscription is None
    world.board.advertise(FEED.id, HUBS)
    world.live(timedelta(seconds=1), 1)
    assert world.is_active
    assert world.subscription.token != token


def test_a_challenge_that_comes_late_and_unasked_is_refused(world):
    form = world.hub.asked[0][1]
    assert world.hub.ask_back(form) == "x", "a hub may verify again what stands"
    assert world.hub.ask_back(form | {"hub.mode": "unsubscribe"}) is None
    assert world.hub.ask_back(form | {"hub.topic": "https://other.example/"}) is None
    assert world.is_active
