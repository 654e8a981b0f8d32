"""Documents of feeds are read in two lanes.

One that is not read within a moment steps aside until the quick ones are done, so that what was written to be slow costs
the feeds beside it no more than that moment.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker import dedupe, fulltext, parse, poll, ports, series
from worker.model import Document, Draft, Feed, FeedState, Fetched, PollFailed, Reading
from worker.subscriber import count_event

QUICK_S, LONGEST_S = 0.15, 2.0
"""Seconds of the processor: what the quick lane gives a document (35 entries take 0.03–0.11 s), and the slow one."""
_MOST_ASIDE = 16
"""So many documents may step aside: each is up to 20 MB."""
LONGEST_ASIDE = timedelta(seconds=15)
"""Then a slow document is read whatever else waits; must leave room in the lease."""
ReadLimit = Callable[[float], AbstractContextManager[None]]
"""Raises TimeoutError in its body after so many seconds of the processor."""


def unlimited(_seconds: float) -> AbstractContextManager[None]:
    """A limit that never comes."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Asked:
    """A feed that was claimed, and what was asked of its server."""

    claim: ports.FeedClaim
    request: poll.PollRequest
    at: datetime


@dataclass(frozen=True, slots=True)
class Slow:
    """A document that stepped aside."""

    asked: Asked
    fetched: Fetched
    since: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """What a document brought, and what it counts."""

    reading: Reading
    drafts: Sequence[Draft]
    counts: list[tuple[str, float]]


class Lanes:
    """Reads documents, and keeps those that stepped aside."""

    def __init__(self, read_limit: ReadLimit, observer: ports.Observer) -> None:
        self._read_limit, self._observer = read_limit, observer
        self._aside: deque[Slow] = deque()

    def __len__(self) -> int:
        return len(self._aside)

    def step_aside(self, slow: Slow) -> None:
        """Keep a document for later."""
        self._aside.append(slow)

    def is_pressing(self, now: datetime) -> bool:
        """Whether one that stepped aside is to be read though quick ones wait."""
        return len(self._aside) > _MOST_ASIDE or (bool(self._aside) and now - self._aside[0].since >= LONGEST_ASIDE)

    def next_slow(self) -> Slow:
        """The one that has waited longest."""
        return self._aside.popleft()

    def parse(
        self, request: poll.PollRequest, state: FeedState, fetched: Fetched, seconds: float
    ) -> Document | PollFailed | None:
        """The document, why there is none, or None where it takes longer."""
        known = () if request.is_whole else {mark.raw for mark in state.marks if mark.raw}
        try:
            with self._read_limit(seconds):
                return parse.read(fetched, known)
        except TimeoutError:
            return None

    def study(self, feed: Feed, state: FeedState, document: Document, now: datetime) -> Found:
        """What a document brings that the state does not know."""
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
                self._observer.note("entries_odd", feed=feed.name, reason=reason, number=number)
        counts = [(series.series(series.ENTRIES_ODD, reason=reason), float(n)) for reason, n in odd.items() if n]
        if left_out := max(len(document.fingerprints) - len(document.entries), 0):
            counts.append((series.series(series.ARTICLES, outcome="known"), float(left_out)))
        reading, drafts = dedupe.study(feed, state, document, now)
        return Found(reading, tuple(fulltext.marked(feed, draft) for draft in drafts), counts)

    def read_pushed(
        self, request: poll.PollRequest, state: FeedState, documents: Sequence[Fetched], now: datetime
    ) -> Found:
        """What documents that a hub sent brought, all together; nobody stands behind them in a lane."""
        found: list[Found] = []
        counts: list[tuple[str, float]] = []
        for sent in documents:
            document = self.parse(request, state, sent, LONGEST_S)
            if isinstance(document, Document):
                found.append(self.study(request.feed, state, document, now))
                counts += found[-1].counts
            else:
                counts += count_event("unreadable")
        reading = Reading(
            marks=tuple(mark for one in found for mark in one.reading.marks),
            arrivals=tuple(moment for one in found for moment in one.reading.arrivals),
        )
        return Found(reading, tuple(draft for one in found for draft in one.drafts), counts)
