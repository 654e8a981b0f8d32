"""The store in plain Python: the same promises as the scripts, for tests that need no server."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tests.memory_groups import MemoryGroups, sha1
from tests.memory_silences import MemorySilences
from worker.decision import digest_text
from worker.deliver import breaker
from worker.deliver.breaker import Circuit, EndpointState
from worker.deliver.payload import build
from worker.deliver.retry import Delivered, EndpointGone, RetryIn, asks_to_wait
from worker.fulltext import PATIENCE
from worker.model import Article, Attempt, Draft, Feed, FeedState, Kin, Story
from worker.ports import (
    BOILERPLATE,
    MOST_CLAIMS,
    MOVED,
    SUSPECT,
    ArticleClaim,
    ConfigurationState,
    DeliveryClaim,
    FeedClaim,
    Ingested,
    Kinship,
    Quarantined,
)
from worker.series import ARTICLES, alert_counts, series
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
    revisions: dict = field(default_factory=dict)
    revision: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    created_at: datetime | None = None
    failure: str = ""
    trace: str = ""
    reason: str = ""
    queued_at: datetime | None = None
    ended_at: datetime | None = None
    counted: int = 0
    story: str = ""
    analysis: object = None


@dataclass
class PageItem:
    """An article whose page is wanted."""

    wanted_at: datetime
    fence: int = 0
    claims: int = 0
    tries: int = 0


@dataclass
class Gate:
    """An endpoint's circuit."""

    circuit: Circuit = Circuit.CLOSED
    window: str = ""
    reason: str = ""
    probe_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    held_until: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    in_flight: dict[str, datetime] = field(default_factory=dict)


