"""The store over Redis or Valkey: every step is one Lua script, so a process may die between any two lines.

Keys, all under the hash tag `{tocsin}:`

    feeds:due  pages:due  articles:due  outbox:ENDPOINT    sorted sets of ids by due time (ms)
    feeds:paused                                the set of feeds that are not to be scheduled
    feed:ID  article:ID  alert:ID  delivery:ID  hashes; `fence` is the newest claim's number
    seen:ALIAS  address:HASH                    the article an alias, or a page's address, belongs to
    alerts  dead:ENDPOINT  quarantine:STAGE     sorted sets of ids by time
    group:ID  groups:due                        alerts that wait to be told together; see `group_store`
    silences  silence:ID                        see `silence_store`
    rate:WATCH                                  what a watch with a rate cap told of late
    articles  stories                           the same of what was first seen within retention
    alerts:log  marks:log  alerts:last          alerts by a number that only grows when they are raised, and when they
                                                are marked; the last such number
    story:ID                                    stories with their version
    kin:PERIOD:… kin:shelves:PERIOD kin:n       what articles are compared with, and where it is found; see `kin_index`
    endpoint:NAME  in_flight:NAME               its circuit (hash); what is lent, by the lease's end
    metrics  progress                           counters; when each stage last completed something, and how many
                                                articles enrichers ever took up
    counts:broken                               what stood where a count should, by hash and field; see `counts`
    trend:HOUR                                  counts of `worker.trend` for one hour (since 1970)
    verdicts                                    how many alerts of each watch were judged true and false
    reloads  configurations                     reloads asked for; the last load of each kind of process
    audit  audit:head                           the audit record (a stream) and its end; see `audit_store`
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import redis
import xxhash

from worker.deliver import breaker
from worker.deliver.breaker import EndpointState
from worker.deliver.retry import LONGEST_WAIT, Delivered, EndpointGone, Exhausted, RetryIn, asks_to_wait
from worker.deliver.retry import Decision as RetryDecision
from worker.model import (
    Article,
    Attempt,
    Delivery,
    Feed,
    Story,
)
from worker.ports import (
    BOILERPLATE,
    MOST_CLAIMS,
    STAGES,
    SUSPECT,
    ArticleClaim,
    ConfigurationState,
    DeliveryClaim,
    FeedClaim,
    FinishedPoll,
    Ingested,
    Kinship,
    Mark,
    Quarantined,
    Stage,
    Steering,
    Told,
)
from worker.runtime import kin_index
from worker.runtime.alert_work import delivery_work
from worker.runtime.feed_record import restore_state
from worker.runtime.log import redact
from worker.runtime.poll_store import PollStore
from worker.runtime.records import (
    ARTICLES_COMMON,
    ATTEMPT,
    CONFIGURATION,
    KEEP,
    KIN_PER_KEY,
    MOST_KIN,
    STORY,
    Places,
    article_parts,
    dump,
    endpoint_state,
    restore_article,
    restore_delivery,
    restore_kin,
    title_of,
)
from worker.runtime.redis_client import K, Scripts, fields, milliseconds, moment_of, ms_of, translated
from worker.runtime.replica import secure_lent
from worker.story import WINDOW
from worker.zones import passages

Counts = Iterable[tuple[str, float]]
UNREADABLE = "what is stored of it is no article that this version can read"
UNREADABLE_FEED = (
    "what is stored of it is no feed that this version can read; it is kept for 30 days under its name with :broken"
)


class RedisStore:
    """See `ports.Store`. A call that was retried after a lost reply is harmless: its fence no longer holds."""

    def __init__(self, client: redis.Redis) -> None:
        self.client: Any = client  # redis-py's answers are typed for its async twin as well
        self._scheduled: Sequence[Feed] = ()
        self._noted_epoch = ""
        scripts = Scripts(client, *_SCRIPTS)
        self._run, self._run_each = scripts.run, scripts.run_each
        self._polls = PollStore(client)

    def hang_up(self) -> None:
        """Close the connections after work was cut off: an answer may still be on its way, which the next question would get."""
        self.client.connection_pool.disconnect(inuse_connections=False)

    def sync_feeds(self, feeds: Sequence[Feed]) -> None:
        self._scheduled = feeds
        self._run("sync_feeds", json.dumps([feed.id for feed in feeds]))

    def steer_feed(self, feed_id: str, action: Steering, by: str = "") -> bool:
        return bool(self._run("steer_feed", feed_id, action, by))

    def epoch(self) -> str:
        with translated():
            server, replication = self.client.info("server"), self.client.info("replication")
        # A primary that was deposed and comes back without a restart has its old run_id, but another replication id.
        run = f"{server['run_id']}/{replication.get('master_replid', '')}"
        if run != self._noted_epoch:
            self._run("audit_epoch", run)
            self._noted_epoch = run
        return run

    def claim_feeds(self, limit: int, lease: timedelta) -> list[FeedClaim]:
        rows = self._claim("poll", limit, lease)
        if not rows and limit > 0 and self._is_forgotten():
            # the server came back empty, and nothing would ever be due again
            self.sync_feeds(self._scheduled)
            rows = self._claim("poll", limit, lease)
        claims = []
        for id_, fence, claimed, state, marks, seen_at, pushes, delivers_until in rows:
            try:
                claim = FeedClaim(
                    id_,
                    int(fence),
                    restore_state(state, marks, seen_at),
                    claimed > SUSPECT,
                    int(pushes or 0),
                    moment_of(delivers_until) if delivers_until else None,
                )
            except ValueError:
                self._run("set_aside", "poll", *_WORK["poll"], id_, fence, UNREADABLE_FEED)
                continue
            claims.append(claim)
        return claims

    def _is_forgotten(self) -> bool:
        with translated():
            return bool(self._scheduled) and not self.client.exists(K + "feeds:due")

    def finish_polls(self, polls: Sequence[FinishedPoll]) -> list[Ingested | Exception]:
        return self._polls.finish(polls)

    def claim_articles(self, limit: int, lease: timedelta) -> list[ArticleClaim]:
        claims = []
        for id_, fence, _, record, first_seen, story, trace in self._claim("enrich", limit, lease):
            try:
                article = restore_article(id_, {"record": record, "first_seen": first_seen})
            except (TypeError, ValueError):
                self._run("set_aside", "enrich", *_WORK["enrich"], id_, fence, UNREADABLE)
                continue
            claims.append(ArticleClaim(article, int(fence), story or "", trace=trace or ""))
        return claims

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

    def find_kin(self, keys: Sequence[Sequence[str]]) -> list[Kinship]:
        asked = [i for i, own in enumerate(keys) if own]
        with translated():
            limits = (MOST_KIN, KIN_PER_KEY)
            found = kin_index.look_up(self.client, K + "kin:", [keys[i] for i in asked], milliseconds(WINDOW), limits)
        by_number = dict(zip(asked, found, strict=True))
        return [_kinship(*by_number[i]) if i in by_number else Kinship() for i in range(len(keys))]

    def read_stories(self, stories: Sequence[str]) -> list[tuple[Story | None, int]]:
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            for story in stories:
                pipeline.hmget(K + f"story:{story}", ["state", "version"])
            rows = pipeline.execute()
        return [(STORY.validate_json(state), int(version)) if state else (None, 0) for state, version in rows]

    def finish_articles(self, told: Sequence[Told]) -> list[int | Exception]:
        places = Places[str]()
        made = [_article_parts(one, places) for one in told]
        parts = [part for one in made if not isinstance(one, Exception) for part in one]
        names = json.dumps(list(places))
        answers = iter(self._run_each("finish_articles", ARTICLES_COMMON, names, *parts) if parts else ())
        found = (one if isinstance(one, Exception) else next(answers) for one in made)
        return [one if isinstance(one, Exception) else int(one) for one in found]

    def claim_deliveries(self, endpoint: str, at_once: int, lease: timedelta) -> list[DeliveryClaim]:
        claimed = []
        probe_ms = milliseconds(breaker.PROBE_EVERY)
        rows = self._run("claim_deliveries", endpoint, milliseconds(lease), at_once, MOST_CLAIMS, probe_ms)
        secure_lent(self.client, self._run, endpoint, rows)
        for id_, fence, is_probe, flat, trace in rows:
            item = fields(flat)
            queued_at = moment_of(item.get("queued_at") or item["created_at"])
            claimed.append(
                DeliveryClaim(
                    restore_delivery(id_, item),
                    int(fence),
                    int(item["attempts"]) + 1,
                    queued_at,
                    is_probe == 1,
                    moment_of(item["fetched_ms"]) if int(item.get("fetched_ms") or 0) else None,
                    trace,
                )
            )
        return claimed

    def finish_delivery(
        self,
        claim: DeliveryClaim,
        attempt: Attempt,
        decision: RetryDecision,
        counts: Counts = (),
        notices: Sequence[Delivery] = (),
    ) -> bool:
        work = {
            "outcome": _OUTCOMES[type(decision)],
            "number": claim.number,
            "status": attempt.status,
            "wait_ms": milliseconds(decision.wait) if isinstance(decision, RetryIn) else 0,
            "asked_ms": milliseconds(min(attempt.retry_after, LONGEST_WAIT)) if attempt.retry_after else 0,
            "hold_ms": asks_to_wait(attempt) // timedelta(milliseconds=1),
            "is_counted": decision.is_counted
            if isinstance(decision, RetryIn)
            else not isinstance(decision, EndpointGone),
            "is_probe": claim.is_probe,
            "is_success": attempt.is_success,
            "reason": attempt.reason,
            "attempt": dump(ATTEMPT, attempt),
            "counts": list(counts),
            "keep_ms": milliseconds(KEEP),
            "notices": [delivery_work(notice) for notice in notices],
            "breaker": {
                "open_after": breaker.OPEN_AFTER,
                "window": breaker.WINDOW,
                "probe_ms": milliseconds(breaker.PROBE_EVERY),
            },
        }
        return bool(self._run("finish_delivery", claim.delivery.id, claim.fence, json.dumps(work)))

    def mark_alert(self, alert_id: str, mark: Mark, reason: str = "", by: str = "") -> bool:
        return bool(self._run("mark_alert", alert_id, mark, reason, by))

    def note_failure(self, claim: FeedClaim | ArticleClaim | DeliveryClaim, reason: str) -> bool:
        return bool(self._run("note_failure", _item_key(claim), claim.fence, reason))

    def quarantined(self) -> list[Quarantined]:
        with translated():
            return sorted((held for stage in STAGES for held in self._held(stage)), key=lambda held: held.at)

    def _held(self, stage: Stage) -> Iterator[Quarantined]:
        prefix = _WORK[stage][1]
        for id_, at in self.client.zrange(K + f"quarantine:{stage}", 0, -1, withscores=True):
            why, record, endpoint = self.client.hmget(K + prefix + id_, ["quarantined_for", "record", "endpoint"])
            subject = (title_of(record) if record else endpoint) or id_
            yield Quarantined(stage, id_, moment_of(at), why or "claimed too often", subject)

    def release(self, stage: Stage, ids: Sequence[str] = ()) -> list[str]:
        return list(self._run("release", stage, *_WORK[stage], *ids))

    def replay(self, *, alert: str | None, endpoints: Sequence[str], since: datetime | None) -> list[str]:
        since_ms = ms_of(since) if since else 0
        work = {"alert": alert or "", "endpoints": list(endpoints), "since_ms": since_ms}
        return list(self._run("replay", json.dumps(work)))

    def resume_endpoint(self, name: str) -> bool:
        return bool(self._run("resume_endpoint", name))

    def endpoint_states(self, names: Sequence[str]) -> list[EndpointState]:
        with translated():
            pipeline = self.client.pipeline(transaction=False)
            for name in names:
                pipeline.hgetall(K + f"endpoint:{name}")
                pipeline.zcard(K + f"outbox:{name}")
                pipeline.zcard(K + f"dead:{name}")
            answers = pipeline.execute()
        return [endpoint_state(name, *answers[3 * i : 3 * i + 3]) for i, name in enumerate(names)]

    def known_endpoints(self) -> list[str]:
        with translated():
            return sorted(self.client.smembers(K + "endpoints"))

    def redirect_endpoint(self, old: str, new: str) -> int:
        return int(self._run("redirect_endpoint", old, new))

    def ask_reload(self) -> None:
        with translated():
            self.client.incr(K + "reloads")

    def reloads_asked(self) -> int:
        with translated():
            return int(self.client.get(K + "reloads") or 0)

    def report_configuration(self, process: str, state: ConfigurationState) -> None:
        outcome = "adopted" if state.is_ok else "refused"
        self._run(
            "report_configuration", process, dump(CONFIGURATION, state), outcome, state.hash, redact(state.reason)
        )

    def configuration_states(self) -> dict[str, ConfigurationState]:
        with translated():
            rows = self.client.hgetall(K + "configurations")
        return {process: CONFIGURATION.validate_json(row) for process, row in sorted(rows.items())}

    def note_audit(self, kind: str, **facts: str | int | Sequence[str]) -> None:
        self._run("audit_note", kind, json.dumps([part for pair in facts.items() for part in pair]))

    def count(self, counts: Counts) -> None:
        self._run("count", json.dumps(list(counts)))

    def _claim(self, stage: Stage, limit: int, lease: timedelta) -> list[Any]:
        if limit <= 0:
            return []
        due, prefix = _WORK[stage]
        return list(self._run("claim", stage, due, prefix, milliseconds(lease), limit, MOST_CLAIMS, *_LENT[stage]))


_SCRIPTS = (
    "count",
    "sync_feeds",
    "steer_feed",
    "claim",
    "set_aside",
    "claim_deliveries",
    "give_back_deliveries",
    "passages",
    "finish_articles",
    "finish_delivery",
    "note_failure",
    "release",
    "replay",
    "resume_endpoint",
    "redirect_endpoint",
    "mark_alert",
    "report_configuration",
    "audit_epoch",
    "audit_note",
)
_WORK: dict[Stage, tuple[str, str]] = {
    "poll": ("feeds:due", "feed:"),
    "read": ("pages:due", "page:"),
    "enrich": ("articles:due", "article:"),
    "deliver": ("", "delivery:"),
}
"""Where each stage's work waits (deliveries: in the outbox of their endpoint), and the prefix of its keys."""
_LENT: dict[Stage, tuple[str, ...]] = {
    "poll": ("state", "marks", "seen_at", "pushes", "delivers_until"),
    "enrich": ("record", "first_seen", "story", "trace"),
}
"""What of a stage's work goes to whom it is lent."""
_OUTCOMES: dict[type[RetryDecision], str] = {
    Delivered: "delivered",
    RetryIn: "retried",
    Exhausted: "dead",
    EndpointGone: "gone",
}


def _item_key(claim: FeedClaim | ArticleClaim | DeliveryClaim) -> str:
    if isinstance(claim, FeedClaim):
        return f"feed:{claim.feed_id}"
    return f"article:{claim.article.id}" if isinstance(claim, ArticleClaim) else f"delivery:{claim.delivery.id}"


def _kinship(seen: str, found: Sequence[tuple[int, str]]) -> Kinship:
    return Kinship(tuple(restore_kin(number, record) for number, record in found), seen)


def _article_parts(told: Told, places: Places[str]) -> tuple[str | int | bytes, ...] | Exception:
    """What `finish_articles.lua` is told, or why nothing is: what cannot be written down costs no other article."""
    try:
        return article_parts(told, places)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is handed back
        return error
