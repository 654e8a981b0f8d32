"""A store with news in it, and the web process over it, for tests of what people see. No worker runs."""

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

from tests.fakes import SilentObserver, configuration, done, endpoint, feed
from worker.enrich.enricher import load
from worker.match import Matcher
from worker.model import (
    Attempt,
    EntityCondition,
    Fetched,
    Group,
    PollFailed,
    PollFailure,
    Severity,
    TopicCondition,
    Watch,
)
from worker.pipeline import Pipeline
from worker.runtime.clock import SystemClock
from worker.runtime.demo import compose
from worker.runtime.group_store import RedisGroups
from worker.runtime.redis_store import RedisStore
from worker.runtime.silence_store import RedisSilences
from worker.runtime.web import create_web

FEEDS = (
    feed("Demo Wire", tags=("demo",)), feed("Demo Herald", tags=("demo",)), feed("Broken Times", tags=("demo",)),
)  # fmt: skip
WATCHES = (
    Watch("sanctions-violation", "Sanctions broken or evaded", Severity.HIGH, TopicCondition("sanctions-violation")),
    Watch("arms-transfer", "Weapons supplied, sold or promised", Severity.MEDIUM, TopicCondition("arms-transfer")),
    Watch(
        "dprk-sanctions", "North Korea and sanctions", Severity.CRITICAL,
        Group("all", (EntityCondition(ids=("KP",), name="dprk"), TopicCondition("sanctions-violation"))),
        labels=(("desk", "proliferation"),), is_shadow=True,
    ),
)  # fmt: skip
CONFIGURATION = configuration(FEEDS, WATCHES, (endpoint("desk"), endpoint("night-shift")))
HOSTILE = {
    "title": "<script>alert(1)</script><img src=x onerror=alert(2)> tanks shipped \u202eevil",
    "html": "<p>Peru has delivered forty battle tanks to Chad &lt;/mark&gt;&lt;script&gt;alert(3)&lt;/script&gt; and "
    "artillery shells to the army, the defence ministry said.</p>",
    "guid": "hostile",
    "link": "javascript:alert(4)",
}


@dataclass
class Desk:
    """Publishes articles into the feeds and lets the real stages work on them."""

    store: RedisStore
    fetcher: dict[str, object] = field(default_factory=dict)
    hook_status: int = 204

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(
            store=self.store, fetcher=self, enricher=load(), sender=self, clock=SystemClock(),
            observer=SilentObserver(), configuration=CONFIGURATION, matcher=Matcher(CONFIGURATION.watches),
            silences=RedisSilences(self.store.client), groups=RedisGroups(self.store.client),
        )  # fmt: skip
        self.published: dict[str, list[dict[str, str]]] = {feed.name: [] for feed in FEEDS}

    def publish(self, *articles: dict[str, str], to: str = "Demo Wire") -> None:
        """Publish, poll, enrich, deliver."""
        self.published[to] += [{"at": datetime.now(UTC).isoformat()} | article for article in articles]
        self.store.client.delete("{tocsin}:feeds:due")
        self.store.sync_feeds(CONFIGURATION.feeds)
        self.pipeline.poll_due()
        while self.pipeline.enrich_due():
            pass
        self.pipeline.deliver_due()

    def publish_demo(self, number: int, start: int = 0) -> None:
        for name in ("Demo Wire", "Demo Herald"):
            own = [compose(p) for p in range(start, start + number) if p % 2 == (name == "Demo Wire")]
            self.publish(*own, to=name)

    def give_up(self, endpoint: str = "night-shift") -> None:
        """What waits for an endpoint fails once more than the schedule has attempts: dead letters."""
        client = self.store.client
        for id_ in client.zrange(f"{{tocsin}}:outbox:{endpoint}", 0, -1):
            client.hset(f"{{tocsin}}:delivery:{id_}", "attempts", 99)
            client.zadd(f"{{tocsin}}:outbox:{endpoint}", {id_: 1})
        client.delete(f"{{tocsin}}:endpoint:{endpoint}")
        self.pipeline.deliver_due()

    def set_aside(self, article: dict[str, str]) -> None:
        """An article that was begun five times and never ended."""
        self.published["Demo Wire"].append({"at": datetime.now(UTC).isoformat()} | article)
        self.store.client.delete("{tocsin}:feeds:due")
        self.store.sync_feeds(CONFIGURATION.feeds)
        self.pipeline.poll_due()
        while not self.store.quarantined():
            self.store.claim_articles(1, timedelta(0))

    def fetch(self, request):
        if request.feed.name == "Broken Times":
            return done(PollFailed(PollFailure.TIMEOUT, "https://broken.example/rss took longer than 30 s"))
        items = "".join(
            f"<entry><id>{a['guid']}</id><title type='text'>{_escaped(a['title'])}</title>"
            f"<link href='{a.get('link', 'https://news.example/' + a['guid'])}'/><updated>{a['at']}</updated>"
            f"<content type='html'>{_escaped(a['html'])}</content></entry>"
            for a in self.published[request.feed.name]
        )
        text = f"<feed xmlns='http://www.w3.org/2005/Atom'><id>f</id><title>f</title>{items}</feed>"
        return done(Fetched(text.encode(), request.feed.url, "application/atom+xml"))

    def send(self, delivery, endpoint):
        status = self.hook_status if endpoint.name == "desk" else 503
        reason = "" if status < 300 else f"answered {status} Service Unavailable"
        return done(Attempt(status, timedelta(milliseconds=40), reason))


@contextmanager
def serving(store, config: Path = Path(), configuration_=CONFIGURATION, **settings_):
    """The web process's application on a loopback port; its address."""
    with listening(lambda stops: create_web(store, lambda: configuration_, config, stops, **settings_)) as address:
        yield address


@contextmanager
def listening(application_of):
    """An ASGI application, made of a function that says whether it is stopping, on a loopback port; its address."""
    server: uvicorn.Server | None = None
    application = application_of(lambda: bool(server and server.should_exit))
    settings = uvicorn.Config(application, port=0, log_level="error", proxy_headers=False, timeout_graceful_shutdown=3)
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the web process did not start"
        thread.join(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def judged(desk: Desk) -> None:
    """Some verdicts, as an analyst leaves them."""
    ids = desk.store.client.zrange("{tocsin}:alerts", 0, 3)
    for alert_id, mark in zip(ids, ("true", "true", "false", "acknowledged"), strict=False):
        desk.store.mark_alert(alert_id, mark)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


__all__ = ["CONFIGURATION", "HOSTILE", "Desk", "judged", "replace", "serving"]
