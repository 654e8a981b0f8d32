"""Which articles the language model reads for names, and which first.

An article is glanced at first (`Enricher.glance`). Names are looked for at once where a watch fires or still may. Where the
configuration wants names always, and more articles are due than one batch takes, the others are read later in the same turn
(`Triage.complete`). Where it wants them only where they matter, they are looked for only where names can tell whether the
article belongs to a story that is already known (`Triage.settle`): so no alert, and no story of an alert, depends on the
choice. What else names are good for (entities in searches and trends) is lost for the others.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

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
        return [_named(read, next(analyses)) if read.analysis.pending else read for read in reads]

    def settle(self, group: Sequence[Compared], now: datetime) -> list[Compared]:
        """The same with names where these decide whether an article and its kin tell the same news."""
        open_ = [story.undecided(one.signature, one.kin, now) for one in group]
        whole = self._complete([one for one, numbers in zip(group, open_, strict=True) if numbers])
        unnamed = [kin for one, numbers in zip(group, open_, strict=True) for kin in one.kin if kin.number in numbers]
        names = self._name([kin for kin in unnamed if not kin.signature.is_named])
        return [
            replace(
                whole.get(one.article.id, one),
                kin=tuple(
                    replace(kin, signature=names.get(kin.article_id, kin.signature)) if kin.number in numbers else kin
                    for kin in one.kin
                ),
            )
            for one, numbers in zip(group, open_, strict=True)
        ]

    def _complete(self, group: Sequence[Compared]) -> dict[str, Compared]:
        wanted = [one for one in group if one.analysis.pending]
        if not wanted:
            return {}
        whole = self._enricher.complete([one.article for one in wanted], [one.analysis for one in wanted])
        return {
            one.article.id: replace(one, analysis=analysis, signature=story.named(one.signature, one.article, analysis))
            for one, analysis in zip(wanted, whole, strict=True)
        }

    def _name(self, kin: Sequence[Kin]) -> dict[str, Signature]:
        """The signatures of kin with their names, by article."""
        kept = {one.article_id: one.signature for one in kin}
        known = {id_: self._signatures[id_] for id_ in kept if id_ in self._signatures}
        found = {id_: with_names for id_, (without, with_names) in known.items() if without == kept[id_]}
        named = self._read({id_: signature for id_, signature in kept.items() if id_ not in found})
        for id_, signature in named.items():
            self._remember(id_, kept[id_], signature)
        return kept | found | named

    def _read(self, unnamed: Mapping[str, Signature]) -> dict[str, Signature]:
        """The signatures of those that are still there, with their names."""
        stored = [found for found in self._articles.read_articles(list(unnamed)) if found]
        edited = [article for article, analysis in stored if analysis is None]
        anew = zip(edited, self._enricher.enrich(edited) if edited else (), strict=True)
        glanced = [(article, analysis) for article, analysis in stored if analysis and analysis.pending]
        texts, glances = [article for article, _ in glanced], [analysis for _, analysis in glanced]
        completed = zip(texts, self._enricher.complete(texts, glances) if glanced else (), strict=True)
        whole = [(article, analysis) for article, analysis in stored if analysis and not analysis.pending]
        return {
            article.id: story.named(unnamed[article.id], article, analysis)
            for article, analysis in (*anew, *completed, *whole)
        }

    def _remember(self, article_id: str, without: Signature, with_names: Signature) -> None:
        self._signatures[article_id] = without, with_names
        if len(self._signatures) > _REMEMBERED:
            self._signatures.popitem(last=False)


def _named(read: Read, analysis: Analysis) -> Read:
    signature = story.named(read.signature, read.claim.article, analysis)
    return replace(read, analysis=analysis, signature=signature)


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
