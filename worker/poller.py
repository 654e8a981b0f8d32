"""The first worker of the spine: claim due feeds → fetch → parse → dedupe → store articles.

What is in flight outlives the call that started it, so that a server which takes its full time-out is waited for by
nobody: the next call finds the answer. A process that dies forgets it, and the lease brings the feed back.
"""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from queue import Empty

from worker import coverage, parse, poll, ports, series, websub
from worker.answers import Answers
from worker.backpressure import Backpressure
from worker.batch import Batch
from worker.isolation import spared
from worker.lanes import LONGEST_S, QUICK_S, Asked, Lanes, ReadLimit, Slow
from worker.model import (
    Alert,
    Configuration,
    Document,
    Draft,
    Feed,
    FeedState,
    Fetched,
    Onward,
    PollFailed,
    PollOutcome,
    Reading,
)
from worker.subscriber import Board
from worker.window import Window

_LOOK_AGAIN_S, _WIDEN_S = 0.25, 0.05
"""While polls are in flight, newly due feeds are looked for this often; sooner where the window can still grow."""
_REST_S, _HELD_S = 0.1, 0.02
"""While nothing is due, what may have become so is looked for this often; and whether feeds are still held back."""
_SLOW = timedelta(milliseconds=500)
"""What has not answered by then brings its articles later, if ever: nobody is held back for them."""
_NOT_OURS = timedelta(seconds=5)
"""A feed that our configuration does not hold yet is left to processes with a newer one."""
_FETCHED = series.Histogram(series.STAGE_SECONDS, stage="fetch")
_PARSED = series.Histogram(series.STAGE_SECONDS, stage="parse")


@dataclass(frozen=True, slots=True)
class _Done:
    """A poll that is ready to be handed in; `told` is what came of it, for the log, and `span` ends with it.

    Most polls have neither: they found nothing, and nobody traces them.
    """

    feed_name: str
    finished: ports.FinishedPoll
    told: Callable[[ports.Ingested], None] | None = None
    span: AbstractContextManager[object] | None = None


_Answer = tuple[Future[PollOutcome], datetime]
"""An answer, and when it came."""


