"""What only one stage's process has: the reader its extractor, the poller its subscriptions where hubs can reach us."""

import secrets
from functools import partial

from worker.model import Configuration
from worker.pipeline import Limits
from worker.reader import PageReader
from worker.runtime.callback import callback_address
from worker.runtime.clock import SystemClock
from worker.runtime.extractor import ProcessExtractor
from worker.runtime.fetcher import HttpFetcher
from worker.runtime.http import HttpLoop
from worker.runtime.hub import HttpHubs
from worker.runtime.log import LogObserver
from worker.runtime.page_store import RedisPageStore
from worker.runtime.redis_store import RedisStore
from worker.runtime.settings import Settings
from worker.runtime.subscription_store import RedisSubscriptionStore
from worker.subscriber import Board, Subscriber


def make_reader(store: RedisStore, fetcher: HttpFetcher, settings: Settings) -> PageReader:
    """What reads pages."""
    return PageReader(
        RedisPageStore(store),
        fetcher,
        ProcessExtractor(),
        SystemClock(),
        LogObserver(),
        lease=settings.lease,
        budget=Limits().budget,
    )


def make_subscriber(
    store: RedisStore, loop: HttpLoop, settings: Settings, configuration: Configuration
) -> tuple[Board, Subscriber] | None:
    """What subscribes to hubs; None where no public address is set."""
    if not settings.public_url:
        return None
    subscriptions = RedisSubscriptionStore(store)
    subscriber = Subscriber(
        subscriptions,
        HttpHubs(loop, settings.contact),
        SystemClock(),
        LogObserver(),
        configuration,
        callback=partial(callback_address, settings.public_url),
    )
    return Board(subscriptions, partial(secrets.token_urlsafe, 32)), subscriber
