"""Which articles the language model reads for names, and which first.

An article is glanced at first (`Enricher.glance`). Names are looked for at once where a watch fires or still may. Where the
configuration wants names always, and more articles are due than one batch takes, the others are read later in the same turn
(`Triage.complete`). Where it wants them only where they matter, they are looked for only where names can tell whether the
article belongs to a story that is already known (`Triage.settle`): so no alert, and no story of an alert, depends on the
choice. What else names are good for (entities in searches and trends) is lost for the others.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal, TypeVar

from worker import match, ports, story
from worker.model import Analysis, Article, Kin, Signature

AT_ONCE = 64
"""So many articles that fire nothing are finished in one go before new ones are looked for: some 0.1 s."""
_MOST_WAITING, _MOST_CHARACTERS = 2_500, 4_000_000
"""So much may wait (some 50 MB) until those that may fire were found; a worker dies with them in hand."""
_LONGEST_WAIT = {"when_relevant": 1 / 4, "always": 1 / 7}
"""Articles wait for this share of their lease at most, so that the rest of it suffices to finish them: to read one whole takes
some three times as long as to glance at it, however slow the machine."""
_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Read:
    """An article that waits to be told, its analysis, how long that took, and since when it is in hand."""

    claim: ports.ArticleClaim
    analysis: Analysis
    signature: Signature
    share: timedelta
    since: datetime


@dataclass(frozen=True, slots=True)
class Compared:
    """An article beside its remembered kin."""

    article: Article
    analysis: Analysis
    signature: Signature
    kin: tuple[Kin, ...]


_Seen = TypeVar("_Seen", Read, Compared)


@dataclass(frozen=True, slots=True)
class Opened:
    """Articles beside their kin, and what names can tell of them.

    `numbers` are for each article those of its kin that only names tell apart from it; `kept` the signatures that the store has
    of such kin without names, `names` the same with names where they were looked for before, `stored` the texts of the others.
    """

    group: Sequence[Compared]
    numbers: Sequence[Collection[int]]
    kept: Mapping[str, Signature]
    names: Mapping[str, Signature]
    stored: Sequence[tuple[Article, Analysis | None]]


class Triage:
    """Decides article by article; remembers the signatures of kin whose names it had to look for."""

    def __init__(self, enricher: ports.Enricher, matcher: match.Matcher, articles: ports.Articles) -> None:
        self._enricher, self._matcher, self._articles = enricher, matcher, articles
        self._signatures: OrderedDict[str, tuple[Signature, Signature]] = OrderedDict()
        """By article: the signature that is kept of it, and the same with names."""

    def analyse(self, articles: Sequence[Article]) -> list[Analysis]:
        """An analysis for each article, in order: whole where a watch may fire, else `pending`."""
        glances = self._enricher.glance(articles)
        wanted = [
            i
            for i, (article, glance) in enumerate(zip(articles, glances, strict=True))
            if glance.pending and self._matcher.may_fire(article, glance)
        ]
        whole = self._enricher.complete([articles[i] for i in wanted], [glances[i] for i in wanted])
        by_number = dict(zip(wanted, whole, strict=True))
        return [by_number.get(i, glance) for i, glance in enumerate(glances)]

    def complete(self, reads: Sequence[Read]) -> list[Read]:
        """The same, in order, each with the names of its article."""
        wanted = [read for read in reads if read.analysis.pending]
        if not wanted:
            return list(reads)
        articles = [read.claim.article for read in wanted]
        analyses = iter(self._enricher.complete(articles, [read.analysis for read in wanted]))
        return [_named(read, read.claim.article, next(analyses)) if read.analysis.pending else read for read in reads]

    def open(self, group: Sequence[Compared], now: datetime) -> Opened:
        """Which kin only names tell apart from their article, with the texts in which these are yet to be looked for."""
        numbers = [story.undecided(one.signature, one.kin, now) for one in group]
        open_ = [kin for one, some in zip(group, numbers, strict=True) for kin in one.kin if kin.number in some]
        kept = {kin.article_id: kin.signature for kin in open_ if not kin.signature.is_named}
        known = {id_: self._signatures[id_] for id_ in kept if id_ in self._signatures}
        names = {id_: with_names for id_, (without, with_names) in known.items() if without == kept[id_]}
        missing = [id_ for id_ in kept if id_ not in names]
        return Opened(group, numbers, kept, names, list(filter(None, self._articles.read_articles(missing))))

    def settle(self, opened: Opened) -> list[Compared]:
        """The articles with names where these decide whether an article and its kin tell the same news."""
        pairs = list(zip(opened.group, opened.numbers, strict=True))
        own = [one for one, numbers in pairs if numbers and one.analysis.pending]
        analyses = iter(self._read([*((one.article, one.analysis) for one in own), *opened.stored]))
        whole = {one.article.id: _named(one, one.article, next(analyses)) for one in own}
        names = {**opened.kept, **opened.names}
        for (article, _), analysis in zip(opened.stored, analyses, strict=True):
            without = opened.kept[article.id]
            names[article.id] = story.named(without, article, analysis)
            self._remember(article.id, without, names[article.id])
        return [
            replace(
                whole.get(one.article.id, one),
                kin=tuple(
                    replace(kin, signature=names.get(kin.article_id, kin.signature)) if kin.number in numbers else kin
                    for kin in one.kin
                ),
            )
            for one, numbers in pairs
        ]

    def _read(self, texts: Sequence[tuple[Article, Analysis | None]]) -> list[Analysis]:
        """Whole analyses of articles; what has none, for it was edited, is read anew."""
        edited = [article for article, analysis in texts if analysis is None]
        glanced = [(article, analysis) for article, analysis in texts if analysis and analysis.pending]
        anew = iter(self._enricher.enrich(edited) if edited else ())
        completed = iter(self._enricher.complete(*zip(*glanced, strict=True)) if glanced else ())
        return [
            next(anew) if analysis is None else next(completed) if analysis.pending else analysis
            for _, analysis in texts
        ]

    def _remember(self, article_id: str, without: Signature, with_names: Signature) -> None:
        self._signatures[article_id] = without, with_names
        if len(self._signatures) > _REMEMBERED:
            self._signatures.popitem(last=False)


def _named(one: _Seen, article: Article, analysis: Analysis) -> _Seen:
    return replace(one, analysis=analysis, signature=story.named(one.signature, article, analysis))


def longest_wait(entities: Literal["always", "when_relevant"], lease: timedelta) -> timedelta:
    """How long an article may wait that was glanced at."""
    return lease * _LONGEST_WAIT[entities]


class Backlog:
    """Articles that fire nothing wait here while others are looked at, but never behind one of their own story.

    Handing out first what shares a key with an article, and what shares one with that, keeps stories as they would be
    had every article been told in the order in which it came.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Read, tuple[str, ...]]] = {}
        self._by_key: dict[str, int] = {}
        self._later_by_key: defaultdict[str, list[int]] = defaultdict(list)
        """Few keys have a second article: a list for each of the others would be looked after in vain."""
        self._added = self._characters = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, read: Read) -> None:
        """Put an article at the end."""
        keys = read.signature.keys
        self._waiting[self._added] = read, keys
        for key in keys:
            if self._by_key.setdefault(key, self._added) != self._added:
                self._later_by_key[key].append(self._added)
        self._added += 1
        self._characters += len(read.claim.article.text)

    def take_kin(self, read: Read) -> list[Read]:
        """Take out what may be of the article's story, directly or by way of others, in the order in which it came."""
        if not self._waiting:
            return []
        open_, found = list(read.signature.keys), set[int]()
        while open_:
            for number in self._take_under(open_.pop()):
                if number in self._waiting and number not in found:
                    found.add(number)
                    open_ += self._waiting[number][1]
        return [self._pop(number) for number in sorted(found)]

    def _take_under(self, key: str) -> Sequence[int]:
        """The numbers under a key, under which none stands any more."""
        first = self._by_key.pop(key, None)
        return () if first is None else (first, *self._later_by_key.pop(key, ()))

    def is_pressing(self, now: datetime, longest: timedelta) -> bool:
        """Whether something must be finished before anything new is looked at; nothing may wait longer than `longest`."""
        oldest = next(iter(self._waiting.values()), None)
        is_old = oldest is not None and now - oldest[0].since >= longest
        return is_old or len(self._waiting) >= _MOST_WAITING or self._characters >= _MOST_CHARACTERS

    def take(self, number: int) -> list[Read]:
        """Take out some of those that wait longest, in order."""
        taken = [self._pop(first) for first in list(islice(self._waiting, number))]
        if not self._waiting:
            self._by_key.clear()
            self._later_by_key.clear()
        return taken

    def _pop(self, number: int) -> Read:
        read, _ = self._waiting.pop(number)
        self._characters -= len(read.claim.article.text)
        return read
