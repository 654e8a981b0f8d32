"""The order of the stages: poll → parse → dedupe → (read the page) → enrich → match → alert → deliver.

Four workers share it, cut where work waits in the store:

    poll      claim due feeds → fetch → parse → dedupe → store articles
    read      claim articles that are summaries → fetch their page → keep the better text
    enrich    claim due articles → enrich → match → alert → store alerts and deliveries
    deliver   claim due deliveries → send → store what follows

Each takes what is due until nothing is, or until its time is up; what it leaves, or loses by dying, is due again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TypeAlias, TypeVar

from worker import dedupe, match, onward, ports, story
from worker.backpressure import Backpressure, Gauge
from worker.dispatch import Dispatcher
from worker.errors import TurnOver
from worker.finisher import Finisher
from worker.isolation import spared
from worker.lanes import ReadLimit, unlimited
from worker.lent import Lender, Loans, put_off
from worker.model import (
    Alert,
    Analysis,
    Configuration,
    Onward,
    Signature,
)
from worker.notifier import GroupStore, Notifier
from worker.poller import Poller
from worker.reader import PageReader
from worker.silence import SilenceStore
from worker.subscriber import Board, Subscriber
from worker.telling import Teller
from worker.triage import AT_ONCE, Backlog, Read, Triage, longest_wait

T = TypeVar("T")
R = TypeVar("R")
_Understood: TypeAlias = tuple[ports.ArticleClaim, Analysis, Signature]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a worker takes at once, and how long it may keep it."""

    feeds: int = 100
    articles: int = 32
    most_articles: int = 64
    """So many articles are taken after a full batch: to look for names has a price each time."""
    lease: timedelta = timedelta(seconds=90)
    budget: timedelta = timedelta(seconds=20)
    """A worker takes nothing new after this; must leave room in the lease for the slowest fetch (30 s)."""
    linger: timedelta = timedelta(0)
    """A poller that found nothing waits so long for what may become due."""


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
    read_limit: ReadLimit = unlimited
    """Ends the reading of a document that takes too long."""
    tracer: ports.Tracer = ports.UNTRACED
    silences: SilenceStore | None = None
    groups: GroupStore | None = None
    """What is held; without it, only routes that tell at once are any use."""
    dispatcher: Dispatcher = field(init=False)
    poller: Poller = field(init=False)
    bell: ports.Bell = ports.SILENT_BELL
    """Wakes the next worker before this one is through with all that is due."""
    board: Board | None = None
    """Where hubs come in; only a poller of an installation with a public address has one."""
    subscriber: Subscriber | None = None
    reader: PageReader | None = None
    """Only the process that reads pages has one."""
    gauge: Gauge | None = None
    """What tells a poller that articles wait to be looked at, and that a feed is about to be due."""
    articles: ports.Articles | None = None
    """Needed where names are looked for only when relevant, or later."""
    triage: Triage | None = field(init=False, default=None)
    finisher: Finisher = field(init=False)
    executor: Executor | None = None
    """Waits for the store where there is something else to do meanwhile."""
    lender: Lender | None = None
    """Takes back what an enricher's turn leaves undone when it is ended; without it the leases bring it back."""

    def __post_init__(self) -> None:
        made = Dispatcher(
            self.store,
            self.sender,
            self.clock,
            self.observer,
            self.configuration,
            lease=self.limits.lease,
            budget=self.limits.budget,
            tracer=self.tracer,
        )
        object.__setattr__(self, "dispatcher", made)
        poller = Poller(
            self.store,
            self.fetcher,
            self.clock,
            self.observer,
            lease=self.limits.lease,
            budget=self.limits.budget,
            at_once=self.limits.feeds,
            read_limit=self.read_limit,
            board=self.board,
            tracer=self.tracer,
            bell=self.bell,
            pressure=Backpressure(self.gauge) if self.gauge else None,
            linger=self.limits.linger,
        )
        poller.adopt(self.configuration, self.routed)
        object.__setattr__(self, "poller", poller)
        if self.subscriber:
            self.subscriber.adopt(self.configuration)
        if self.articles:
            object.__setattr__(self, "triage", Triage(self.enricher, self.matcher, self.articles))
        teller = Teller(
            self.store,
            self.clock,
            self.observer,
            self.matcher,
            self.routed_all,
            config_hash=self.configuration.hash,
            triage=None if self._reads_all else self.triage,
            tracer=self.tracer,
        )
        finisher = Finisher(
            teller, self.store, self.observer, put_off=partial(put_off, self.lender), executor=self.executor
        )
        object.__setattr__(self, "finisher", finisher)
        if self.reader:
            self.reader.adopt(self.configuration)

    def reconfigured(self, configuration: Configuration, enricher: ports.Enricher) -> Pipeline:
        """The same spine under a new configuration; what is in flight to servers and receivers goes with it."""
        matcher = match.Matcher(configuration.watches)
        made = replace(self, configuration=configuration, matcher=matcher, enricher=enricher)
        if self.groups:
            self.groups.look_again()
        self.dispatcher.adopt(configuration)
        object.__setattr__(made, "dispatcher", self.dispatcher)
        self.poller.adopt(configuration, made.routed)
        object.__setattr__(made, "poller", self.poller)
        return made

    # --- poll ----------------------------------------------------------------------------------------------

    def poll_due(self) -> int:
        """Poll due feeds; the number of articles that were new or revised."""
        return self.poller.poll_due()

    def subscribe_due(self) -> int:
        """Ask hubs for what is due with subscriptions; the number of requests."""
        return self.subscriber.step() if self.subscriber else 0

    # --- read ----------------------------------------------------------------------------------------------

    def read_due(self) -> int:
        """Read the pages of articles that are summaries; the number that became due for analysis."""
        return self.reader.read_due() if self.reader else 0

    # --- enrich --------------------------------------------------------------------------------------------

    @property
    def _reads_all(self) -> bool:
        return self.configuration.nlp.entities == "always"

    def enrich_due(self) -> int:
        """Analyse due articles and raise their alerts; the number of alerts that were new.

        What may fire is told first. The rest follows when nothing new is due; what has waited long enough takes turns with
        what is new. A turn that is ended (TurnOver) gives back what it has not finished.
        """
        loans = Loans(self.lender)
        try:
            return self._enrich_due(loans)
        except BaseException as error:
            self.finisher.drop(error)
            if isinstance(error, TurnOver):
                self.observer.note("articles_given_back", number=loans.give_back())
            raise

    def _enrich_due(self, loans: Loans) -> int:
        raised, backlog = 0, Backlog()
        deadline, is_late = self.clock.now() + self.limits.budget, False
        longest, is_news_turn = longest_wait(self.configuration.nlp.entities, self.limits.lease), True
        limit = self.limits.articles
        while True:
            self.bell.catch_up()
            must_finish = is_late or (not is_news_turn and backlog.is_pressing(self.clock.now(), longest))
            if claims := [] if must_finish else loans.note(self.store.claim_articles(limit, self.limits.lease)):
                are_more = len(claims) == limit
                limit = self.limits.most_articles if are_more else self.limits.articles
                if are_more:
                    self.bell.ring("enrich")  # more may be due than one worker takes
                new, is_news_turn = self._look_at(claims, backlog, loans), False
                if new:
                    self.bell.ring("deliver")
            elif waiting := backlog.take(limit if self._reads_all else AT_ONCE):
                new, is_news_turn = self._finish(waiting, loans, self.finisher.finish_later), True
            else:
                return raised + self._tell((), loans, self.finisher.finish)
            raised += new
            is_late = self.clock.now() >= deadline

    def _look_at(self, claims: Sequence[ports.ArticleClaim], backlog: Backlog, loans: Loans) -> int:
        """Analyse a batch, tell what fires after what is of its story, keep the others back; the new alerts."""
        started, ready = self.clock.now(), list[Read]()
        claims = self._without_boilerplate(claims)
        understood = self._survivors(self._understand, claims, claims, loans)
        share = (self.clock.now() - started) / len(claims)
        for read in (Read(*one, share, started) for one in understood):
            if read.analysis.pending:
                backlog.add(read)
            else:
                ready += [*backlog.take_kin(read), read]
        return self._finish(ready, loans, self.finisher.finish)

    def _finish(self, reads: Sequence[Read], loans: Loans, finish: Callable[[Sequence[Read]], int]) -> int:
        """Tell articles; where everything is read, what was only glanced at is read first."""
        started = self.clock.now()
        late = [read.claim for read in reads if read.analysis.pending and self._reads_all]
        loans.take_up(late)
        if late and self.triage:
            whole = self._survivors(self.triage.complete, reads, [read.claim for read in reads], loans)
            share = (self.clock.now() - started) / len(late)
            glanced = set(map(id, late))
            reads = [replace(one, share=one.share + share) if id(one.claim) in glanced else one for one in whole]
        groups = (reads[first : first + AT_ONCE] for first in range(0, len(reads), AT_ONCE))
        return sum(self._tell(group, loans, finish) for group in groups)

    def _tell(self, group: Sequence[Read], loans: Loans, finish: Callable[[Sequence[Read]], int]) -> int:
        loans.take_up([read.claim for read in group])
        raised = finish(group)
        loans.forget(self.finisher.ended())
        return raised

    def _survivors(
        self,
        work: Callable[[Sequence[T]], list[R]],
        lent: Sequence[T],
        claims: Sequence[ports.ArticleClaim],
        loans: Loans,
    ) -> list[R]:
        """What the model makes of a batch; one article that it cannot bear does not cost the others theirs, and comes again."""
        with spared(self.observer, "enrich", "a batch"):
            return work(lent)
        survived = []
        for one, claim in zip(lent, claims, strict=True):
            with spared(self.observer, "enrich", claim.article.id, self.store, claim):
                survived += work([one])
                continue
            loans.forget([claim])  # its failure counts, however the turn ends
        return survived

    def _understand(self, claims: Sequence[ports.ArticleClaim]) -> list[_Understood]:
        """The claims with what is understood; where more are due than one batch takes, a glance tells which may wait."""
        articles = [claim.article for claim in claims]
        is_hurried = not self._reads_all or len(claims) >= self.limits.articles
        analyses = self.triage.analyse(articles) if self.triage and is_hurried else self.enricher.enrich(articles)
        signatures = map(story.sign, articles, analyses)
        return list(zip(claims, analyses, signatures, strict=True))

    def _without_boilerplate(self, claims: Sequence[ports.ArticleClaim]) -> list[ports.ArticleClaim]:
        """The claims with the passages that their feed repeats marked as teasers."""
        repeated = self.store.repeated_passages([claim.article for claim in claims])
        return [
            replace(claim, article=dedupe.with_zones(claim.article, passages), is_trimmed=True) if passages else claim
            for claim, passages in zip(claims, repeated, strict=True)
        ]

    def routed(self, raised: Alert) -> tuple[Onward, ...]:
        """What becomes of an alert: by routes, silences, time intervals and rate caps."""
        [onward_] = self.routed_all([raised])
        return onward_

    def routed_all(self, raised: Sequence[Alert]) -> list[tuple[Onward, ...]]:
        """The same of some, under the same silences."""
        if not raised:
            return []
        now = self.clock.now()
        silences = self.silences.silences(ended=False) if self.silences else ()
        return [onward.send_on(self.configuration, one, silences, now) for one in raised]

    # --- deliver -------------------------------------------------------------------------------------------

    def deliver_due(self) -> int:
        """Let due groups speak, then send due deliveries; the number of answers."""
        if self.groups and self.silences:
            Notifier(
                self.groups, self.silences, self.clock, self.observer, self.configuration, self.limits.lease
            ).notify_due()
        return self.dispatcher.deliver_due()
