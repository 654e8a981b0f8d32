"""All watches compiled once; an article's text is passed over once for all their terms, names and patterns."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from worker.match.candidates import Candidates, name_lists
from worker.match.conditions import find, passes
from worker.match.explain import find_missing, leaves
from worker.match.inflect import forms
from worker.match.names import NameIndex
from worker.match.patterns import Patterns
from worker.match.reading import Hits, Reading
from worker.model import (
    Analysis,
    Article,
    Condition,
    EntityCondition,
    EventCondition,
    FieldCondition,
    Finding,
    Group,
    Leaf,
    Match,
    Miss,
    NearCondition,
    PhraseCondition,
    RegexCondition,
    Verdict,
    Watch,
)
from worker.terms import TermIndex

_HALF = 0.5
_REMEMBERED = 3_000
"""Readings of articles that wait to be judged; as many as an enricher lets wait, and some."""
_SAYS_LITTLE = frozenset({"source", "language", "age"})
"""Conditions so often true that a miss is no near miss for them."""


class Matcher:
    """The watches of a configuration. `evaluate` explains every watch, `screen` only decides those that may fire."""

    def __init__(self, watches: tuple[Watch, ...]) -> None:
        self._watches = watches
        conditions = [leaf for watch in watches for leaf in _leaves(watch.condition)]
        self._terms = TermIndex(term for condition in conditions for term in _terms(condition))
        fields = [condition for condition in conditions if isinstance(condition, FieldCondition)]
        self._fields = TermIndex(term for condition in fields for term in condition.terms) if fields else None
        self._patterns = Patterns((c.pattern, c.is_cased) for c in conditions if isinstance(c, RegexCondition))
        self._names = NameIndex(dict.fromkeys(names for watch in watches for names in name_lists(watch.condition)))
        self._candidates = Candidates(watches)
        self._readings: dict[str, Reading] = {}
        self._forms = {id(asked): terms for condition in conditions for asked, terms in _asked(condition)}

    def evaluate(self, article: Article, analysis: Analysis) -> tuple[Verdict, ...]:
        """A verdict for every watch, in the order of the watchlist."""
        reading = self._read(article, analysis)
        return tuple(_judge(watch, reading) for watch in self._watches)

    def screen(self, article: Article, analysis: Analysis) -> tuple[Verdict, ...]:
        """The verdicts of the watches that fire or may be unknown; of the others some. See `candidates`."""
        return self.sift(article, analysis)[0]

    def sift(self, article: Article, analysis: Analysis) -> tuple[tuple[Verdict, ...], int]:
        """What `screen` gives, and how many watches more are unknown: all that they ask for is in no model's language."""
        before = self._readings.pop(article.id, None)
        if before and before.article is article:
            reading = replace(before, analysis=analysis)
        else:
            reading = self._read(article, analysis)
        numbers, unknown = self._candidates.find(reading)
        return tuple(_judge(self._watches[number], reading) for number in numbers), unknown

    def may_fire(self, article: Article, glance: Analysis) -> bool:
        """Whether any watch fires on a partial analysis or still may, once names are looked for; False is final.

        What stands in the text is kept for `sift`, which follows.
        """
        reading = self._readings[article.id] = self._read(article, glance)
        if len(self._readings) > _REMEMBERED:
            del self._readings[next(iter(self._readings))]
        return any(_may_fire(self._watches[number], reading) for number in self._candidates.find_open(reading))

    def _read(self, article: Article, analysis: Analysis) -> Reading:
        return Reading(
            article=article,
            analysis=analysis,
            terms=self._terms.find(article.text),
            fields=self._read_fields(article) if self._fields else {},
            names=self._names.find(article.text),
            patterns=self._patterns.find(article.text),
            forms=self._forms,
        )

    def _read_fields(self, article: Article) -> Mapping[str, Hits]:
        assert self._fields is not None
        values = {"title": article.title, "author": article.author, "link": article.link}
        values["category"] = "\n\n".join(article.categories)
        return {field: self._fields.find(value) for field, value in values.items() if value}


def _judge(watch: Watch, reading: Reading) -> Verdict:
    finding = _weigh(watch, find(watch.condition, watch, reading))
    language = reading.analysis.language
    if watch.languages and language not in watch.languages:
        wanted = " or ".join(watch.languages)
        missing = f"an article in {wanted} (this one is in {language or 'an unknown language'})"
        return Miss(watch, finding, missing, is_near=False)
    if watch.sources is not None and not passes(watch.sources, reading):
        missing = f"an article of other sources (this one is of {reading.article.source or 'an unnamed source'})"
        return Miss(watch, finding, missing, is_near=False)
    if finding.truth == "true":
        return Match(watch, finding)
    is_near = any(_is_sign(leaf) for leaf in leaves(finding))
    return Miss(watch, finding, find_missing(finding), is_near)


def _is_sign(leaf: Finding) -> bool:
    """Whether a condition that holds, or an event that meets part of what is asked, makes a miss a near one."""
    if leaf.kind == "event":
        return leaf.truth == "true" or (leaf.score or 0) >= _HALF
    return leaf.truth == "true" and leaf.kind not in _SAYS_LITTLE


def _may_fire(watch: Watch, reading: Reading) -> bool:
    if watch.languages and reading.analysis.language not in watch.languages:
        return False
    if watch.sources is not None and not passes(watch.sources, reading):
        return False
    finding = find(watch.condition, watch, reading)
    if finding.truth == "true" and any(leaf.truth == "unknown" for leaf in leaves(finding)):
        return True  # what is unknown may yet add to the score
    return _weigh(watch, finding).truth != "false"


def _weigh(watch: Watch, finding: Finding) -> Finding:
    """The finding under a score where the watch has a threshold: true when the tree is and the weights reach it."""
    if watch.threshold is None:
        return finding
    total = sum(leaf.contribution or 0.0 for leaf in leaves(finding))
    truth = "false" if finding.truth == "true" and total < watch.threshold else finding.truth
    asks = f"a score of at least {watch.threshold:g}"
    return Finding("score", asks, truth, score=total, children=(finding,), contribution=total)


def _leaves(condition: Condition) -> Iterator[Leaf]:
    if isinstance(condition, Group):
        for child in condition.children:
            yield from _leaves(child)
    else:
        yield condition


def _asked(condition: Leaf) -> Iterator[tuple[object, frozenset[str]]]:
    """What a condition asks by, as `Reading.standing` is asked, and the terms that make it true."""
    match condition:
        case PhraseCondition():
            yield condition, frozenset(_terms(condition))
        case EntityCondition(terms=terms) | FieldCondition(terms=terms):
            yield terms, frozenset(terms)
        case EventCondition():
            yield from ((role.terms, frozenset(role.terms)) for role in condition.roles)
        case NearCondition():
            yield from ((side, frozenset(side)) for side in condition.sides)


def _terms(condition: Leaf) -> Iterator[str]:
    match condition:
        case PhraseCondition(is_lemma=True):
            for phrase in condition.phrases:
                yield from forms(phrase)
        case PhraseCondition():
            yield from condition.phrases
        case EntityCondition():
            yield from condition.terms
        case EventCondition():
            for role in condition.roles:
                yield from role.terms
        case NearCondition():
            for side in condition.sides:
                yield from side
