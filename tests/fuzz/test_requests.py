"""Whatever is asked of the web process, it answers: never a 500, never a hang. The application itself, in this process."""

import asyncio
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.conftest import CONFIGURED, WATCH, make_token
from tests.desk import Desk
from tests.fakes import ARMS, rss
from tests.fuzz.bent import ODD_VALUES, bent, bent_tree, fuzzed, soon
from worker.api.operations import OPERATIONS
from worker.api.token import Role
from worker.model import Subscription, SubscriptionState
from worker.runtime.callback import Callback
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.subscription_store import RedisSubscriptionStore
from worker.runtime.web import create_web

pytestmark = pytest.mark.integration
HUB_TOKEN, HUB_SECRET = "hub-token", "hub-secret"
STREAMS = ("stream_alerts",)
"""They have no end; `tests/api/test_stream.py` is about them."""
BODIES = (
    {"verdict": "true", "reason": "as told"},
    {"matchers": [{"label": "watch", "op": "=", "value": "a"}], "ends_at": "2030-01-01T00:00:00Z", "comment": "c"},
    {"matchers": [{"label": "watch", "op": "=~", "value": "a.*"}], "seconds": 60, "comment": "c"},
)
QUERIES = (
    b"limit=20&watch=a&severity=high&topic=terrorism&country=KP&since=2026-01-01T00:00:00Z&cursor=abc",
    b"q=tanks&state=open&source=wire&until=2026-03-01&source=other",
    b"from=1&lines=5&seconds=0&ended=true&did=replayed&number=3",
)
PAGES = (
    "/", "/alerts/{alert}", "/trends", "/feeds", "/watches", "/endpoints", "/quarantine", "/silences", "/playground",
    "/metrics", "/version", "/style.css", "/api/alerts", "/api/feeds", "/api/watches", "/api/endpoints", "/readyz",
    "/nowhere/{alert}",
)  # fmt: skip
FORMS = {
    "/alerts/{alert}/mark": {"mark": "true"},
    "/playground/test": {"watch": WATCH, "expect": "fires", "title": "t", "text": "t", "fires_now": WATCH, "do": ""},
    "/endpoints/desk/resume": {},
    "/endpoints/desk/replay": {"alert": "alt_1"},
    "/quarantine/release": {"stage": "enrich", "id": "art_1"},
    "/silences": {"matchers": "watch=a\nsource=~b.*", "for": "1h", "author": "me", "comment": "c"},
    "/silences/{alert}/end": {},
}
TEXT = st.text(max_size=40) | ODD_VALUES.map(str)
NO_VALUE = re.compile(rb"[\x00-\x1f\x7f]|^\s+|\s+$")
"""The server itself answers 400 to what HTTP does not allow in a header, or in a query."""


def as_sent(query: bytes) -> bytes:
    return b"".join(bytes([byte]) if 0x20 < byte < 0x7F else b"%%%02X" % byte for byte in query)


