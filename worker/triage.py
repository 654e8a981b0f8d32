"""Which articles the language model reads for names, where the configuration wants them only where they matter.

An article is glanced at first (`Enricher.glance`). Names are looked for where a watch fires or still may, and where only
names can tell whether the article belongs to a story that is already known: so no alert, and no story of an alert,
depends on the choice. What else names are good for (entities in searches and trends) is lost for the others.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from worker import match, ports, story
from worker.model import Analysis, Article, Kin, Signature

_REMEMBERED = 1_000


class Triage:
    """Decides article by article; remembers the signatures of kin whose names it had to look for."""

    def __init__(self, enricher: ports.Enricher, matcher: match.Matcher, articles: ports.Articles) -> None:
        self._enricher, self._matcher, self._articles = enricher, matcher, articles
        self._signatures: OrderedDict[str, Signature] = OrderedDict()

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
        self, article: Article, analysis: Analysis, kin: Sequence[Kin], now: datetime
    ) -> tuple[Analysis, tuple[Kin, ...]]:
        """The analysis and the article's kin, with their names where these decide whether both tell the same news."""
        open_ = story.undecided(story.sign(article, analysis), kin, now)
        if open_ and analysis.pending:
            [analysis] = self._enricher.complete([article], [analysis])
        return analysis, tuple(self._name(one) if one.number in open_ else one for one in kin)

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
