"""Subscriptions over Redis.

websub:FEED      the record and its version          websub:tokens   callback token → feed
websub:due       feeds by the next thing to do       websub:feeds    the feeds that have one
pushed:FEED      documents that hubs pushed and that no poller has read yet, the oldest first
"""

import base64
import json
import zlib
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from worker.model import Fetched, Subscription
from worker.runtime.redis_client import K, Scripts, milliseconds, ms_of, translated
from worker.runtime.redis_store import RedisStore
from worker.series import WEBSUB, series
from worker.subscriber import Kept

MOST_WAITING = 20
KEEP = timedelta(days=1)
_SUBSCRIPTION = TypeAdapter(Subscription)
_SCRIPTS = ("websub_save", "websub_claim", "websub_push")


class RedisSubscriptionStore:
    """See `subscriber.SubscriptionStore`."""

    def __init__(self, store: RedisStore) -> None:
        self._client, self._count = store.client, store.count
        self._run = Scripts(store.client, *_SCRIPTS).run

    def read(self, feed_id: str) -> Kept | None:
        with translated():
            return restore(self._client.hmget(K + f"websub:{feed_id}", ["record", "version"]))

    def find(self, token: str) -> Kept | None:
        with translated():
            feed_id = self._client.hget(K + "websub:tokens", token)
        return self.read(feed_id) if feed_id else None

    def all(self) -> list[Subscription]:
        """Every subscription, for people."""
        with translated():
            feed_ids = sorted(self._client.smembers(K + "websub:feeds"))
        return [kept.subscription for kept in map(self.read, feed_ids) if kept]

    def delivers(self, feed_id: str) -> bool:
        """Whether the hub pushed last, and no poll found since what it had not pushed."""
        with translated():
            return bool(self._client.hexists(K + f"feed:{feed_id}", "delivers_until"))

    def save(
        self, feed_id: str, made: Subscription | None, version: int, wait: timedelta | None, event: str = ""
    ) -> bool:
        record = _SUBSCRIPTION.dump_json(made).decode() if made else ""
        token = made.token if made else self._token(feed_id)
        wait_ms = -1 if wait is None else round(wait.total_seconds() * 1000)
        return bool(self._run("websub_save", feed_id, version, record, token, wait_ms, event))

    def claim(self, limit: int, lease: timedelta) -> list[Kept]:
        rows = self._run("websub_claim", milliseconds(lease), limit)
        return [kept for kept in map(restore, rows) if kept]

    def end_others(self, feed_ids: Collection[str]) -> None:
        with translated():
            others = set(self._client.smembers(K + "websub:feeds")) - set(feed_ids)
            if others:
                self._client.zadd(K + "websub:due", dict.fromkeys(others, 0))

    def push(self, kept: Kept, body: bytes, content_type: str) -> bool:
        subscription = kept.subscription
        packed = base64.b64encode(zlib.compress(body, 1)).decode()
        document = json.dumps({"body": packed, "content_type": content_type, "url": subscription.topic})
        until = ms_of(subscription.expires_at) if subscription.expires_at else 0
        return (
            int(self._run("websub_push", subscription.feed_id, document, until, MOST_WAITING, milliseconds(KEEP))) > 0
        )

    def pushed(self, feed_id: str) -> list[Fetched]:
        with translated():
            rows = [json.loads(row) for row in self._client.lrange(K + f"pushed:{feed_id}", 0, -1)]
        return [
            Fetched(zlib.decompress(base64.b64decode(row["body"])), row["url"], row["content_type"]) for row in rows
        ]

    def count(self, event: str) -> None:
        """Count what changed nothing."""
        self._count([(series(WEBSUB, event=event), 1)])

    def _token(self, feed_id: str) -> str:
        with translated():
            return self._client.hget(K + f"websub:{feed_id}", "token") or ""


def restore(row: Any) -> Kept | None:
    """A subscription from its stored record and version; None where there is none."""
    record, version = row
    return Kept(_SUBSCRIPTION.validate_json(record), int(version)) if record else None