class Poller:
    """Polls what is due, at most `at_once` feeds at a time."""

    def __init__(  # noqa: PLR0913 - the ports it needs
        self,
        store: ports.Store,
        fetcher: ports.Fetcher,
        clock: ports.Clock,
        observer: ports.Observer,
        *,
        lease: timedelta,
        budget: timedelta,
        at_once: int,
        read_limit: ReadLimit,
        board: Board | None = None,
        tracer: ports.Tracer = ports.UNTRACED,
        bell: ports.Bell = ports.SILENT_BELL,
        pressure: Backpressure | None = None,
        linger: timedelta = timedelta(0),
    ) -> None:
        self._pressure, self._linger = pressure, linger
        self._store, self._fetcher, self._clock, self._observer = store, fetcher, clock, observer
        self._tracer, self._bell = tracer, bell
        self._lease, self._budget = lease, budget
        self._lanes = Lanes(read_limit, observer)
        self._board = board
        self._in_flight: dict[Future[PollOutcome], Asked] = {}
        self._answered: Answers[_Answer] = Answers()
        self._window = Window(at_once)
        self._looked_at: datetime | None = None
        self._is_more_due = False
        self._batch: Batch[_Done] = Batch()
        self._suspect: Asked | None = None
        self._is_alone = False
        self._epoch = ""

    def adopt(self, configuration: Configuration, routed: Callable[[Alert], tuple[Onward, ...]]) -> None:
        """Poll the feeds of a configuration; what is in flight stays so. `routed` says what becomes of an alert."""
        self._feeds = {feed.id: feed for feed in configuration.feeds}
        self._config_hash, self._routed = configuration.hash, routed

    def poll_due(self) -> int:
        """Poll until nothing is due or in flight, or the budget is spent; the number of new or revised articles.

        Where feeds become due within moments, they are waited for.
        """
        began = self._clock.now()
        deadline = began + self._budget
        self._find_lost_answers()
        if not self._in_flight:
            self._window.restart()
        self._epoch = self._store.epoch()
        brought = self._start_due()
        while self._is_busy or self._rested(began + self._linger):
            self._bell.catch_up()
            brought += self._collect()
            if self._clock.now() >= deadline:
                break
            brought += self._start_due()
        brought += self._hand_in()
        self._count_held()
        return brought

    @property
    def _is_busy(self) -> bool:
        return bool(self._in_flight or self._lanes or self._suspect or self._is_more_due)

    def _rested(self, until: datetime) -> bool:
        """Sleep until a feed is due, or for a moment, in which one may be hurried; False where the time is up."""
        now = self._clock.now()
        if not self._pressure or now >= until:
            return False
        rest = min(self._pressure.due_in(now), until - now)
        self._next_answer(min(max(rest.total_seconds(), 0), _REST_S))
        self._window.restart()
        return True

    def _count_held(self) -> None:
        if self._pressure and (held := self._pressure.held):
            self._pressure.held = timedelta(0)
            self._store.count([(series.POLLING_HELD, held.total_seconds())])

    def _find_lost_answers(self) -> None:
        """A turn that was cut may have held an answer, whose feed would be in flight for ever."""
        came: dict[Future[PollOutcome], datetime] = {}
        while answer := self._next_answer(0):
            came |= [answer]
        came |= {future: self._clock.now() for future in self._in_flight if future.done() and future not in came}
        for answer in came.items():
            self._answered.put(answer)

    def _start_due(self) -> int:
        """Start what is due, then hand in what is ready; the articles that came of that."""
        now, brought = self._clock.now(), 0
        if self._must_wait():
            return self._hand_in()
        for claim in self._claim_due(now):
            if feed := self._feeds.get(claim.feed_id):
                request = poll.request(feed, claim.state, epoch=self._epoch, now=now)
                asked = Asked(claim, request, now)
                if claim.is_suspect:
                    self._suspect = asked
                    self._must_wait()
                    break
                if self._board and claim.pushes:
                    self._take_pushed(asked, self._board)
                    brought += self._hand_in() if self._batch.is_due(self._clock.now()) else 0
                else:
                    self._ask(asked)
            else:
                postponed = poll.PollDecision(claim.state, _NOT_OURS, "postponed")
                self._batch.add(_Done(claim.feed_id, ports.FinishedPoll(claim, postponed)), 0, now)
        return brought + self._hand_in()

    def _claim_due(self, now: datetime) -> list[ports.FeedClaim]:
        """What the window has room for. A little room is left until there is more, or a moment has gone."""
        in_flight = len(self._in_flight) + len(self._lanes)
        is_long_ago = self._looked_at is None or now - self._looked_at >= timedelta(seconds=_WIDEN_S)
        room = self._window.size - in_flight if is_long_ago else self._window.room(in_flight)
        if self._pressure and room > 0:
            soon = sum(now - asked.at < _SLOW for asked in self._in_flight.values()) + len(self._lanes)
            room = min(room, self._pressure.room(soon, now))
            if room <= 0:
                self._is_more_due = self._pressure.is_holding
        if room <= 0:
            return []
        self._looked_at = now
        claims = self._store.claim_feeds(room, self._lease)
        self._is_more_due = len(claims) >= room
        return claims

    def _ask(self, asked: Asked) -> None:
        future = self._fetcher.fetch(asked.request)
        self._in_flight[future] = asked
        future.add_done_callback(lambda done: self._answered.put((done, self._clock.now())))

    def _must_wait(self) -> bool:
        """Whether no other feed may be begun now. A suspect starts when all others are done, and stays alone."""
        if self._is_alone and not self._in_flight and not self._lanes:
            self._is_alone = False
        if self._suspect and not self._in_flight and not self._lanes:
            self._ask(self._suspect)
            self._suspect, self._is_alone = None, True
        return self._is_alone or self._suspect is not None

    def _collect(self) -> int:
        """Finish what has come, and one that stepped aside where nothing came or it waited long; the articles."""
        is_held = self._pressure is not None and self._pressure.is_holding
        timeout = _HELD_S if is_held else _LOOK_AGAIN_S if self._window.is_widest else _WIDEN_S
        is_idle = (bool(self._in_flight) or is_held) and not self._lanes
        came = answer = self._next_answer(timeout if is_idle else 0)
        if came and is_idle:
            self._answered.gather(len(self._in_flight))
        now = self._clock.now()
        if is_idle and not came and not is_held:
            self._window.idled()
            if self._pressure:
                self._pressure.idled()
        while answer:
            future, at = answer
            if asked := self._in_flight.pop(future, None):
                self._window.took(asked.at, at, now)
                self._finish(asked, future.result(), at, now)
                now = self._clock.now()
            answer = None if self._batch.is_due(now) else self._next_answer(0)
        # without articles it has time until the next feeds are asked: their servers then answer while the store does
        brought = self._hand_in() if self._batch.drafts or self._lanes else 0
        if self._lanes and (not came or self._lanes.is_pressing(now)):
            slow = self._lanes.next_slow()
            self._finish(slow.asked, slow.fetched, slow.since, self._clock.now(), LONGEST_S)
            brought += self._hand_in()
        return brought

    def _next_answer(self, timeout: float) -> _Answer | None:
        try:
            return self._answered.get(timeout)
        except Empty:
            return None

    def _hand_in(self) -> int:
        """Give the store what is ready; the articles that were new or revised, for which enrichers are woken while polling goes on."""
        ready = self._batch.take()
        if not ready:
            return 0
        brought = 0
        try:
            answers = self._store.finish_polls([done.finished for done in ready])
        except BaseException:
            for done in ready:
                with suppress(BaseException), done.span or nullcontext():
                    raise
            raise
        for done, answer in zip(ready, answers, strict=True):
            if isinstance(answer, Exception) or done.told or done.span:
                brought += self._settle(done, answer)
        if self._pressure:
            self._pressure.brought(len(ready), brought)
        if brought and self._linger and any(draft.wants_page for done in ready for draft in done.finished.drafts):
            self._bell.ring("read")  # the turn, which rings at its end, goes on for long
        if brought:
            self._bell.ring("enrich")
        return brought

    def _settle(self, done: _Done, answer: ports.Ingested | Exception) -> int:
        """Tell what came of a poll; the articles that were new or revised."""
        with (
            spared(self._observer, "poll", done.feed_name, self._store, done.finished.claim),
            done.span or nullcontext(),
        ):
            if isinstance(answer, Exception):
                raise answer
            if done.told:
                done.told(answer)
            return answer.new + answer.revised
        return 0

    def _finish(
        self, asked: Asked, outcome: PollOutcome, answered: datetime, now: datetime, seconds: float = QUICK_S
    ) -> None:
        with spared(self._observer, "poll", asked.request.feed.name, self._store, asked.claim):
            self._finish_poll(asked, outcome, answered, now, seconds)

    def _finish_poll(
        self, asked: Asked, outcome: PollOutcome, answered: datetime, now: datetime, seconds: float
    ) -> None:
        claim, request = asked.claim, asked.request
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
                document = self._lanes.parse(request, state, outcome, seconds)
                if document is None and seconds < LONGEST_S:
                    self._lanes.step_aside(Slow(asked, outcome, answered))
                    return
                if isinstance(document, Document):
                    found = self._lanes.study(feed, state, document, now)
                    reading, drafts, counts = found.reading, found.drafts, found.counts
                    self._advertise(feed, outcome)
                else:
                    outcome = document or parse.endless(outcome)
        decision = poll.decide(
            request,
            state,
            outcome,
            epoch=self._epoch,
            body_hash=body_hash,
            reading=reading,
            now=now,
            draw=self._clock.draw(),
        )
        decision = self._stretched(feed, claim, decision, now)
        decision, alerts = self._cover(feed, state, decision, reading, now)
        counts.append((series.series(series.POLLS, outcome=decision.outcome), 1))
        counts += [(series.series(series.FEED_EVENTS, event=event), 1.0) for event in decision.events]
        counts += _FETCHED.observed(answered - asked.at)
        counts += _PARSED.observed(self._clock.now() - now)
        span = None
        if self._tracer is not ports.UNTRACED:
            span = ExitStack()
            facts = {"feed": feed.id, "outcome": decision.outcome}
            trace = span.enter_context(self._tracer.span("poll", "", asked.at, facts))
            drafts = [replace(draft, trace=trace) for draft in drafts]
        finished = ports.FinishedPoll(claim, decision, drafts, counts, alerts)
        is_told = drafts or decision.events or isinstance(outcome, PollFailed)
        told = partial(self._note, feed, outcome, decision) if is_told else None
        self._batch.add(_Done(feed.name, finished, told, span), len(drafts), now)

    def _take_pushed(self, asked: Asked, board: Board) -> None:
        with spared(self._observer, "poll", asked.request.feed.name, self._store, asked.claim):
            self._finish_pushed(asked, board.pushed(asked.claim.feed_id))

    def _finish_pushed(self, asked: Asked, documents: Sequence[Fetched]) -> None:
        """Hand in what came of documents that a hub sent; they go the way of those that were asked for."""
        claim, request, now = asked.claim, asked.request, self._clock.now()
        feed, state = request.feed, claim.state
        found = self._lanes.read_pushed(request, state, documents, now)
        counts = [(series.series(series.POLLS, outcome="pushed"), float(len(documents))), *found.counts]
        decision = poll.pushed(state, found.reading, len(documents))
        decision, alerts = self._cover(feed, state, decision, found.reading, now)
        finished = ports.FinishedPoll(claim, decision, found.drafts, counts, alerts)
        self._batch.add(_Done(feed.name, finished, partial(self._note_pushed, feed)), len(found.drafts), now)

    def _note_pushed(self, feed: Feed, ingested: ports.Ingested) -> None:
        if ingested.new or ingested.revised:
            self._observer.note("pushed", feed=feed.name, new=ingested.new)

    def _advertise(self, feed: Feed, fetched: Fetched) -> None:
        if self._board:
            self._board.advertise(feed.id, None if feed.websub == "off" else websub.discover(fetched))

    def _stretched(
        self, feed: Feed, claim: ports.FeedClaim, decision: poll.PollDecision, now: datetime
    ) -> poll.PollDecision:
        """Polls come less often while a hub delivers; where the configuration names an interval, that holds."""
        if claim.pushes and (self._board is None or claim.is_suspect):
            # hubs cannot reach us any more, or what one sent brought a process down: this poll found it instead
            decision = replace(decision, pushes=claim.pushes)
        if feed.interval is not None or decision.state.failures:
            return decision
        next_in = websub.stretched(decision.next_in, claim.delivers_until, now)
        return decision if next_in == decision.next_in else replace(decision, next_in=next_in)

    def _cover(
        self, feed: Feed, before: FeedState, decision: poll.PollDecision, reading: Reading | None, now: datetime
    ) -> tuple[poll.PollDecision, list[tuple[Alert, tuple[Onward, ...]]]]:
        """The decision with what it teaches of the feed's gaps, and the alert where we have become blind on it."""
        seen = coverage.cover(feed, before, decision.state, reading, config_hash=self._config_hash, now=now)
        if seen.state is not decision.state or seen.events:
            decision = decision.taught(seen.state, (*decision.events, *seen.events))
        return decision, [(seen.alert, self._routed(seen.alert))] if seen.alert else []

    def _note(self, feed: Feed, outcome: PollOutcome, decision: poll.PollDecision, ingested: ports.Ingested) -> None:
        if isinstance(outcome, PollFailed):
            self._observer.note("poll_failed", feed=feed.name, reason=outcome.reason.value, message=outcome.message)
        elif ingested.new or ingested.revised:
            self._observer.note("polled", feed=feed.name, entries=decision.state.entries, new=ingested.new)
        for event in decision.events:
            self._observer.note(event, feed=feed.name)
