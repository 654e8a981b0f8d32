"""The order of the stages: poll → parse → dedupe → enrich → match → alert → deliver.

Three workers share it, cut where work waits in the store:

    poll      claim due feeds → fetch → parse → dedupe → store articles
    enrich    claim due articles → enrich → match → alert → store alerts and deliveries
    deliver   claim due deliveries → send → store what follows

Each takes what is due until nothing is, or until its time is up; what it leaves, or loses by dying, is due again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from worker import alert, coverage, dedupe, match, onward, parse, poll, ports, series, story
from worker.dispatch import Dispatcher
from worker.isolation import spared
from worker.model import (
    Alert,
    Analysis,
    Configuration,
    Draft,
    Feed,
    FeedState,
    Fetched,
    Match,
    Onward,
    PollFailed,
    PollOutcome,
    Reading,
    Signature,
    Verdict,
)
from worker.notifier import GroupStore, Notifier
from worker.silence import SilenceStore

_LOOK_AGAIN_S = 0.25
"""While work is in flight, new due work is looked for this often."""

_MOST_LOOKS = 5
"""An article whose story others change this often at the same moment is left to its lease."""

Claim = TypeVar("Claim")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a worker takes at once, and how long it may keep it."""

    feeds: int = 100
    articles: int = 32
    lease: timedelta = timedelta(seconds=90)
    budget: timedelta = timedelta(seconds=20)
    """A worker takes nothing new after this; must leave room in the lease for the slowest fetch (30 s)."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The spine. Holds no state of its own but the attempts in flight: everything is in the store."""

    store: ports.Store
    fetcher: ports.Fetcher
    enricher: ports.Enricher
    sender: ports.Sender
    clock: ports.Clock
    observer: ports.Observer
    configuration: Configuration
    matcher: match.Matcher
    limits: Limits = Limits()
    read_limit: Callable[[], AbstractContextManager[None]] = nullcontext
    """Ends the reading of a document that takes too long."""
    silences: SilenceStore | None = None
    groups: GroupStore | None = None
    """What is held; without it, only routes that tell at once are any use."""
    dispatcher: Dispatcher = field(init=False)

    def __post_init__(self) -> None:
        made = Dispatcher(
            self.store,
            self.sender,
            self.clock,
            self.observer,
            self.configuration,
            lease=self.limits.lease,
            budget=self.limits.budget,
        )
        object.__setattr__(self, "dispatcher", made)

    def reconfigured(self, configuration: Configuration, enricher: ports.Enricher) -> Pipeline:
        """The same spine under a new configuration; what is in flight to receivers goes with it."""
        matcher = match.Matcher(configuration.watches)
        made = replace(self, configuration=configuration, matcher=matcher, enricher=enricher)
        self.dispatcher.adopt(configuration)
        object.__setattr__(made, "dispatcher", self.dispatcher)
        return made

    # --- poll ----------------------------------------------------------------------------------------------

    def poll_due(self) -> int:
        """Poll due feeds; the number of articles that were new or revised."""
        feeds = {feed.id: feed for feed in self.configuration.feeds}
        epoch = self.store.epoch()
        brought = 0

        def claim(in_flight: int) -> dict[Future[PollOutcome], tuple[ports.FeedClaim, poll.PollRequest]]:
            now = self.clock.now()
            started = {}
            for claimed in self.store.claim_feeds(self.limits.feeds - in_flight, self.limits.lease):
                if feed := feeds.get(claimed.feed_id):
                    request = poll.request(feed, claimed.state, epoch=epoch, now=now)
                    started[self.fetcher.fetch(request)] = (claimed, request)
            return started

        def finish(asked: tuple[ports.FeedClaim, poll.PollRequest], outcome: PollOutcome) -> None:
            nonlocal brought
            with spared(self.observer, "poll", asked[1].feed.name, self.store, asked[0]):
                brought += self._finish_poll(*asked, outcome, epoch)

        self._work(claim, finish)
        return brought

    def _finish_poll(self, claim: ports.FeedClaim, request: poll.PollRequest, outcome: PollOutcome, epoch: str) -> int:
        now, started = self.clock.now(), self.clock.now()
        feed, state = request.feed, claim.state
        drafts: Sequence[Draft] = ()
        reading: Reading | None = None
        body_hash = ""
        counts: list[tuple[str, float]] = []
        if isinstance(outcome, Fetched):
            body_hash = hashlib.sha256(outcome.body).hexdigest()[:32]
            if poll.is_unchanged(request, state, outcome, body_hash):
                outcome = poll.unchanged(outcome)
            else:
                outcome, reading, drafts, counts = self._read(request, state, outcome, now)
        decision = poll.decide(
            request,
            state,
            outcome,
            epoch=epoch,
            body_hash=body_hash,
            reading=reading,
            now=now,
            draw=self.clock.draw(),
        )
        decision, alerts = self._cover(feed, state, decision, reading, now)
        counts.append((series.series(series.POLLS, outcome=decision.outcome), 1))
        counts += [(series.series(series.FEED_EVENTS, event=event), 1.0) for event in decision.events]
        counts += series.observation(series.STAGE_SECONDS, self.clock.now() - started, stage="parse")
        ingested = self.store.finish_poll(claim, decision, drafts, counts, alerts)
        self._note_poll(feed, outcome, decision, ingested)
        return ingested.new + ingested.revised

    def _cover(
        self, feed: Feed, before: FeedState, decision: poll.PollDecision, reading: Reading | None, now: datetime
    ) -> tuple[poll.PollDecision, list[tuple[Alert, tuple[Onward, ...]]]]:
        """The decision with what it teaches of the feed's gaps, and the alert where we have become blind on it."""
        state, events = coverage.learn(decision.state, reading, now), decision.events
        alerts = []
        if blind := coverage.judge(feed, state, now):
            name = alert.alert_id(coverage.WATCH_ID, coverage.story_of(feed, blind), 0)
            told = coverage.word(feed, state, blind, alert_id=name, config_hash=self.configuration.hash, now=now)
            alerts.append((told, self._routed(told)))
            state = replace(state, blind_since=blind.since, is_told_failing=blind.kind != "silent")
            events = (*events, "feed_blind")
        elif before.blind_since and not state.blind_since:
            events = (*events, "feed_seen_again")
        return replace(decision, state=state, events=events), alerts

    def _note_poll(
        self, feed: Feed, outcome: PollOutcome, decision: poll.PollDecision, ingested: ports.Ingested
    ) -> None:
        if isinstance(outcome, PollFailed):
            self.observer.note("poll_failed", feed=feed.name, reason=outcome.reason.value, message=outcome.message)
        elif ingested.new or ingested.revised:
            self.observer.note("polled", feed=feed.name, entries=decision.state.entries, new=ingested.new)
        for event in decision.events:
            self.observer.note(event, feed=feed.name)

    def _read(
        self, request: poll.PollRequest, state: FeedState, fetched: Fetched, now: datetime
    ) -> tuple[PollOutcome, Reading | None, Sequence[Draft], list[tuple[str, float]]]:
        known = () if request.is_whole else {mark.raw for mark in state.marks if mark.raw}
        document = parse.parse(fetched, known, self.read_limit)
        if isinstance(document, PollFailed):
            return document, None, (), []
        odd = Counter(
            cut=document.cut,
            repaired=int(bool(document.repaired)),
            odd_date=sum(
                entry.published is not None and not dedupe.is_plausible(entry.published, now)
                for entry in document.entries
            ),
            nameless=sum(not entry.guid and not entry.link for entry in document.entries),
        )
        for reason, number in odd.items():
            if number:
                self.observer.note("entries_odd", feed=request.feed.name, reason=reason, number=number)
        counts = [(series.series(series.ENTRIES_ODD, reason=reason), float(n)) for reason, n in odd.items() if n]
        if left_out := max(len(document.fingerprints) - len(document.entries), 0):
            counts.append((series.series(series.ARTICLES, outcome="known"), float(left_out)))
        reading = dedupe.learn(request.feed, state, document, now)
        return fetched, reading, dedupe.identify(request.feed, state, document, now), counts

    # --- enrich --------------------------------------------------------------------------------------------

    def enrich_due(self) -> int:
        """Analyse due articles and raise their alerts; the number of alerts that were new."""
        raised = 0
        deadline = self.clock.now() + self.limits.budget
        while claims := self.store.claim_articles(self.limits.articles, self.limits.lease):
            started = self.clock.now()
            analysed = self._analyse(claims)
            share = (self.clock.now() - started) / len(claims)
            for claim, analysis in analysed:
                with spared(self.observer, "enrich", claim.article.id, self.store, claim):
                    raised += self._finish_article(claim, analysis, share)
            if self.clock.now() >= deadline:
                break
        return raised

    def _analyse(self, claims: Sequence[ports.ArticleClaim]) -> list[tuple[ports.ArticleClaim, Analysis]]:
        """The claims with their analyses; one article that the model cannot bear does not cost the others theirs."""
        claims = self._without_boilerplate(claims)
        with spared(self.observer, "enrich", "a batch"):
            return list(zip(claims, self.enricher.enrich([claim.article for claim in claims]), strict=True))
        survived = []
        for claim in claims:
            with spared(self.observer, "enrich", claim.article.id, self.store, claim):
                survived.append((claim, self.enricher.enrich([claim.article])[0]))
        return survived

    def _without_boilerplate(self, claims: Sequence[ports.ArticleClaim]) -> list[ports.ArticleClaim]:
        """The claims with the passages that their feed repeats marked as teasers."""
        repeated = self.store.repeated_passages([claim.article for claim in claims])
        return [
            replace(claim, article=dedupe.with_zones(claim.article, passages)) if passages else claim
            for claim, passages in zip(claims, repeated, strict=True)
        ]

    def _finish_article(self, claim: ports.ArticleClaim, analysis: Analysis, share: timedelta) -> int:
        verdicts = self.matcher.screen(claim.article, analysis)
        counts = series.observation(series.STAGE_SECONDS, share, stage="enrich")
        counts += _count_unread(analysis)
        counts += _count_lag(claim)
        counts += _count_unknown(verdicts)
        signature = story.sign(claim.article, analysis)
        for _ in range(_MOST_LOOKS):
            step, alerts = self._tell(claim, analysis, signature, verdicts)
            quiet = sum(isinstance(verdict, Match) for verdict in verdicts) - len(alerts)
            told = [(series.NOTHING_NEW, float(quiet))] if quiet else []
            routed = [(one, self._routed(one)) for one in alerts]
            new = self.store.finish_article(claim, analysis, step, routed, counts + told)
            if new != ports.MOVED:
                break
        for one in alerts if new > 0 else ():
            self.observer.note("alert", alert=one.id, watch=one.watch_id, severity=one.severity.value)
        return max(new, 0)

    def _tell(
        self, claim: ports.ArticleClaim, analysis: Analysis, signature: Signature, verdicts: Sequence[Verdict]
    ) -> tuple[ports.StoryStep, tuple[Alert, ...]]:
        """The article's story as it becomes with it, and the alerts that say what is new."""
        now = self.clock.now()
        found = ports.Kinship() if claim.story else self.store.find_kin(signature.keys)
        relative, is_copy = story.choose(signature, found.kin, now)
        place = claim.story or (relative.story if relative else claim.article.id)
        known, version = self.store.read_story(place)
        if relative and known and known.sources and now - known.sources[0].seen_at > story.WINDOW:
            # kin of kin would carry a theme on for ever; what begins after the window is news again
            relative, is_copy, place = None, False, claim.article.id
            known, version = self.store.read_story(place)
        grown = story.grow(known, claim.article, relative, is_copy=is_copy, now=now)
        alerts, told = alert.raise_alerts(
            verdicts, claim.article, analysis, grown, config_hash=self.configuration.hash, now=now
        )
        return ports.StoryStep(told, version, signature, found.seen), alerts

    def _routed(self, raised: Alert) -> tuple[Onward, ...]:
        now = self.clock.now()
        silences = self.silences.silences(ended=False) if self.silences else ()
        return onward.send_on(self.configuration, raised, silences, now)

    # --- deliver -------------------------------------------------------------------------------------------

    def deliver_due(self) -> int:
        """Let due groups speak, then send due deliveries; the number of answers."""
        if self.groups and self.silences:
            Notifier(
                self.groups, self.silences, self.clock, self.observer, self.configuration, self.limits.lease
            ).notify_due()
        return self.dispatcher.deliver_due()

    # --- for all -------------------------------------------------------------------------------------------

    def _work(
        self,
        claim: Callable[[int], dict[Future[Result], Claim]],
        finish: Callable[[Claim, Result], None],
    ) -> None:
        """Keep claimed work in flight and finish each piece as it comes, so that a slow one holds up no other."""
        deadline = self.clock.now() + self.limits.budget
        in_flight: dict[Future[Result], Claim] = claim(0)
        while in_flight:
            done, _ = wait(in_flight, timeout=_LOOK_AGAIN_S, return_when=FIRST_COMPLETED)
            for future in done:
                finish(in_flight.pop(future), future.result())
            if self.clock.now() < deadline:
                in_flight |= claim(len(in_flight))


def _count_lag(claim: ports.ArticleClaim) -> list[tuple[str, float]]:
    """How long after its publication an article was fetched, once for each: one that has a story was read before."""
    published, seen = claim.article.published, claim.article.first_seen
    if claim.story or not published or not seen:
        return []
    return series.observation(
        series.FRESHNESS_SECONDS, max(seen - published, timedelta(0)), span="published_to_fetched"
    )


def _count_unread(analysis: Analysis) -> list[tuple[str, float]]:
    reasons = ["language"] * (not analysis.is_language_known) + ["truncated"] * (analysis.truncated_at is not None)
    return [(series.series(series.ARTICLES_UNREAD, reason=reason), 1.0) for reason in reasons]


def _count_unknown(verdicts: Sequence[Verdict]) -> list[tuple[str, float]]:
    unknown = sum(verdict.finding.truth == "unknown" for verdict in verdicts)
    return [(series.WATCH_UNKNOWN, float(unknown))] if unknown else []
