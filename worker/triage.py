"""Which articles the language model reads for names, where the configuration wants them only where they matter.

An article is glanced at first (`Enricher.glance`). Names are looked for where a watch fires or still may, and where only
names can tell whether the article belongs to a story that is already known: so no alert, and no story of an alert,
depends on the choice. What else names are good for (entities in searches and trends) is lost for the others.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock

from worker import match, ports, story
from worker.model import Analysis, Article, Kin, Signature

AT_ONCE = 16
"""So many articles that fire nothing are finished before new ones are looked for."""
_MOST_WAITING = 1_000
"""So many may wait (some 30 kB each) until those that may fire were found; a worker dies with them in hand."""
_LONGEST_WAIT = 1 / 4
"""They wait for this share of their lease at most, so that the rest of it suffices to finish them."""
_REMEMBERED = 1_000


class Triage:
    """Decides article by article; remembers the signatures of kin whose names it had to look for."""

    def __init__(self, enricher: ports.Enricher, matcher: match.Matcher, articles: ports.Articles) -> None:
        self._enricher, self._matcher, self._articles = enricher, matcher, articles
        self._signatures: OrderedDict[str, Signature] = OrderedDict()
        self._one_at_a_time = Lock()

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

    def settle(
        self, article: Article, analysis: Analysis, signature: Signature, kin: Sequence[Kin], now: datetime
    ) -> tuple[Analysis, Signature, tuple[Kin, ...]]:
        """All three with names where these decide whether the article and its kin tell the same news.

        May be called by threads, which the model is not made for: they wait for each other.
        """
        with self._one_at_a_time:
            return self._settle(article, analysis, signature, kin, now)

    def _settle(
        self, article: Article, analysis: Analysis, signature: Signature, kin: Sequence[Kin], now: datetime
    ) -> tuple[Analysis, Signature, tuple[Kin, ...]]:
        open_ = story.undecided(signature, kin, now)
        if open_ and analysis.pending:
            [analysis] = self._enricher.complete([article], [analysis])
            signature = story.named(signature, article, analysis)
        return analysis, signature, tuple(self._name(one) if one.number in open_ else one for one in kin)

    def _name(self, one: Kin) -> Kin:
        if one.signature.is_named:
            return one
        if one.article_id not in self._signatures:
            self._remember(one.article_id, self._read(one))
        return replace(one, signature=self._signatures[one.article_id])

    def _read(self, one: Kin) -> Signature:
        stored = self._articles.read_article(one.article_id)
        if stored is None:
            return one.signature
        article, analysis = stored
        if analysis.pending:
            [analysis] = self._enricher.complete([article], [analysis])
        named = story.sign(article, analysis)
        return replace(one.signature, title_names=named.title_names, names=named.names, is_named=True)

    def _remember(self, article_id: str, signature: Signature) -> None:
        self._signatures[article_id] = signature
        if len(self._signatures) > _REMEMBERED:
            self._signatures.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Read:
    """An article that waits to be told, its analysis, how long that took, and since when it is in hand."""

    claim: ports.ArticleClaim
    analysis: Analysis
    signature: Signature
    share: timedelta
    since: datetime


class Backlog:
    """Articles that fire nothing wait here while others are looked at, but never behind one of their own story.

    Handing out first what shares a key with an article, and what shares one with that, keeps stories as they would be
    had every article been told in the order in which it came.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Read, tuple[str, ...]]] = {}
        self._by_key: defaultdict[str, list[int]] = defaultdict(list)
        self._added = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, read: Read) -> None:
        """Put an article at the end."""
        keys = read.signature.keys
        self._waiting[self._added] = read, keys
        for key in keys:
            self._by_key[key].append(self._added)
        self._added += 1

    def take_kin(self, read: Read) -> list[Read]:
        """Take out what may be of the article's story, directly or by way of others, in the order in which it came."""
        if not self._waiting:
            return []
        open_, found = list(read.signature.keys), set[int]()
        while open_:
            for number in self._by_key.pop(open_.pop(), ()):
                if number in self._waiting and number not in found:
                    found.add(number)
                    open_ += self._waiting[number][1]
        return [self._waiting.pop(number)[0] for number in sorted(found)]

    def is_pressing(self, now: datetime, lease: timedelta) -> bool:
        """Whether something must be finished before anything new is looked at."""
        oldest = next(iter(self._waiting.values()), None)
        is_old = oldest is not None and now - oldest[0].since >= lease * _LONGEST_WAIT
        return is_old or len(self._waiting) >= _MOST_WAITING

    def take(self, number: int) -> list[Read]:
        """Take out some of those that wait longest, in order, no two of which may be of one story."""
        taken, keys = [], set[str]()
        for first in list(islice(self._waiting, number)):
            read, own = self._waiting[first]
            if keys.isdisjoint(own):
                taken.append(read)
                del self._waiting[first]
            keys.update(own)
        if not self._waiting:
            self._by_key.clear()
        return taken
