"""What never expires by itself and may go after a long time: old alerts, quarantined articles, and leftovers.

Leftovers are the state of feeds and endpoints, and metric fields of watches and endpoints, that the configuration does
not name any more. Articles, stories, finished deliveries and what articles are compared with expire by themselves.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from worker.coverage import WATCH_ID
from worker.model import Configuration
from worker.runtime.feed_record import FIELDS, restore_state
from worker.runtime.redis_client import K, Scripts, ms_of, translated
from worker.runtime.redis_store import RedisStore

_TOGETHER = 200
_LABEL = re.compile(r'(watch|endpoint)="((?:[^"\\]|\\.)*)"')


@dataclass(slots=True)
class Trimmed:
    """How much went, or would go, and which old alerts stay: for deliveries that wait, and for dead letters."""

    alerts: int = 0
    deliveries: int = 0
    alerts_kept_waiting: int = 0
    alerts_kept_dead_letters: int = 0
    quarantined_articles: int = 0
    feeds: int = 0
    endpoints: int = 0
    metric_fields: int = 0

    def to_json(self) -> dict[str, int]:
        """As JSON values."""
        return asdict(self)


class Trimmer:
    """Trims what is older than a moment; with `is_real` False it only counts."""

    def __init__(self, store: RedisStore, configuration: Configuration, before: datetime, *, is_real: bool) -> None:
        self._store, self._configuration, self._is_real = store, configuration, is_real
        self._client: Any = store.client
        self._before, self._before_ms = before, ms_of(before)
        self._run = Scripts(self._client, "trim_alerts", "trim_leftovers").run
        self.trimmed = Trimmed()

    def count_alerts(self) -> int:
        """How many alerts are old enough to be looked at."""
        with translated():
            return int(self._client.zcount(K + "alerts", "-inf", f"({self._before_ms}"))

    def trim_alerts(self, advance: Callable[[int], None], *, takes_dead: bool) -> None:
        """Remove old alerts with their deliveries, some hundred in a step: nothing else waits long."""
        passed, done = 0, self.trimmed
        while True:
            args = (self._before_ms, passed, _TOGETHER, int(self._is_real), int(takes_dead))
            looked, alerts, deliveries, waiting, dead = self._run("trim_alerts", *args)
            done.alerts, done.deliveries = done.alerts + alerts, done.deliveries + deliveries
            done.alerts_kept_waiting += waiting
            done.alerts_kept_dead_letters += dead
            passed += waiting + dead if self._is_real else looked
            advance(looked)
            if looked < _TOGETHER:
                return

    def trim_leftovers(self) -> None:
        """Remove articles that have been in quarantine for so long, and what no configuration names any more."""
        self.trimmed.quarantined_articles = self._remove("article", self._quarantined())
        self.trimmed.feeds = self._remove("feed", self._forgotten_feeds())
        self.trimmed.endpoints = self._remove("endpoint", self._forgotten_endpoints())
        self.trimmed.metric_fields = self._trim_metrics()

    def _remove(self, kind: str, ids: Iterator[str]) -> int:
        if not self._is_real:
            return sum(1 for _ in ids)
        return sum(int(self._run("trim_leftovers", kind, id_, self._before_ms)) for id_ in ids)

    def _quarantined(self) -> Iterator[str]:
        with translated():
            yield from self._client.zrange(
                K + "quarantine:enrich", "-inf", f"({self._before_ms}", byscore=True, offset=0, num=1_000_000
            )

    def _forgotten_feeds(self) -> Iterator[str]:
        known = {feed.id for feed in self._configuration.feeds}
        prefix = K + "feed:"
        with translated():
            for key in self._client.scan_iter(match=prefix + "*", count=1_000):
                id_ = key.removeprefix(prefix)
                if ":" not in id_ and id_ not in known and self._is_old_feed(key):
                    yield id_

    def _is_old_feed(self, key: str) -> bool:
        polled_at = restore_state(*self._client.hmget(key, FIELDS)).polled_at
        return polled_at is None or polled_at < self._before

    def _forgotten_endpoints(self) -> Iterator[str]:
        known = {endpoint.name for endpoint in self._configuration.endpoints}
        with translated():
            for name in sorted(self._client.smembers(K + "endpoints") - known):
                fields = ("since", "succeeded_at", "failed_at")
                moments = [int(moment) for moment in self._client.hmget(K + f"endpoint:{name}", fields) if moment]
                has_work = self._client.zcard(K + f"outbox:{name}") or self._client.zcard(K + f"dead:{name}")
                if not has_work and max(moments, default=0) < self._before_ms:
                    yield name

    def _trim_metrics(self) -> int:
        """Counters of watches and endpoints that are gone; they have no date, and nobody counts them any more."""
        watches = {watch.id for watch in self._configuration.watches} | {WATCH_ID}
        named = {"watch": watches, "endpoint": {endpoint.name for endpoint in self._configuration.endpoints}}
        with translated():
            fields = [
                field
                for field in self._client.hkeys(K + "metrics")
                if any(value not in named[label] for label, value in _LABEL.findall(field))
            ]
            if fields and self._is_real:
                self._client.hdel(K + "metrics", *fields)
        return len(fields)