class Application:
    """The web process's application over a store with news in it, called without a socket between."""

    def __init__(self, store: RedisStore, token: str) -> None:
        desk = Desk(store)
        desk.publish_demo(4)
        self.subscriptions = RedisSubscriptionStore(store)
        self.store, self._token = store, token
        self.alert = store.client.zrange("{tocsin}:alerts", 0, 0)[0]
        article = store.client.zrange("{tocsin}:articles", 0, 0)[0]
        self.ids = {"alert": self.alert, "article": article, "story": article, "watch": WATCH, "feed": "feed_demo-wire"}
        callbacks = Callback(self.subscriptions).routes()
        self._application = create_web(
            store, lambda: CONFIGURED, is_stopping=lambda: True, requests_per_minute=10**9, callbacks=callbacks
        )
        self._loop = asyncio.new_event_loop()

    def ask(self, method: str, path: str, *, query: bytes = b"", body: bytes = b"", **headers: str) -> int:
        """The status of the answer, whose body has come to its end. Raises what the application let through."""
        given = {"host": "127.0.0.1", "content-length": str(len(body)), "authorization": f"Bearer {self._token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": quote(path).encode(), "query_string": as_sent(query), "root_path": "",
            "headers": [(name.encode(), NO_VALUE.sub(b"", value.encode("latin-1", "replace"))) for name, value in given.items()],
            "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        answered: list[dict] = []
        received = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            return received.pop() if received else await asyncio.sleep(3_600)

        async def send(message):
            answered.append(message)

        self._loop.run_until_complete(asyncio.wait_for(self._application(scope, receive, send), 60))
        assert answered[-1]["type"] == "http.response.body"
        assert not answered[-1].get("more_body")
        return answered[0]["status"]

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


@pytest.fixture(scope="module")
def web(server):
    client = connect(server.url)
    client.flushall()
    store = RedisStore(client)
    application = Application(store, make_token(store, Role.OPERATOR)[1])
    assert application.ask("GET", "/") == 200
    yield application
    application.close()
    client.close()


def path_of(pattern: str, ids: dict[str, str], odd: str, *, is_known: bool) -> str:
    for name, id_ in ids.items():
        pattern = pattern.replace(f"{{{name}}}", id_ if is_known else odd)
    return pattern.replace("{silence}", odd)


QUERY = bent(QUERIES) | st.dictionaries(TEXT, TEXT, max_size=4).map(
    lambda pairs: urlencode(pairs, errors="replace").encode()
)
BODY = bent([json.dumps(body).encode() for body in BODIES]) | bent_tree(BODIES).map(
    lambda tree: json.dumps(tree).encode()
)


@fuzzed
@given(
    st.sampled_from([one for one in OPERATIONS if one.id not in STREAMS]), QUERY, BODY, st.booleans(), TEXT,
    st.sampled_from(["application/json", "application/json; charset=utf-16", "", "text/plain"]),
)  # fmt: skip
def test_api_requests(web, operation, query, body, is_known, odd, content_type):
    path = path_of(operation.path, web.ids, odd, is_known=is_known)
    with soon("api_requests", (operation.id, path, query, body, content_type)):
        is_bodied = operation.body is not None
        status = web.ask(
            operation.method, path, query=query, body=body if is_bodied else b"", content_type=content_type,
            idempotency_key=odd, if_none_match=odd,
        )  # fmt: skip
        assert status < 500


@fuzzed
@given(st.sampled_from(PAGES), QUERY, st.booleans(), TEXT)
def test_page_requests(web, pattern, query, is_known, odd):
    path = path_of(pattern, web.ids, odd, is_known=is_known)
    with soon("page_requests", (path, query)):
        status = web.ask("GET", path, query=query, cookie=odd, last_event_id=odd)
        assert status < 500 or path == "/readyz"


@fuzzed
@given(st.sampled_from(sorted(FORMS)), st.data(), st.booleans(), TEXT)
def test_forms(web, pattern, data, is_known, odd):
    seed = FORMS[pattern]
    body = data.draw(
        st.dictionaries(st.sampled_from(sorted(seed) or ["a"]), TEXT).map(
            lambda fields: urlencode(seed | fields, errors="replace").encode()
        )
        | bent([urlencode(seed).encode()])
    )
    path = path_of(pattern, web.ids, odd, is_known=is_known)
    with soon("forms", (path, body)):
        status = web.ask("POST", path, body=body, content_type="application/x-www-form-urlencoded")
        assert status < 500


HUB_QUERIES = (
    b"hub.mode=subscribe&hub.topic=https%3A%2F%2Ff.example%2F&hub.challenge=abc&hub.lease_seconds=600",
    b"hub.mode=denied&hub.topic=https%3A%2F%2Ff.example%2F&hub.reason=no",
    b"hub.mode=unsubscribe&hub.topic=https%3A%2F%2Ff.example%2F&hub.challenge=abc",
)


@fuzzed
@given(
    st.sampled_from(["GET", "POST", "POST", "HEAD", "PUT"]), bent(HUB_QUERIES), bent([rss(ARMS).encode()]),
    st.sampled_from([HUB_TOKEN, HUB_TOKEN, "other", "%00"]), st.sampled_from(["sha256", "sha1", "md5", "", "sha999"]),
    st.booleans(), TEXT,
)  # fmt: skip
def test_hub_callbacks(web, method, query, body, token, algorithm, is_genuine, odd):
    """A hub that verifies, denies, pushes what it likes, and signs it right or wrong."""
    subscribe(web)
    named = getattr(hashlib, algorithm, None)
    signature = hmac.new(HUB_SECRET.encode(), body, named).hexdigest() if is_genuine and named else odd
    with soon("hub_callbacks", (method, query, body, algorithm)):
        status = web.ask(
            method, f"/websub/{token}", query=query, body=body if method == "POST" else b"",
            x_hub_signature=f"{algorithm}={signature}", content_type=odd,
        )  # fmt: skip
        assert status < 500 or status == 503  # no feed of that name is polled, hence nothing is taken
        web.subscriptions.pushed("feed_hub")


def subscribe(web: Application) -> None:
    """The subscription stands as it did, whatever was said to its callback before."""
    ends = datetime.now(UTC) + timedelta(hours=1)
    made = Subscription(
        "feed_hub", "https://hub.example/", "https://f.example/", HUB_TOKEN, HUB_SECRET,
        SubscriptionState.VERIFIED, expires_at=ends,
    )  # fmt: skip
    kept = web.subscriptions.read("feed_hub")
    web.subscriptions.save("feed_hub", made, kept.version if kept else 0, timedelta(hours=1))
