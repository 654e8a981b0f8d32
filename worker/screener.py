"""Stored articles are screened again when a list has grown: in small steps between live work, resumed where one broke off.

    scan    every stored article is searched for the added names, and what watches make of it is noted
    raise   what was noted becomes alerts, one for each party and story, the newest first

Owns the order of these steps; what counts as found is `screening`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from worker import screening
from worker.match import Matcher
from worker.model import Alert, Analysis, Article, Configuration, Onward, Story
from worker.ports import Clock, Enricher, Observer
from worker.screening import Additions, Found, Marks, Notice

PAGE = 500
"""Keys of the store that are looked at together."""
LEASE = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article as the store keeps it, with its analysis and story where it has them."""

    article: Article
    analysis: Analysis | None = None
    story: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some stored articles; `cursor` leads to the next and is 0 after the last. `keys` is how many keys were passed."""

    cursor: int
    keys: int
    articles: Sequence[StoredArticle]


@dataclass(frozen=True, slots=True)
class Claim:
    """The screening, lent to one worker. In the phase `raise` the cursor counts notices."""

    fence: int
    phase: str
    cursor: int
    added: Marks


@dataclass(frozen=True, slots=True)
class Handover:
    """A piece of work done: the phase and cursor to go on from, keys and articles looked at, and what was found.

    Phase "" ends the screening; without a `lease` it is given back.
    """

    phase: str
    cursor: int
    looked: int = 0
    found: Sequence[Found] = ()
    lease: timedelta | None = None
    articles: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the screening is, or how the last one ended (phase ""): `looked` of about `total` keys."""

    digest: str = ""
    phase: str = ""
    looked: int = 0
    total: int = 0
    found: int = 0
    raised: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ScreeningStore(Protocol):
    """The state of the one screening. Each method is one atomic step; an outdated claim changes nothing."""

    def progress(self) -> Progress:
        """How far it is."""

    def known(self) -> dict[str, frozenset[int]]:
        """The marks of every list as they were last noted."""

    def begin(self, before: str, digest: str, known: Marks, added: Marks) -> bool:
        """Note what lists hold and, with `added`, begin. False where `before` is outdated or a screening runs."""

    def claim(self, lease: timedelta) -> Claim | None:
        """Lend the screening, if there is one and nobody has it."""

    def page(self, cursor: int, size: int) -> Page:
        """Stored articles from a cursor on; each is in some page, perhaps in two."""

    def read(self, article: str) -> StoredArticle | None:
        """One stored article."""

    def read_story(self, story: str) -> Story | None:
        """One story."""

    def advance(self, claim: Claim, done: Handover) -> bool:
        """Note what was done; False where the claim is outdated."""

    def found(self) -> list[Found]:
        """All that was found so far."""

    def raise_alert(self, claim: Claim, position: int, raised: Alert, steps: Sequence[Onward]) -> int:
        """Store an alert with what becomes of it: 1 new, 0 known before, -1 outdated claim."""

    def is_live_work_due(self) -> bool:
        """Whether articles wait to be read for the first time."""


