"""The store in plain Python: the same promises as the scripts, for tests that need no server."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from worker.deliver.retry import Delivered, RetryIn
from worker.model import Article, Attempt, Draft, Feed, FeedState
from worker.ports import (
    BOILERPLATE,
    MOST_CLAIMS,
    SUSPECT,
    ArticleClaim,
    DeliveryClaim,
    FeedClaim,
    Ingested,
    Quarantined,
)
from worker.series import ALERTS, ARTICLES, series
from worker.zones import passages


@dataclass
class Item:
    """What one key of the store holds."""

    fence: int = 0
    claims: int = 0
    record: object = None
    state: str = ""
    texts: set[str] = field(default_factory=set)
    feeds: set[str] = field(default_factory=set)
    revisions: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    created_at: datetime | None = None
    failure: str = ""
    reason: str = ""


class MemoryStore:
    def __init__(self, clock) -> None:
        self.clock = clock
        self.run_id = "first"
        self.due: dict[str, dict[str, datetime]] = {"feeds": {}, "articles": {}}
        self.feeds: dict[str, Item] = {}
        self.articles: dict[str, Item] = {}
        self.alerts: dict[str, object] = {}
        self.deliveries: dict[str, Item] = {}
        self.seen: dict[str, str] = {}
        self.dead: dict[str, list[str]] = {}
        self.quarantine: dict[str, dict[str, datetime]] = {"poll": {}, "enrich": {}, "deliver": {}}
        self.counted: Counter[str] = Counter()
        self.passage_days: dict[tuple[str, str], list[datetime]] = {}
        self.counted_articles: set[str] = set()
        self._fence = 0

    def sync_feeds(self, feeds: Sequence[Feed]) -> None:
        wanted = {feed.id for feed in feeds} - set(self.quarantine["poll"])
        for feed_id in wanted:
            self.due["feeds"].setdefault(feed_id, self.clock.now())
        self.due["feeds"] = {id_: at for id_, at in self.due["feeds"].items() if id_ in wanted}

    def epoch(self) -> str:
        return self.run_id

    def claim_feeds(self, limit: int, lease: timedelta) -> list[FeedClaim]:
        claimed = self._claim("poll", "feeds", self.feeds, limit, lease)
        return [FeedClaim(id_, item.fence, item.record or FeedState()) for id_, item in claimed]

    def finish_poll(self, claim, decision, drafts: Sequence[Draft], counts=()) -> Ingested:
        feed = self.feeds[claim.feed_id]
        if feed.fence != claim.fence:
            return Ingested(is_stale=True)
        tally = Counter(self._ingest(claim.feed_id, draft) for draft in drafts)
        self.count(counts)
        feed.record, feed.claims = decision.state, 0
        if claim.feed_id in self.due["feeds"]:
            self.due["feeds"][claim.feed_id] = self.clock.now() + decision.next_in
        return Ingested(tally["new"], tally["revised"], tally["known"], tally["baseline"] + tally["stale"])

    def claim_articles(self, limit: int, lease: timedelta) -> list[ArticleClaim]:
        claimed = self._claim("enrich", "articles", self.articles, limit, lease)
        return [ArticleClaim(item.record, item.fence) for _, item in claimed]

    def repeated_passages(self, articles: Sequence[Article]) -> list[frozenset[str]]:
        for article in articles:
            if article.id not in self.counted_articles:
                self.counted_articles.add(article.id)
                for text in passages(article.text[len(article.title) + 1 :]):
                    self.passage_days.setdefault((article.feed_id, text), []).append(self.clock.now())
        return [
            frozenset(
                text
                for text in passages(article.text[len(article.title) + 1 :])
                if len(self.passage_days.get((article.feed_id, text), ())) >= BOILERPLATE
            )
            for article in articles
        ]

    def finish_article(self, claim, analysis, alerts, counts=()) -> int:
        item = self.articles[claim.article.id]
        if item.fence != claim.fence:
            return -1
        fresh = [(alert, deliveries) for alert, deliveries in alerts if alert.id not in self.alerts]
        for alert, deliveries in fresh:
            self.alerts[alert.id] = alert
            self.count([(series(ALERTS, watch=alert.watch_id, severity=alert.severity.value), 1)])
            for delivery in deliveries:
                self.deliveries[delivery.id] = Item(record=delivery, created_at=self.clock.now())
                self.due.setdefault(delivery.endpoint, {}).setdefault(delivery.id, self.clock.now())
        self.count(counts)
        item.state, item.claims = "done", 0
        self.due["articles"].pop(claim.article.id, None)
        return len(fresh)

    def claim_deliveries(self, endpoint: str, limit: int, lease: timedelta) -> list[DeliveryClaim]:
        self.due.setdefault(endpoint, {})
        claimed = self._claim("deliver", endpoint, self.deliveries, limit, lease)
        return [DeliveryClaim(i.record, i.fence, len(i.attempts) + 1, i.created_at) for _, i in claimed]

    def finish_delivery(self, claim, attempt, decision, counts=()) -> bool:
        item = self.deliveries[claim.delivery.id]
        if item.fence != claim.fence:
            return False
        item.attempts.append(attempt)
        item.claims = 0
        self.count(counts)
        outbox = self.due[claim.delivery.endpoint]
        if isinstance(decision, RetryIn):
            outbox[claim.delivery.id] = self.clock.now() + decision.wait
            return True
        outbox.pop(claim.delivery.id, None)
        item.state = "delivered" if isinstance(decision, Delivered) else "dead"
        if item.state == "dead":
            self.dead.setdefault(claim.delivery.endpoint, []).append(claim.delivery.id)
        return True

    def note_failure(self, claim, reason: str) -> bool:
        item = self._item(claim)
        if item.fence == claim.fence:
            item.failure = reason
        return item.fence == claim.fence

    def _item(self, claim) -> Item:
        if isinstance(claim, FeedClaim):
            return self.feeds[claim.feed_id]
        return (
            self.articles[claim.article.id] if isinstance(claim, ArticleClaim) else self.deliveries[claim.delivery.id]
        )

    def quarantined(self) -> list[Quarantined]:
        items = {"poll": self.feeds, "enrich": self.articles, "deliver": self.deliveries}
        held = [
            Quarantined(stage, id_, at, items[stage][id_].reason, self._subject(items[stage][id_].record) or id_)
            for stage, ids in self.quarantine.items()
            for id_, at in ids.items()
        ]
        return sorted(held, key=lambda one: one.at)

    def _subject(self, record) -> str:
        return getattr(record, "title", "") or getattr(record, "endpoint", "")

    def release(self, stage, ids: Sequence[str] = ()) -> list[str]:
        items, due = {"poll": (self.feeds, "feeds"), "enrich": (self.articles, "articles")}.get(
            stage, (self.deliveries, "")
        )
        released = [id_ for id_ in ids or list(self.quarantine[stage]) if id_ in self.quarantine[stage]]
        for id_ in released:
            del self.quarantine[stage][id_]
            items[id_].claims, items[id_].failure = 0, ""
            self.due[due or items[id_].record.endpoint][id_] = self.clock.now()
        return released

    def count(self, counts: Iterable[tuple[str, float]]) -> None:
        for name, amount in counts:
            self.counted[name] += amount

    def _claim(self, stage, due, items, limit, lease):
        now = self.clock.now()
        ready = sorted((at, id_) for id_, at in self.due[due].items() if at <= now)[: max(limit, 0)]
        lent = 0
        for _, id_ in ready:
            item = items.setdefault(id_, Item())
            if item.claims >= MOST_CLAIMS:
                del self.due[due][id_]
                self.quarantine[stage][id_] = now
                why = item.failure or "whoever worked on it died or ran out of time"
                item.reason = f"claimed {item.claims} times: {why}"
                continue
            is_suspect = item.claims >= SUSPECT
            if is_suspect and lent:
                continue
            item.failure = item.failure if item.claims else ""
            item.claims += 1
            self._fence += 1
            item.fence = self._fence
            self.due[due][id_] = now + lease
            lent += 1
            yield id_, item
            if is_suspect:
                return

    def _ingest(self, feed_id: str, draft: Draft) -> str:
        known = next((self.seen[alias] for alias in draft.aliases if alias in self.seen), None)
        for alias in draft.aliases:
            self.seen.setdefault(alias, known or draft.article.id)
        outcome = self._revise(known, draft) if known else self._add(draft)
        self.articles[known or draft.article.id].feeds.add(feed_id)
        self.count([(series(ARTICLES, outcome=outcome), 1)])
        return outcome

    def _add(self, draft: Draft) -> str:
        id_ = draft.article.id
        self.articles[id_] = Item(record=draft.article, texts={draft.content}, state=draft.remembered_as or "due")
        if draft.remembered_as:
            return draft.remembered_as
        self.due["articles"][id_] = self.clock.now()
        return "new"

    def _revise(self, id_: str, draft: Draft) -> str:
        item = self.articles[id_]
        if item.state not in ("done", "due") or draft.content in item.texts:
            return "known"
        item.texts.add(draft.content)
        item.revisions += 1
        if item.revisions > 10:
            return "revision_over_limit"
        self._fence += 1
        first = item.record
        assert isinstance(first, Article)
        item.record = replace(draft.article, id=id_, first_seen=first.first_seen)
        item.fence, item.state = self._fence, "due"
        self.due["articles"][id_] = self.clock.now()
        return "revised"
