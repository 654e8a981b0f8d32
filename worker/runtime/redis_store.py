"""The store over Redis or Valkey: every step is one Lua script, so a process may die between any two lines.

Keys, all under the hash tag `{tocsin}:`

    feeds:due  articles:due  outbox:ENDPOINT    sorted sets of ids by due time (ms)
    feed:ID  article:ID  alert:ID  delivery:ID  hashes; `fence` is the newest claim's number
    seen:ALIAS                                  the article an alias belongs to
    alerts  dead:ENDPOINT  quarantine:STAGE     sorted sets of ids by time
    metrics  progress                           counters; when each stage last completed something
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import redis
import xxhash
from pydantic import TypeAdapter
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from worker.deliver import payload
from worker.deliver.retry import Decision, Delivered, RetryIn
from worker.errors import StoreUnavailable
from worker.model import Alert, Analysis, Article, Attempt, Delivery, Draft, Feed, FeedState
from worker.poll import PollDecision
from worker.ports import (
    BOILERPLATE,
    MOST_CLAIMS,
    STAGES,
    ArticleClaim,
    DeliveryClaim,
    FeedClaim,
    Ingested,
    Quarantined,
    Stage,
)
from worker.series import ALERTS, series
from worker.zones import passages

K = "{tocsin}:"
REMEMBER = timedelta(days=90)
"""An alias is remembered this long after the entry was last in its feed."""
KEEP = timedelta(days=30)
"""Articles and finished deliveries are kept this long."""

STATE, _ARTICLE = TypeAdapter(FeedState), TypeAdapter(Article)
_ANALYSIS, _ATTEMPT = TypeAdapter(Analysis), TypeAdapter(Attempt)
Counts = Iterable[tuple[str, float]]


def connect(url: str) -> redis.Redis:
    """A client that gives up in seconds, notices dead connections and decodes text."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=30,
        socket_connect_timeout=5,
        health_check_interval=25,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), 3),
    )


class RedisStore:
    """See `ports.Store`. A call that was retried after a lost reply is harmless: its fence no longer holds."""

    def __init__(self, client: redis.Redis) -> None:
        self.client: Any = client  # redis-py's answers are typed for its async twin as well
        self._scripts = {name: client.register_script(_source(name)) for name in _SCRIPTS}

    def sync_feeds(self, feeds: Sequence[Feed]) -> None:
        self._run("sync_feeds", json.dumps([feed.id for feed in feeds]))

    def epoch(self) -> str:
        with translated():
            info: dict[str, Any] = self.client.info("server")
        return str(info["run_id"])

    def claim_feeds(self, limit: int, lease: timedelta) -> list[FeedClaim]:
        return [
            FeedClaim(id_, fence, STATE.validate_json(item["state"]) if "state" in item else FeedState())
            for id_, fence, item in self._claim("poll", "feeds:due", "feed:", limit, lease)
        ]

    def finish_poll(
        self, claim: FeedClaim, decision: PollDecision, drafts: Sequence[Draft], counts: Counts = ()
    ) -> Ingested:
        work = {
            "state": _dump(STATE, decision.state),
            "next_ms": _ms(decision.next_in),
            "remember_ms": _ms(REMEMBER),
            "keep_ms": _ms(KEEP),
            "counts": list(counts),
            "drafts": [
                {
                    "id": draft.article.id,
                    "aliases": draft.aliases,
                    "content": draft.content,
                    "record": _dump(_ARTICLE, draft.article),
                    "remembered": draft.remembered_as,
                }
                for draft in drafts
            ],
        }
        result = self._run("finish_poll", claim.feed_id, claim.fence, json.dumps(work))
        return Ingested(is_stale=True) if result == [-1] else Ingested(*result)

    def claim_articles(self, limit: int, lease: timedelta) -> list[ArticleClaim]:
        return [
            ArticleClaim(_restore_article(id_, item), fence)
            for id_, fence, item in self._claim("enrich", "articles:due", "article:", limit, lease)
        ]

    def repeated_passages(self, articles: Sequence[Article]) -> list[frozenset[str]]:
        named = [
            {xxhash.xxh3_64_hexdigest(text.encode()): text for text in passages(article.text[len(article.title) + 1 :])}
            for article in articles
        ]
        rows = [
            {"article": article.id, "feed": article.feed_id, "passages": list(texts)}
            for article, texts in zip(articles, named, strict=True)
        ]
        answer = self._run("passages", json.dumps(rows), BOILERPLATE)
        return [frozenset(texts[key] for key in keys) for texts, keys in zip(named, answer, strict=True)]

    def finish_article(
        self,
        claim: ArticleClaim,
        analysis: Analysis,
        alerts: Sequence[tuple[Alert, Sequence[Delivery]]],
        counts: Counts = (),
    ) -> int:
        work = {
            "analysis": _dump(_ANALYSIS, analysis),
            "keep_ms": _ms(KEEP),
            "counts": list(counts),
            "alerts": [_alert_work(alert, deliveries) for alert, deliveries in alerts],
        }
        return int(self._run("finish_article", claim.article.id, claim.fence, json.dumps(work)))

    def claim_deliveries(self, endpoint: str, limit: int, lease: timedelta) -> list[DeliveryClaim]:
        return [
            DeliveryClaim(
                Delivery(id_, item["alert"], item["endpoint"], item["body"]),
                fence,
                int(item["attempts"]) + 1,
                _moment(item["created_at"]),
            )
            for id_, fence, item in self._claim("deliver", f"outbox:{endpoint}", "delivery:", limit, lease)
        ]

    def finish_delivery(self, claim: DeliveryClaim, attempt: Attempt, decision: Decision, counts: Counts = ()) -> bool:
        work = {
            "outcome": _outcome(decision),
            "wait_ms": _ms(decision.wait) if isinstance(decision, RetryIn) else 0,
            "attempt": _dump(_ATTEMPT, attempt),
            "counts": list(counts),
            "keep_ms": _ms(KEEP),
        }
        return bool(self._run("finish_delivery", claim.delivery.id, claim.fence, json.dumps(work)))

    def note_failure(self, claim: FeedClaim | ArticleClaim | DeliveryClaim, reason: str) -> bool:
        return bool(self._run("note_failure", _item_key(claim), claim.fence, reason))

    def quarantined(self) -> list[Quarantined]:
        with translated():
            return sorted((held for stage in STAGES for held in self._held(stage)), key=lambda held: held.at)

    def _held(self, stage: Stage) -> Iterator[Quarantined]:
        prefix = _WORK[stage][1]
        for id_, at in self.client.zrange(K + f"quarantine:{stage}", 0, -1, withscores=True):
            why, record, endpoint = self.client.hmget(K + prefix + id_, ["quarantined_for", "record", "endpoint"])
            subject = _ARTICLE.validate_json(record).title if record else endpoint or id_
            yield Quarantined(stage, id_, _moment(at), why or "claimed too often", subject)

    def release(self, stage: Stage, ids: Sequence[str] = ()) -> list[str]:
        return list(self._run("release", stage, *_WORK[stage], *ids))

    def count(self, counts: Counts) -> None:
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            for name, amount in counts:
                pipeline.hincrbyfloat(K + "metrics", name, amount)
            pipeline.execute()

    def _claim(
        self, stage: str, due: str, prefix: str, limit: int, lease: timedelta
    ) -> Iterator[tuple[str, int, dict[str, str]]]:
        if limit <= 0:
            return
        for id_, fence, flat in self._run("claim", stage, due, prefix, _ms(lease), limit, MOST_CLAIMS):
            yield id_, int(fence), dict(zip(flat[::2], flat[1::2], strict=True))

    def _run(self, script: str, *args: str | int) -> Any:
        with translated():
            return self._scripts[script](args=args)


