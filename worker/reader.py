"""The worker between poll and enrich: claim articles that are summaries → fetch their page → read → keep the better text.

An article stands in the enricher's queue all the while, due when the patience for its page ends: whatever becomes of
this worker, the article is analysed then, with the text of its feed. What is in flight outlives the call.
"""

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from worker import fulltext, ports, series
from worker.errors import StoreUnavailable, describe_failure
from worker.model import (
    Article,
    Configuration,
    Fetched,
    Page,
    PageDecision,
    PageOutcome,
    PollOutcome,
)
from worker.poll import PollRequest

AT_ONCE = 50
_LOOK_AGAIN_S = 0.25


@dataclass(frozen=True, slots=True)
class PageClaim:
    """An article lent for reading its page: the `tries`-th fetch, the `claims`-th claim of it, wanted since a moment."""

    article: Article
    fence: int
    tries: int
    claims: int
    wanted_at: datetime


class PageStore(Protocol):
    """Which pages are to be read. Each method is one atomic step."""

    def claim_pages(self, limit: int, lease: timedelta) -> list[PageClaim]:
        """Lend due pages; those whose article is being analysed already are dropped and counted as late."""

    def finish_page(self, claim: PageClaim, decision: PageDecision, counts: Sequence[tuple[str, float]] = ()) -> bool:
        """Store the article's text and make it due at once, or the page due again; False if the claim was outdated."""


class Extractor(Protocol):
    """Reads pages where that can be ended."""

    def extract(self, fetched: Fetched) -> Page | str | None:
        """What the page says; None where it is none; a sentence where reading it had to be ended."""


class PageReader:
    """Reads the pages that are due, at most `AT_ONCE` at a time."""

    def __init__(  # noqa: PLR0913 - the ports it needs
        self,
        store: PageStore,
        fetcher: ports.Fetcher,
        extractor: Extractor,
        clock: ports.Clock,
        observer: ports.Observer,
        *,
        lease: timedelta,
        budget: timedelta,
    ) -> None:
        self._store, self._fetcher, self._extractor = store, fetcher, extractor
        self._clock, self._observer = clock, observer
        self._lease, self._budget = lease, budget
        self._in_flight: dict[Future[PollOutcome], tuple[PageClaim, datetime]] = {}

    def adopt(self, configuration: Configuration) -> None:
        """Read under the rights of these feeds; what is in flight stays so."""
        self._feeds = {feed.id: feed for feed in configuration.feeds}

    def read_due(self) -> int:
        """Read pages until none is due or in flight, or the budget is spent; the articles that became due."""
        deadline = self._clock.now() + self._budget
        done = self._start_due()
        while self._in_flight:
            done += self._collect()
            if self._clock.now() >= deadline:
                break
            done += self._start_due()
        return done

    def _start_due(self) -> int:
        given_up = 0
        # claimed anew sooner, a slow page would be asked for again, and given up as if its readers had died
        lease = max(self._lease, fulltext.PATIENCE)
        for claim in self._store.claim_pages(AT_ONCE - len(self._in_flight), lease):
            feed = self._feeds.get(claim.article.feed_id)
            if feed is None or claim.claims > fulltext.MOST_CLAIMS:
                why = "its feed was removed" if feed is None else f"whoever read the page died {claim.claims - 1} times"
                verdict = fulltext.Verdict(PageOutcome.HOSTILE if feed else PageOutcome.UNREACHABLE, why)
                given_up += self._finish(claim, fulltext.keep_feed(claim.article, verdict), timedelta(0))
                continue
            link = claim.article.link
            request = PollRequest(fulltext.page_feed(feed, link), url=link, is_page=True)
            self._in_flight[self._fetcher.fetch(request)] = (claim, self._clock.now())
        return given_up

    def _collect(self) -> int:
        done, _ = wait(self._in_flight, timeout=_LOOK_AGAIN_S, return_when=FIRST_COMPLETED)
        finished = 0
        for future in done:
            claim, started = self._in_flight.pop(future)
            decision = self._read(claim, future.result())
            finished += self._finish(claim, decision, self._clock.now() - started)
        return finished

    def _read(self, claim: PageClaim, outcome: PollOutcome) -> PageDecision:
        """What becomes of the article; a page that brings our own reading to fall costs the article nothing."""
        article = claim.article
        if not isinstance(outcome, Fetched):
            age = self._clock.now() - claim.wanted_at
            return fulltext.judge_failure(article, fulltext.as_failure(outcome), tries=claim.tries, age=age)
        try:
            page = self._extractor.extract(outcome)
            if isinstance(page, str):
                return fulltext.keep_feed(article, fulltext.Verdict(PageOutcome.HOSTILE, page))
            return fulltext.judge(article, outcome, page)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the feed's text is there
            reason = describe_failure(error)
            self._observer.note("work_failed", stage="read", subject=article.id, error=reason)
            return fulltext.keep_feed(
                article, fulltext.Verdict(PageOutcome.HOSTILE, f"reading the page failed: {reason}")
            )

    def _finish(self, claim: PageClaim, decision: PageDecision, took: timedelta) -> int:
        counts = series.observation(series.STAGE_SECONDS, took, stage="read")
        is_kept = self._store.finish_page(claim, decision, counts)
        if decision.outcome not in (PageOutcome.READ, PageOutcome.RETRIED):
            self._observer.note(
                "page_not_taken",
                article=claim.article.id,
                source=claim.article.source,
                outcome=decision.outcome.value,
                reason=decision.article.text_reason,
            )
        return int(is_kept and decision.wait is None)