class MemoryStore:
    def __init__(self, clock) -> None:
        self.clock = clock
        self.run_id = "first"
        self.due: dict[str, dict[str, datetime]] = {"feeds": {}, "articles": {}, "pages": {}}
        self.pages: dict[str, PageItem] = {}
        self.pushed: dict[str, list] = {}
        self.poll_due: dict[str, datetime] = {}
        self.delivers_until: dict[str, datetime] = {}
        self.feeds: dict[str, Item] = {}
        self.paused: set[str] = set()
        self.articles: dict[str, Item] = {}
        self.alerts: dict[str, object] = {}
        self.deliveries: dict[str, Item] = {}
        self.seen: dict[str, str] = {}
        self.dead: dict[str, list[str]] = {}
        self.quarantine: dict[str, dict[str, datetime]] = {"poll": {}, "read": {}, "enrich": {}, "deliver": {}}
        self.verdicts: dict[str, str] = {}
        self.marks: dict[str, tuple[str, str]] = {}
        self.acknowledged: set[str] = set()
        self.counted: Counter[str] = Counter()
        self.taken_up = 0
        self.passage_days: dict[tuple[str, str], list[datetime]] = {}
        self.counted_articles: set[str] = set()
        self.endpoints: dict[str, Gate] = {}
        self.suspect = ("", clock.now())
        self.kin: dict[int, Kin] = {}
        self.kin_keys: dict[str, list[int]] = {}
        self.stories: dict[str, tuple[Story, int]] = {}
        self._fence = 0
        self.silences = MemorySilences(clock)
        self.groups = MemoryGroups(self)
        self.reloads = 0
        self.configurations: dict[str, ConfigurationState] = {}
        self.audit: list[dict[str, object]] = []
        self.decisions: dict[str, object] = {}
        self.noted_epoch = ""

    def note_audit(self, kind: str, **facts) -> None:
        kept = {name: value for name, value in facts.items() if value or type(value) is int}
        self.audit.append({"seq": len(self.audit) + 1, "kind": kind} | kept)

    def sync_feeds(self, feeds: Sequence[Feed]) -> None:
        wanted = {feed.id for feed in feeds} - set(self.quarantine["poll"]) - self.paused
        for feed_id in wanted:
            self.due["feeds"].setdefault(feed_id, self.clock.now())
        self.due["feeds"] = {id_: at for id_, at in self.due["feeds"].items() if id_ in wanted}

    def steer_feed(self, feed_id: str, action, by: str = "") -> bool:
        if action == "hurry" and feed_id in self.paused:
            return False
        self.quarantine["poll"] = [id_ for id_ in self.quarantine["poll"] if id_ != feed_id]
        if action == "pause":
            self.paused.add(feed_id)
            self.due["feeds"].pop(feed_id, None)
            self.note_audit("steered", feed=feed_id, action=action, by=by)
            return True
        self.paused.discard(feed_id)
        self.feeds.setdefault(feed_id, Item()).claims = 0
        self.due["feeds"][feed_id] = self.clock.now()
        self.note_audit("steered", feed=feed_id, action=action, by=by)
        return True

    def epoch(self) -> str:
        if self.run_id != self.noted_epoch:
            self.note_audit("epoch", run=self.run_id, before=self.noted_epoch)
            self.noted_epoch = self.run_id
        return self.run_id

    def claim_feeds(self, limit: int, lease: timedelta) -> list[FeedClaim]:
        claimed = self._claim("poll", "feeds", self.feeds, limit, lease)
        return [
            FeedClaim(
                id_,
                item.fence,
                item.record or FeedState(),
                item.claims > SUSPECT,
                len(self.pushed.get(id_, ())),
                self.delivers_until.get(id_),
            )
            for id_, item in claimed
        ]

    def _finish_poll(self, claim, decision, drafts: Sequence[Draft], counts=(), alerts=()) -> Ingested:
        feed = self.feeds[claim.feed_id]
        if feed.fence != claim.fence:
            return Ingested(is_stale=True)
        self._set_aside = {}
        tally = Counter(self._ingest(claim.feed_id, draft) for draft in drafts)
        for reason, articles in self._set_aside.items():
            self.note_audit("set_aside", reason=reason, feed=claim.feed_id, articles=articles)
        self._raise(alerts)
        self.count(counts)
        feed.record, feed.claims, feed.fence = decision.remembered, 0, 0
        next_at = self.clock.now() + decision.next_in
        if decision.pushes:
            self.pushed[claim.feed_id] = self.pushed.get(claim.feed_id, [])[decision.pushes :]
            next_at = self.poll_due.pop(claim.feed_id, next_at)
        elif tally["new"] + tally["revised"]:
            self.delivers_until.pop(claim.feed_id, None)
        if self.pushed.get(claim.feed_id):
            self.poll_due[claim.feed_id], next_at = next_at, self.clock.now()
        if claim.feed_id in self.due["feeds"]:
            self.due["feeds"][claim.feed_id] = next_at
        return Ingested(
            tally["new"], tally["revised"], tally["known"], tally["baseline"] + tally["stale"] + tally["rekeyed"]
        )

    def finish_polls(self, polls) -> list:
        return [self._finish_poll(one.claim, one.decision, one.drafts, one.counts, one.alerts) for one in polls]

    def _raise(self, alerts) -> list:
        fresh = [(alert, deliveries) for alert, deliveries in alerts if alert.id not in self.alerts]
        for alert, deliveries in fresh:
            self.alerts[alert.id] = alert
            self.count(alert_counts(alert))
            self.note_audit(
                "raised", alert=alert.id, watch=alert.watch_id, severity=alert.severity.value, article=alert.article.id,
                is_shadow=alert.is_shadow, record_sha1=sha1(build(alert)), **self.groups.take(alert, deliveries),
            )  # fmt: skip
        return fresh

    def claim_articles(self, limit: int, lease: timedelta) -> list[ArticleClaim]:
        claimed = list(self._claim("enrich", "articles", self.articles, limit, lease))
        self.taken_up += len(claimed)
        return [ArticleClaim(item.record, item.fence, item.story, trace=item.trace) for _, item in claimed]

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

    def find_kin(self, keys) -> list[Kinship]:
        return [self._kin_under(own) for own in keys]

    def _kin_under(self, keys) -> Kinship:
        hits = Counter(number for key in keys for number in self.kin_keys.get(key, ()))
        best = sorted(hits, key=lambda number: (-hits[number], number))[:24]
        return Kinship(tuple(self.kin[number] for number in best), ",".join(map(str, best)))

    def read_stories(self, stories):
        return [self.stories.get(story, (None, 0)) for story in stories]

    def read_articles(self, ids):
        return list(map(self._read_article, ids))

    def _read_article(self, article_id):
        item = self.articles.get(article_id)
        if not item or not item.story or item.claims >= SUSPECT:
            return None
        zones = self.decisions[article_id].zones if article_id in self.decisions else ()
        return (replace(item.record, zones=zones) if zones else item.record), item.analysis

    def finish_articles(self, told) -> list[int | Exception]:
        return [self._finish_or_fail(one) for one in told]

    def _finish_or_fail(self, told) -> int | Exception:
        try:
            return self._finish_article(told)
        except Exception as error:  # noqa: BLE001 - as a script that fails
            return error

    def _finish_article(self, told) -> int:
        claim, analysis, step, alerts = told.claim, told.analysis, told.step, told.alerts
        item = self.articles[claim.article.id]
        if item.fence != claim.fence:
            return -1
        if self.stories.get(step.story.id, (None, 0))[1] != step.version:
            return MOVED
        if not item.story and step.signature.keys:
            if self._kin_under(step.signature.keys).seen != step.seen:
                return MOVED
            number = len(self.kin) + 1
            seen_at = claim.article.first_seen or self.clock.now()
            self.kin[number] = Kin(number, claim.article.id, step.story.id, seen_at, step.signature)
            for key in step.signature.keys:
                self.kin_keys[key] = [*self.kin_keys.get(key, ()), number][-8:]
        self.stories[step.story.id] = (step.story, step.version + 1)
        item.story = item.story or step.story.id
        if decision := step.decision:
            self.decisions[claim.article.id] = decision
            self.note_audit(
                "decided", article=claim.article.id, revision=item.revision, sha256=decision.text_sha256,
                config=decision.config_hash, model=analysis.model, story=step.story.id, unknown=decision.unknown,
                fired=[
                    {"watch": f.watch_id} | ({"alert": f.alert_id} if f.alert_id else {"why_not": f.why_not})
                    for f in decision.fired
                ],
            )  # fmt: skip
        fresh = self._raise(alerts)
        for alert, _ in alerts:
            if alert.id not in [new.id for new, _ in fresh]:
                self.note_audit("repeated", alert=alert.id, watch=alert.watch_id, article=claim.article.id)
        self.count(told.counts)
        item.state, item.claims, item.fence, item.analysis = "done", 0, 0, analysis
        item.trace = claim.trace or item.trace
        self.due["articles"].pop(claim.article.id, None)
        return len(fresh)

    def claim_deliveries(self, endpoint: str, at_once: int, lease: timedelta) -> list[DeliveryClaim]:
        now, state = self.clock.now(), self.endpoints.setdefault(endpoint, Gate())
        outbox = self.due.setdefault(endpoint, {})
        state.in_flight = {id_: end for id_, end in state.in_flight.items() if end > now}
        if state.circuit is Circuit.PAUSED or now < state.held_until:
            return []
        is_probe = state.circuit is not Circuit.CLOSED
        if is_probe:
            waiting = sorted(
                (at, id_) for id_, at in outbox.items() if id_ not in state.in_flight and not self._waits_alone(id_)
            )
            if now < state.probe_at or not waiting:
                return []
            state.circuit, state.probe_at = Circuit.HALF_OPEN, now + breaker.PROBE_EVERY
            outbox[waiting[0][1]] = min(waiting[0][0], now)
            limit = 1
        else:
            limit = at_once - len(state.in_flight)
        claimed = list(self._claim("deliver", endpoint, self.deliveries, limit, lease))
        state.in_flight |= {id_: now + lease for id_, _ in claimed}
        for id_, item in claimed:
            if item.claims > SUSPECT:
                self.suspect = (id_, now + lease)
        return [
            DeliveryClaim(
                i.record,
                i.fence,
                i.counted + 1,
                i.queued_at,
                is_probe,
                self._fetched_at(i.record),
                self._trace(i.record),
            )
            for _, i in claimed
        ]

    def finish_delivery(self, claim, attempt, decision, counts=(), notices=()) -> bool:
        item = self.deliveries[claim.delivery.id]
        if item.fence != claim.fence:
            return False
        name, now = claim.delivery.endpoint, self.clock.now()
        item.attempts.append(attempt)
        item.claims, item.fence = 0, 0
        if self.suspect[0] == claim.delivery.id:
            self.suspect = ("", now)
        if wait := asks_to_wait(attempt):
            self.endpoints[name].held_until = now + wait
        outcome = {RetryIn: "retried", Delivered: "delivered", EndpointGone: "gone"}.get(type(decision), "dead")
        self.note_audit(
            "attempted", delivery=claim.delivery.id, alert=claim.delivery.alert_id, endpoint=name, number=claim.number,
            status=attempt.status, outcome=outcome, reason=attempt.reason,
        )  # fmt: skip
        self.count(counts)
        self.endpoints[name].in_flight.pop(claim.delivery.id, None)
        self._turn(name, claim, attempt, decision, notices)
        outbox = self.due[name]
        if isinstance(decision, RetryIn):
            item.counted += decision.is_counted
            outbox[claim.delivery.id] = now + decision.wait
        elif isinstance(decision, EndpointGone):
            outbox[claim.delivery.id] = now
        else:
            outbox.pop(claim.delivery.id, None)
            item.state, item.ended_at = ("delivered" if isinstance(decision, Delivered) else "dead"), now
            if item.state == "dead":
                self.dead.setdefault(name, []).append(claim.delivery.id)
        return True

    def mark_alert(self, alert_id: str, mark, reason: str = "", by: str = "") -> bool:
        if alert_id not in self.alerts:
            return False
        watch = self.alerts[alert_id].watch_id
        self.note_audit("marked", alert=alert_id, watch=watch, mark=mark, reason=reason, by=by)
        has_verdict = alert_id in self.verdicts
        if mark in ("true", "false"):
            self.marks[alert_id] = (reason, by)
        elif mark == "open":
            self.marks.pop(alert_id, None)
        elif not has_verdict:
            before = self.marks.get(alert_id, ("", ""))
            self.marks[alert_id] = (reason or before[0], by or before[1])
        self.verdicts.pop(alert_id, None) if mark != "acknowledged" else None
        if mark in ("true", "false"):
            self.verdicts[alert_id] = mark
        self.acknowledged -= {alert_id}
        self.acknowledged |= {alert_id} if mark != "open" else set()
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
        items = {"poll": self.feeds, "read": {}, "enrich": self.articles, "deliver": self.deliveries}
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
        if released:
            self.note_audit("released", stage=stage, ids=released)
        return released

    def replay(self, *, alert, endpoints, since) -> list[str]:
        again = []
        for id_, item in self.deliveries.items():
            quarantined = id_ in self.quarantine["deliver"]
            is_meant = item.record.alert_id == alert if alert else item.state == "dead" or quarantined
            is_late = not since or alert or (item.ended_at or self.clock.now()) >= since
            if item.record.endpoint in endpoints and (item.state or quarantined) and is_meant and is_late:
                again.append(id_)
                item.state, item.counted, item.claims, item.queued_at = "", 0, 0, self.clock.now()
                self.due[item.record.endpoint][id_] = self.clock.now()
                self.dead[item.record.endpoint] = [i for i in self.dead.get(item.record.endpoint, []) if i != id_]
                self.quarantine["deliver"].pop(id_, None)
        if again:
            self.note_audit("requeued", alert=alert or "", deliveries=again)
        return again

    def resume_endpoint(self, name: str) -> bool:
        gate = self.endpoints.setdefault(name, Gate())
        was_closed, was_held = gate.circuit is Circuit.CLOSED, self.clock.now() < gate.held_until
        gate.circuit, gate.window, gate.held_until = Circuit.CLOSED, "", Gate.held_until
        if not was_closed:
            self.note_audit("circuit", endpoint=name, to="closed", reason="resumed by hand")
        return was_held or not was_closed

    def endpoint_states(self, names) -> list[EndpointState]:
        gates = [(name, self.endpoints.setdefault(name, Gate())) for name in names]
        return [
            EndpointState(
                name,
                gate.circuit,
                reason=gate.reason,
                waiting=len(self.due.get(name, ())),
                dead=len(self.dead.get(name, ())),
                held_until=gate.held_until if gate.held_until > Gate.held_until else None,
            )
            for name, gate in gates
        ]

    def known_endpoints(self) -> list[str]:
        return sorted({item.record.endpoint for item in self.deliveries.values()})

    def redirect_endpoint(self, old: str, new: str) -> int:
        out = set(self.endpoints.setdefault(old, Gate()).in_flight)
        moved = [id_ for id_, item in self.deliveries.items() if item.record.endpoint == old and id_ not in out]
        moved = [id_ for id_ in moved if self.deliveries[id_].state != "delivered"]
        for id_ in moved:
            item = self.deliveries[id_]
            item.record = replace(item.record, endpoint=new)
            if id_ in self.due.get(old, ()):
                self.due.setdefault(new, {})[id_] = self.due[old].pop(id_)
            if id_ in self.dead.get(old, ()):
                self.dead[old].remove(id_)
                self.dead.setdefault(new, []).append(id_)
        if moved:
            self.note_audit("redirected", **{"from": old, "to": new, "deliveries": moved})
        return len(moved)

    def _turn(self, name, claim, attempt, decision, notices) -> None:
        before = self.endpoints[name].circuit
        self._change_circuit(name, claim, attempt, decision, notices)
        after = self.endpoints[name]
        if after.circuit is not before:
            reason = "" if after.circuit is Circuit.CLOSED else getattr(decision, "reason", attempt.reason)
            self.note_audit("circuit", endpoint=name, to=after.circuit.value, reason=reason)

    def _change_circuit(self, name, claim, attempt, decision, notices) -> None:
        gate, now = self.endpoints[name], self.clock.now()
        if isinstance(decision, EndpointGone):
            if gate.circuit is not Circuit.PAUSED:
                gate.circuit, gate.reason = Circuit.PAUSED, decision.reason
                for notice in notices:
                    self._queue(notice, now)
        elif gate.circuit is Circuit.HALF_OPEN and claim.is_probe:
            gate.circuit = Circuit.CLOSED if attempt.is_success else Circuit.OPEN
            if attempt.is_success:
                self.due[name] = {
                    id_: at if id_ in gate.in_flight else min(at, now) for id_, at in self.due[name].items()
                }
            gate.window = ""
            gate.probe_at = now + max(breaker.PROBE_EVERY, attempt.retry_after or timedelta(0))
        elif gate.circuit is Circuit.CLOSED:
            gate.window = (gate.window + "01"[attempt.is_success])[-breaker.WINDOW :]
            is_streak = gate.window.endswith("0" * breaker.OPEN_AFTER)
            is_half_bad = len(gate.window) == breaker.WINDOW and gate.window.count("0") * 2 > breaker.WINDOW
            if not attempt.is_success and (is_streak or is_half_bad):
                gate.circuit, gate.window, gate.reason = Circuit.OPEN, "", attempt.reason
                gate.probe_at = now + max(breaker.PROBE_EVERY, attempt.retry_after or timedelta(0))

    def _trace(self, delivery) -> str:
        alert = self.alerts.get(delivery.alert_id)
        item = self.articles.get(alert.article.id) if alert else None
        return item.trace if item else ""

    def _fetched_at(self, delivery) -> datetime | None:
        alert = self.alerts.get(delivery.alert_id)
        return alert.article.first_seen if alert else None

    def _queue(self, delivery, at) -> None:
        self.deliveries[delivery.id] = Item(record=delivery, created_at=self.clock.now(), queued_at=at)
        self.due.setdefault(delivery.endpoint, {}).setdefault(delivery.id, at)

    def ask_reload(self) -> None:
        self.reloads += 1

    def reloads_asked(self) -> int:
        return self.reloads

    def report_configuration(self, process, state) -> None:
        if self.configurations.get(process) != state:
            outcome = "adopted" if state.is_ok else "refused"
            self.note_audit("loaded", process=process, outcome=outcome, config=state.hash, reason=state.reason)
        self.configurations[process] = state

    def configuration_states(self):
        return dict(sorted(self.configurations.items()))

    def count(self, counts: Iterable[tuple[str, float]]) -> None:
        for name, amount in counts:
            self.counted[name] += amount

    def _claim(self, stage, due, items, limit, lease):
        now = self.clock.now()
        ready = sorted((at, id_) for id_, at in self.due[due].items() if at <= now)
        if stage == "deliver":
            ready = [(at, id_) for at, id_ in ready if not self._waits_alone(id_)]
        lent = 0
        for _, id_ in ready[: max(limit, 0)]:
            item = items.setdefault(id_, Item())
            if item.claims >= MOST_CLAIMS:
                del self.due[due][id_]
                self.quarantine[stage][id_] = now
                why = item.failure or "whoever worked on it died or ran out of time"
                item.reason = f"claimed {item.claims} times: {why}"
                self.note_audit("quarantined", stage=stage, id=id_, claims=item.claims, reason=why)
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

    def _waits_alone(self, id_: str) -> bool:
        """Whether a suspect delivery must wait for another one to come back."""
        id_out, until = self.suspect
        return bool(id_out) and self.clock.now() < until and self.deliveries[id_].claims >= SUSPECT

    def _ingest(self, feed_id: str, draft: Draft) -> str:
        known = next((self.seen[alias] for alias in draft.aliases if alias in self.seen), None)
        for alias in draft.aliases:
            self.seen.setdefault(alias, known or draft.article.id)
        outcome = self._revise(known, draft) if known else self._add(draft)
        self.articles[known or draft.article.id].feeds.add(feed_id)
        self.count([(series(ARTICLES, outcome=outcome), 1)])
        self._note_ingested(known or draft.article.id, feed_id, digest_text(draft.article.text), outcome)
        return outcome

    def _note_ingested(self, id_: str, feed_id: str, sha256: str, outcome: str) -> None:
        if outcome in ("baseline", "stale", "rekeyed"):
            self._set_aside.setdefault(outcome, []).append({"article": id_, "sha256": sha256})
        elif outcome in ("new", "revised"):
            revision = self.articles[id_].revision or None
            self.note_audit("accepted", article=id_, feed=feed_id, sha256=sha256, revision=revision)

    def _add(self, draft: Draft) -> str:
        id_ = draft.article.id
        self.articles[id_] = Item(record=draft.article, texts={draft.content}, state=draft.remembered_as or "due")
        if draft.remembered_as:
            return draft.remembered_as
        self.articles[id_].trace = draft.trace
        self._make_due(id_, draft)
        return "new"

    def _make_due(self, id_: str, draft: Draft) -> None:
        now = self.clock.now()
        self.due["articles"][id_] = now + PATIENCE if draft.wants_page else now
        self.pages.pop(id_, None)
        self.due["pages"].pop(id_, None)
        if draft.wants_page:
            self.pages[id_], self.due["pages"][id_] = PageItem(now), now

    def _revise(self, id_: str, draft: Draft) -> str:
        item = self.articles[id_]
        is_back = draft.is_fresh and item.state in ("baseline", "stale")
        if (
            not (item.state in ("done", "due") or is_back)
            or draft.remembered_as == "rekeyed"
            or draft.content in item.texts
        ):
            return "known"
        today = self.clock.now().date()
        item.revisions[today] = item.revisions.get(today, 0) + 1
        if item.revisions[today] > 10:
            return "revision_over_limit"
        item.revision += 1
        item.texts.add(draft.content)
        self._fence += 1
        first = item.record
        assert isinstance(first, Article)
        item.record = replace(draft.article, id=id_, first_seen=first.first_seen)
        item.fence, item.state, item.claims, item.analysis = self._fence, "due", 0, None
        self.decisions.pop(id_, None)
        self.quarantine["enrich"].pop(id_, None)
        item.trace = draft.trace
        self._make_due(id_, draft)
        return "revised"