@dataclass(slots=True)
class Screener:
    """Screens under one configuration. `route` makes the deliveries of an alert."""

    store: ScreeningStore
    configuration: Configuration
    matcher: Matcher
    enricher: Enricher
    route: Callable[[Alert], Sequence[Onward]]
    clock: Clock
    observer: Observer
    budget: timedelta = timedelta(seconds=5)
    lists: dict[str, screening.Roll] = field(init=False)
    marks: dict[str, frozenset[int]] = field(init=False)
    digest: str = field(init=False)
    _additions: tuple[Marks, Additions] | None = None

    def __post_init__(self) -> None:
        self.lists = screening.rolls(self.configuration.watches)
        self.marks = {name: screening.marks(roll) for name, roll in self.lists.items()}
        self.digest = screening.digest(self.marks)

    def step(self) -> int:
        """Notice what came onto lists, and work on the screening until the budget is up or live work waits.

        Where live work waits all the time, each step still does one page. Returns the alerts that were new.
        """
        progress = self.store.progress()
        if not progress.phase and (progress.digest == self.digest or not self._begin(progress.digest)):
            return 0
        claim = self.store.claim(LEASE)
        if claim is None:
            return 0
        return self._scan(claim) if claim.phase == "scan" else self._raise(claim)

    def _begin(self, before: str) -> bool:
        new = screening.added(self.store.known(), self.marks)
        if not self.store.begin(before, self.digest, self.marks, new):
            return False
        if new:
            grown = {name: len(marks) for name, marks in new.items()}
            self.observer.note("screening_begun", lists=", ".join(grown), added=sum(grown.values()))
        return bool(new)

    def _scan(self, claim: Claim) -> int:
        deadline, cursor = self.clock.now() + self.budget, claim.cursor
        additions = self._found_by(claim.added)
        while True:
            page = self.store.page(cursor, PAGE)
            found = [one for stored in page.articles for one in self.mentions(stored, additions)]
            cursor = page.cursor
            is_over = cursor == 0
            is_late = self.clock.now() >= deadline or self.store.is_live_work_due()
            phase = "raise" if is_over else "scan"
            lease = None if is_over or is_late else LEASE
            if (
                not self.store.advance(claim, Handover(phase, cursor, page.keys, found, lease, len(page.articles)))
                or not lease
            ):
                return 0

    def mentions(self, stored: StoredArticle, additions: Additions, *, is_new_only: bool = True) -> list[Found]:
        """Which watches fire on the article because of which added party, unless they have told of it."""
        kept = stored.analysis
        is_nameless = kept is not None and kept.pending is not None and additions.asks_for_ids
        parties = additions.find(stored.article, self._analysis(stored) if is_nameless else kept)
        if not parties:
            return []
        analysis = self._analysis(stored)
        place = stored.story or stored.article.id
        story = self.store.read_story(place)
        seen_ms = round(stored.article.first_seen.timestamp() * 1000) if stored.article.first_seen else 0
        return [
            Found(match.watch.id, party.list, party.name, place, stored.article.id, seen_ms)
            for match, party, names in screening.judge(stored.article, analysis, self.matcher, parties)
            if not (is_new_only and screening.is_told(match.watch, story, names))
        ]

    def _raise(self, claim: Claim) -> int:
        deadline, raised = self.clock.now() + self.budget, 0
        additions = self._found_by(claim.added)
        notices = screening.plan(self.store.found())
        for position, notice in enumerate(notices[claim.cursor :], claim.cursor):
            told = self._word(notice, additions)
            if told is not None:  # else the article is gone, or the list no longer holds the party
                new = self.store.raise_alert(claim, position + 1, told, self.route(told))
                if new == -1:
                    return raised
                raised += new
            if self.clock.now() >= deadline:
                self.store.advance(claim, Handover("raise", position + 1))
                return raised
        if self.store.advance(claim, Handover("", 0)):
            progress = self.store.progress()
            self.observer.note("screening_done", found=progress.found, raised=progress.raised)
        return raised

    def _word(self, notice: Notice, additions: Additions) -> Alert | None:
        newest = notice.newest
        stored = self.store.read(newest.article)
        if stored is None:
            return None
        if not additions.asks_for_ids and not additions.find(stored.article, stored.analysis):
            return None
        analysis = self._analysis(stored)
        parties = additions.find(stored.article, analysis)
        for match, party, _ in screening.judge(stored.article, analysis, self.matcher, parties):
            if (match.watch.id, party.list, party.name) == (newest.watch, newest.list, newest.name):
                return screening.word(
                    notice, match, party, stored.article, analysis, self.store.read_story(newest.story),
                    config_hash=self.configuration.hash, now=self.clock.now(),
                )  # fmt: skip
        return None

    def _analysis(self, stored: StoredArticle) -> Analysis:
        """The kept one, with names; what was only remembered (before a feed's first poll) is read now."""
        kept = stored.analysis
        if kept is None:
            return self.enricher.enrich([stored.article])[0]
        return self.enricher.complete([stored.article], [kept])[0] if kept.pending else kept

    def _found_by(self, added: Marks) -> Additions:
        if self._additions is None or self._additions[0] != added:
            self._additions = (added, Additions(self.lists, added))
        return self._additions[1]
