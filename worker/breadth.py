"""Watches that ask for nothing in particular, told from their conditions alone or from articles of the past."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from worker.match import Matcher
from worker.match.patterns import compile_pattern
from worker.model import (
    AgeCondition,
    Analysis,
    Article,
    Condition,
    Configuration,
    FieldCondition,
    Group,
    LanguageCondition,
    Match,
    PhraseCondition,
    RegexCondition,
    SourceCondition,
    Watch,
)

BROAD_SHARE, FEWEST_ARTICLES = 0.3, 50
"""A watch that fires on more than this part of at least so many articles asks for too little."""
_EVERYWHERE = frozenset(
    (
        "a about after all also an and are as at be been but by can for from had has have he her his in is it its more new "
        "not of on one or out said she that the their there they this to up was we were which who will with would you"
    ).split()
)
_PROBES = ("The minister spoke", "rain in the north", "A new school opens")
_IN_EVERY_LINK = frozenset({"http", "https", "www", "com", "html"})


@dataclass(frozen=True, slots=True)
class Broad:
    """A watch that fires on nearly everything; `share` (0..1) of `articles` where some were at hand."""

    watch: str
    is_static: bool
    share: float | None = None
    articles: int = 0

    @property
    def message(self) -> str:
        """For a person."""
        said = f"fires on {self.share:.0%} of {self.articles:,} stored articles" if self.share is not None else ""
        if not self.is_static:
            return f"{said}; is that meant?"
        asks = (
            "asks for nothing that an article might lack: it matches everything its languages and sources let through"
        )
        return f"{asks} ({said})" if said else asks


def is_open(condition: Condition) -> bool:  # noqa: PLR0911 - one for each kind
    """Whether nearly any article makes the condition true."""
    match condition:
        case Group(kind="all"):
            return all(map(is_open, condition.children))
        case Group(kind="any"):
            return any(map(is_open, condition.children))
        case Group() | LanguageCondition() | SourceCondition() | AgeCondition():
            return True
        case PhraseCondition():
            return any(_is_everywhere(phrase) for phrase in condition.phrases)
        case RegexCondition():
            pattern = compile_pattern(condition.pattern, condition.is_cased)
            return all(any(hit.end() > hit.start() for hit in pattern.finditer(probe)) for probe in _PROBES)
        case FieldCondition(field="link"):
            return any(term.casefold().strip("*:/.") in _IN_EVERY_LINK for term in condition.terms)
        case _:
            return False


def find_broad(configuration: Configuration, articles: Iterable[tuple[Article, Analysis]] = ()) -> Iterator[Broad]:
    """The watches that fire on nearly everything, in the order of the watchlist."""
    hits, total = _count(configuration.watches, articles)
    for watch in configuration.watches:
        is_static, share = is_open(watch.condition), hits[watch.id] / total if total else None
        is_loud = share is not None and share > BROAD_SHARE and total >= FEWEST_ARTICLES
        if is_static or is_loud:
            yield Broad(watch.id, is_static, share, total)


def _count(watches: tuple[Watch, ...], articles: Iterable[tuple[Article, Analysis]]) -> tuple[Counter[str], int]:
    hits: Counter[str] = Counter()
    total, matcher = 0, Matcher(watches)
    for article, analysis in articles:
        total += 1
        hits.update(verdict.watch.id for verdict in matcher.screen(article, analysis) if isinstance(verdict, Match))
    return hits, total


def _is_everywhere(phrase: str) -> bool:
    words = re.split(r"\W+", phrase.casefold().strip("* "))
    return len(words) == 1 and words[0] in _EVERYWHERE
