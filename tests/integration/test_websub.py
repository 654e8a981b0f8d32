"""A real hub on loopback: it is subscribed to, asks back, distributes, and what it sends becomes an alert in seconds."""

import hashlib
import hmac
import json
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import pages
from tests.desk import CONFIGURATION
from tests.fakes import ARMS, HARMLESS, rss
from tests.integration.world import Deployment, eventually, tocsin
from worker.model import Hubs, SubscriptionState
from worker.runtime.callback import Callback
from worker.runtime.subscription_store import RedisSubscriptionStore
from worker.runtime.web import create_web

pytestmark = pytest.mark.integration
WATCHES = "watches: [{id: tanks, title: Tanks, match: {phrase: forty battle tanks}}]\n"


class Hub:
    """Accepts subscriptions, verifies intent after its answer, signs what it distributes (WebSub §5, §7, §8)."""

    def __init__(self) -> None:
        self.subscribers: dict[str, str] = {}
        self.forms: list[dict[str, str]] = []
        self.verified: list[tuple[str, int, str]] = []
        self.document, self.polls = b"", 0
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = dict(urllib.parse.parse_qsl(body))
                hub.forms.append(form)
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                threading.Thread(target=hub.verify, args=(form,), daemon=True).start()

            def do_GET(self) -> None:
                hub.polls += 1
                self.send_response(200)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(hub.document)))
                self.end_headers()
                self.wfile.write(hub.document)

            def log_message(self, *_) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def verify(self, form: dict[str, str], **changed: str) -> tuple[int, str]:
        query = {
            "hub.mode": form["hub.mode"], "hub.topic": form["hub.topic"], "hub.challenge": "chal-1",
            "hub.lease_seconds": "600",
        } | changed  # fmt: skip
        status, text = ask(f"{form['hub.callback']}?{urllib.parse.urlencode(query)}")
        self.verified.append((query["hub.mode"], status, text))
        if status == 200 and text == "chal-1" and query["hub.mode"] == "subscribe":
            self.subscribers[form["hub.callback"]] = form["hub.secret"]
        return status, text

    def distribute(self, body: bytes, method: str = "sha256", secret: str | None = None) -> list[int]:
        statuses = []
        for callback, own in self.subscribers.items():
            digest = hmac.new((secret or own).encode(), body, getattr(hashlib, method)).hexdigest()
            headers = {"Content-Type": "application/rss+xml", "X-Hub-Signature": f"{method}={digest}"}
            statuses.append(ask(callback, body, **headers)[0])
        return statuses


def ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, body, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def hub():
    made = Hub()
    yield made
    made.server.shutdown()
    made.server.server_close()


@contextmanager
def web(store):
    """The web process's application, with callbacks, on a loopback port."""
    import asyncio

    import uvicorn

    application = create_web(store, lambda: CONFIGURATION, callbacks=Callback(RedisSubscriptionStore(store)).routes())
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="error", proxy_headers=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    eventually(lambda: server.started, 20, "the web process")
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def with_hub(hub: Hub, topic: str, *items: dict[str, str]) -> str:
    links = f"<atom:link rel='hub' href='{hub.url}'/><atom:link rel='self' href='{topic}'/>"
    return rss(*items).replace("<channel>", f"<channel xmlns:atom='http://www.w3.org/2005/Atom'>{links}")


def test_what_a_hub_distributes_is_an_alert_within_seconds_and_a_forgery_is_refused(
    world, server, redis_store, hub, tmp_path
):
    with web(redis_store) as public:
        run = Deployment(tmp_path, server, world)
        run.interval = "1h"  # so that no poll can be what brings the news
        run.environ["TOCSIN_PUBLIC_URL"] = public
        topic = f"{hub.url}feed"  # on a private network a feed's hub is where the feed is
        hub.document = with_hub(hub, topic, HARMLESS).encode()
        run.configure([topic], WATCHES)
        run.start("poller", "enricher", "deliverer", "beat")
        try:
            eventually(lambda: hub.subscribers, 40, "the verified subscription")
            polls = hub.polls
            news = ARMS | {"pubDate": format_datetime(datetime.now(UTC))}
            assert hub.distribute(rss(news).encode(), secret="guessed") == [403]
            started = time.monotonic()
            assert hub.distribute(rss(news).encode()) == [202]
            eventually(lambda: world.received, 20, "the alert")
            assert time.monotonic() - started < 15
            assert hub.distribute(rss(news).encode(), "sha512") == [202], "delivered twice"
            more = news | {"guid": "arms-2", "title": pages.TITLE + " again", "link": "https://wire.example/arms-2"}
            assert hub.distribute(rss(news, more).encode(), "sha1") == [202]
            eventually(
                lambda: redis_store.client.hget("{tocsin}:metrics", 'tocsin_polls_total{outcome="pushed"}') == "3",
                20,
                "three documents",
            )
            assert hub.polls == polls, "nothing was fetched"
            assert len([r for r in world.received if r.data["article"]["title"] == ARMS["title"]]) == 1
            forged = redis_store.client.hget("{tocsin}:metrics", 'tocsin_websub_total{event="forged"}')
            assert forged == "1"
            (run.config / "feeds.yaml").write_text("feeds: []\n", "utf-8")
            eventually(lambda: ("unsubscribe", 200, "chal-1") in hub.verified, 30, "the end of the subscription")
            assert hub.distribute(rss(news).encode()) == [404]
        finally:
            run.stop()