@contextmanager
def translated() -> Iterator[None]:
    """Redis's refusals as one error that says what to do."""
    try:
        yield
    except redis.exceptions.OutOfMemoryError as error:
        msg = "Redis is at its memory limit and refuses writes; raise maxmemory or shorten retention"
        raise StoreUnavailable(msg) from error
    except redis.exceptions.ReadOnlyError as error:
        msg = "Redis is a read-only replica; point TOCSIN_REDIS_URL at the primary"
        raise StoreUnavailable(msg) from error
    except redis.exceptions.AuthenticationError as error:
        msg = "Redis refuses the password in TOCSIN_REDIS_URL"
        raise StoreUnavailable(msg) from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        msg = f"Redis cannot be reached ({type(error).__name__}); is it running, and is TOCSIN_REDIS_URL right?"
        raise StoreUnavailable(msg) from error
    except redis.exceptions.ResponseError as error:
        if str(error).startswith(("MISCONF", "OOM", "NOSPACE")):
            msg = "Redis cannot write its append-only file; look at its disk"
            raise StoreUnavailable(msg) from error
        raise


_SCRIPTS = (
    "sync_feeds",
    "claim",
    "passages",
    "finish_poll",
    "finish_article",
    "finish_delivery",
    "note_failure",
    "release",
)
_WORK: dict[Stage, tuple[str, str]] = {
    "poll": ("feeds:due", "feed:"),
    "enrich": ("articles:due", "article:"),
    "deliver": ("", "delivery:"),
}
"""Where each stage's work waits (deliveries: in the outbox of their endpoint), and the prefix of its keys."""


@cache
def _source(script: str) -> str:
    folder = files("worker.runtime") / "lua"
    return (folder / "prelude.lua").read_text("utf-8") + (folder / f"{script}.lua").read_text("utf-8")


def _dump(adapter: TypeAdapter[Any], value: Any) -> str:
    return adapter.dump_json(value).decode()


def _ms(duration: timedelta) -> int:
    return max(round(duration.total_seconds() * 1000), 1)


def _moment(ms: str | float) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def _item_key(claim: FeedClaim | ArticleClaim | DeliveryClaim) -> str:
    if isinstance(claim, FeedClaim):
        return f"feed:{claim.feed_id}"
    return f"article:{claim.article.id}" if isinstance(claim, ArticleClaim) else f"delivery:{claim.delivery.id}"


def _restore_article(id_: str, item: dict[str, str]) -> Article:
    """The stored article under the id and first sight of its first revision, whichever poll brought this text."""
    return replace(_ARTICLE.validate_json(item["record"]), id=id_, first_seen=_moment(item["first_seen"]))


def _outcome(decision: Decision) -> str:
    if isinstance(decision, Delivered):
        return "delivered"
    return "retried" if isinstance(decision, RetryIn) else "dead"


def _alert_work(alert: Alert, deliveries: Sequence[Delivery]) -> dict[str, Any]:
    return {
        "id": alert.id,
        "record": payload.build(alert),
        "watch": alert.watch_id,
        "severity": alert.severity.value,
        "is_shadow": alert.is_shadow,
        "series": series(ALERTS, watch=alert.watch_id, severity=alert.severity.value),
        "deliveries": [
            {"id": delivery.id, "endpoint": delivery.endpoint, "body": delivery.body} for delivery in deliveries
        ],
    }
