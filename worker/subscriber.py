"""Asks hubs for what feeds advertise, renews leases before they end, and ends what nobody wants any more.

Owns the step; what each answer means is decided in `websub`, documents that hubs push are read by the poller.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from worker import ports, series, websub
from worker.model import Configuration, Feed, Fetched, Hubs, Subscription, SubscriptionState

_AT_ONCE = 20
_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Kept:
    """A subscription as it is stored; `version` must still hold when it is changed."""

    subscription: Subscription
    version: int


class SubscriptionStore(Protocol):
    """The subscriptions. Each method is one atomic step."""

    def read(self, feed_id: str) -> Kept | None:
        """The subscription of a feed."""

    def find(self, token: str) -> Kept | None:
        """The subscription whose callback ends in `token`."""

    def save(
        self, feed_id: str, made: Subscription | None, version: int, wait: timedelta | None, event: str = ""
    ) -> bool:
        """Store, or remove with None, if the version still holds (0: there is none); `wait` until something is due."""

    def claim(self, limit: int, lease: timedelta) -> list[Kept]:
        """Subscriptions with which something is to be done, lent for a while."""

    def end_others(self, feed_ids: Collection[str]) -> None:
        """Make the subscriptions of all other feeds due, so that they are ended."""

    def push(self, kept: Kept, body: bytes, content_type: str) -> bool:
        """Store a pushed document and make its feed due at once; False where too many wait already, or it is not polled."""

    def pushed(self, feed_id: str) -> list[Fetched]:
        """The documents that wait, the oldest first."""


class HubClient(Protocol):
    """Posts forms to hubs. The future never raises: it holds "" where the hub took the form, else why not."""

    def post(self, url: str, form: dict[str, str], feed: Feed | None) -> Future[str]:
        """Start one request, under the feed's rights."""


class Board:
    """Where the poller says what feeds advertise, and finds what was pushed."""

    def __init__(self, store: SubscriptionStore, new_token: Callable[[], str]) -> None:
        self._store, self._new_token = store, new_token

    def advertise(self, feed_id: str, hubs: Hubs | None) -> None:
        """Note what a document says of its hubs; another hub or topic replaces the subscription, none ends it."""
        kept = self._store.read(feed_id)
        known, version = (kept.subscription, kept.version) if kept else (None, 0)
        if hubs is None:
            if known and known.state is not SubscriptionState.ENDING:
                self._store.save(feed_id, _ending(known), version, timedelta(0))
            return
        if made := websub.begin(feed_id, hubs, known, token=self._new_token(), secret=self._new_token()):
            self._store.save(feed_id, made, version, timedelta(0))

    def pushed(self, feed_id: str) -> list[Fetched]:
        """The documents that wait for a feed."""
        return self._store.pushed(feed_id)


class Subscriber:
    """Does what is due with the subscriptions."""

    def __init__(  # noqa: PLR0913 - the ports it needs
        self,
        store: SubscriptionStore,
        hubs: HubClient,
        clock: ports.Clock,
        observer: ports.Observer,
        configuration: Configuration,
        *,
        callback: Callable[[str], str],
    ) -> None:
        self._store, self._hubs, self._clock, self._observer = store, hubs, clock, observer
        self._callback = callback
        self._rights: dict[str, Feed] = {}
        self.adopt(configuration)

    def adopt(self, configuration: Configuration) -> None:
        """Subscribe for the feeds of a configuration that want it, and for no others."""
        feeds = {feed.id: feed for feed in configuration.feeds}
        self._feeds = {id_: feed for id_, feed in feeds.items() if feed.websub != "off"}
        self._rights |= feeds  # a hub on a private network is also told to stop there
        self._store.end_others(set(self._feeds))

    def step(self) -> int:
        """Ask hubs for what is due; the number of requests."""
        claimed = self._store.claim(_AT_ONCE, _LEASE)
        posted: list[tuple[Kept, Future[str]]] = []
        for kept in claimed:
            if _is_ended(kept.subscription, self._clock.now()):
                self._store.save(kept.subscription.feed_id, None, kept.version, timedelta(0))
                continue
            wanted = kept
            if kept.subscription.feed_id not in self._feeds and kept.subscription.state is not SubscriptionState.ENDING:
                wanted = Kept(_ending(kept.subscription), kept.version)
            asked, wait = websub.asked(wanted.subscription, self._clock.now())
            # first the note, then the request: many hubs ask back before they answer
            if not self._store.save(asked.feed_id, asked, kept.version, wait, "asked"):
                continue
            form = websub.request_form(asked, self._callback(asked.token))
            posted.append(
                (Kept(asked, kept.version + 1), self._hubs.post(asked.hub, form, self._rights.get(asked.feed_id)))
            )
        for kept, future in posted:
            if refusal := future.result():
                self._refused(kept, refusal)
        return len(posted)

    def _refused(self, kept: Kept, refusal: str) -> None:
        before = kept.subscription
        after, wait = websub.refused(before, refusal, self._clock.draw())
        self._observer.note("hub_refused", feed=before.feed_id, reason=refusal)
        is_over = before.state is SubscriptionState.ENDING and after.failures > 2  # noqa: PLR2004
        # a hub that cannot be asked to stop stops by itself when its lease ends
        self._store.save(before.feed_id, None if is_over else after, kept.version, wait, "failed")


def _ending(subscription: Subscription) -> Subscription:
    return replace(subscription, state=SubscriptionState.ENDING, failures=0, asked_at=None)


def _is_ended(subscription: Subscription, now: datetime) -> bool:
    """Whether a hub was asked to stop, never answered for it, and owes nothing any more since its lease is over."""
    is_over = subscription.expires_at is None or subscription.expires_at <= now
    return subscription.state is SubscriptionState.ENDING and subscription.asked_at is not None and is_over


EVENTS = (
    "asked", "failed", "verified", "renewed", "unsubscribed", "denied", "refused",
    "pushed", "forged", "too_large", "too_many", "not_polled", "unreadable",
)  # fmt: skip
"""The `event` label of `tocsin_websub_total`."""


def count_event(event: str) -> Sequence[tuple[str, float]]:
    """One event as a metric increment."""
    return [(series.series(series.WEBSUB, event=event), 1.0)] if event else []