@pytest.fixture
def subscribed(redis_store):
    """A verified subscription and its callback's address."""
    store = RedisSubscriptionStore(redis_store)
    from secrets import token_urlsafe

    from worker import websub
    from worker.subscriber import Board

    feed = CONFIGURATION.feeds[0]
    redis_store.sync_feeds(CONFIGURATION.feeds)
    Board(store, lambda: token_urlsafe(32)).advertise(feed.id, Hubs(("https://hub.example/",), feed.url))
    kept = store.read(feed.id)
    asked, wait = websub.asked(kept.subscription, datetime.now(UTC))
    store.save(feed.id, asked, kept.version, wait)
    with web(redis_store) as public:
        yield store, feed, f"{public}/websub/{asked.token}", asked.secret


def verifying(url: str, topic: str, **changed: str) -> tuple[int, str]:
    said = {"hub.mode": "subscribe", "hub.topic": topic, "hub.challenge": "<b>x</b>", "hub.lease_seconds": "600"}
    return ask(f"{url}?{urllib.parse.urlencode(said | {k.replace('_', '.', 1): v for k, v in changed.items()})}")


def test_the_callback_tells_nothing_to_whom_it_does_not_know(subscribed):
    store, feed, url, secret = subscribed
    assert ask(url.rsplit("/", 1)[0] + "/guessed")[0] == 404
    assert verifying(url.rsplit("/", 1)[0] + "/guessed", feed.url)[0] == 404
    assert verifying(url, "https://other.example/")[0] == 404
    assert verifying(url, feed.url, hub_mode="unsubscribe")[0] == 404
    assert store.read(feed.id).subscription.state is SubscriptionState.ASKED
    assert (
        ask(
            url,
            rss(ARMS).encode(),
            X_Hub_Signature="sha256=" + hmac.new(secret.encode(), rss(ARMS).encode(), "sha256").hexdigest(),
        )[0]
        == 410
    ), "not yet verified"
    status, text = verifying(url, feed.url)
    assert (status, text) == (200, "<b>x</b>")
    assert store.read(feed.id).subscription.state is SubscriptionState.VERIFIED


def test_a_document_of_more_than_five_megabytes_is_refused_before_it_is_read_whole(subscribed, redis_store):
    store, feed, url, secret = subscribed
    verifying(url, feed.url)
    body = b"x" * 5_000_001
    signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
    with pytest.raises((urllib.error.URLError, ConnectionError, AssertionError)):
        assert ask(url, body, X_Hub_Signature=f"sha256={signature}")[0] != 413
    assert store.pushed(feed.id) == []
    assert redis_store.client.hget("{tocsin}:metrics", 'tocsin_websub_total{event="too_large"}') == "1"


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_every_method_of_the_recommendation_is_understood(subscribed, method):
    store, feed, url, secret = subscribed
    verifying(url, feed.url)
    body = rss(ARMS).encode()
    good = hmac.new(secret.encode(), body, method).hexdigest()
    for header in (
        "",
        f"{method}=",
        f"{method}={good[:-1]}0" if good[-1] != "0" else f"{method}={good[:-1]}1",
        f"md5={good}",
    ):
        assert ask(url, body, X_Hub_Signature=header)[0] == 403
    assert store.pushed(feed.id) == []
    assert ask(url, body, X_Hub_Signature=f"{method}={good}")[0] == 202
    [document] = store.pushed(feed.id)
    assert (document.body, document.url) == (body, feed.url)


def test_a_denial_ends_the_taking_of_documents(subscribed):
    store, feed, url, secret = subscribed
    verifying(url, feed.url)
    assert verifying(url, feed.url, hub_mode="denied", hub_reason="closed")[0] == 200
    body = rss(ARMS).encode()
    assert ask(url, body, X_Hub_Signature="sha1=" + hmac.new(secret.encode(), body, "sha1").hexdigest())[0] == 410
    assert store.read(feed.id).subscription.reason == "closed"


def test_the_command_line_shows_subscriptions_and_no_secret(subscribed, server, tmp_path):
    _, feed, url, secret = subscribed
    verifying(url, feed.url)
    (tmp_path / "feeds.yaml").write_text("feeds: [{url: 'https://x.example/rss', name: A wire}]\n", "utf-8")
    environ = dict(os.environ) | {"TOCSIN_REDIS_URL": server.url}
    shown = tocsin("feeds", "hubs", "--json", "-c", str(tmp_path), env=environ)
    assert shown.returncode == 0, shown.stderr
    [row] = json.loads(shown.stdout)["hubs"]
    assert (row["state"], row["hub"], row["delivers"]) == ("verified", "https://hub.example/", False)
    assert secret not in shown.stdout
    assert url.rpartition("/")[2] not in shown.stdout
