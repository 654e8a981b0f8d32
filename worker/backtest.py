"""Watchlists over articles of the past: how much each watch would have raised, and what a change would add and take.

An alert here is a watch that fires on an article; articles of one story, which a running Tocsin would join, count each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime
from typing import Any

from worker.match import Matcher
from worker.model import Analysis, Article, Match
from worker.ports import Enricher

_EXAMPLES, _SOURCES = 3, 3
TOGETHER = 64
"""Articles are analysed in batches of this many."""


@dataclass(frozen=True, slots=True)
class PastArticle:
    """An article of the past with the analysis that is kept of it; `position` orders articles for resuming."""

    position: str
    article: Article
    analysis: Analysis | None = None

    @property
    def moment(self) -> datetime | None:
        """When it was first seen, or else published."""
        return self.article.first_seen or self.article.published


@dataclass(frozen=True, slots=True)
class Hit:
    """A watch that fires on an article."""

    watch: str
    article: str
    title: str
    source: str
    day: str


@dataclass(slots=True)
class Tally:
    """What has been replayed so far; survives being written down and read again."""

    position: str = ""
    articles: int = 0
    reused: int = 0
    first_day: str = ""
    last_day: str = ""
    alerts: Counter[str] = field(default_factory=Counter)
    sources: dict[str, Counter[str]] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, past: PastArticle, hits: Sequence[Hit], *, is_reused: bool) -> None:
        """Count one article."""
        day = past.moment.date().isoformat() if past.moment else ""
        if day:
            self.first_day, self.last_day = min(self.first_day or day, day), max(self.last_day, day)
        self.position, self.articles, self.reused = past.position, self.articles + 1, self.reused + is_reused
        for hit in hits:
            self.alerts[hit.watch] += 1
            self.sources.setdefault(hit.watch, Counter())[hit.source] += 1
            if len(shown := self.examples.setdefault(hit.watch, [])) < _EXAMPLES:
                shown.append(hit.title)

    @property
    def days(self) -> int:
        """How many days the articles span, at least one."""
        if not self.first_day:
            return 1
        span = datetime.fromisoformat(self.last_day) - datetime.fromisoformat(self.first_day)
        return span.days + 1

    def rows(self, watches: Iterable[str]) -> list[dict[str, Any]]:
        """One row for each watch, the loudest first; `share` is the part of all articles it fires on."""
        rows = [
            {
                "watch": watch,
                "alerts": self.alerts[watch],
                "alerts_per_day": round(self.alerts[watch] / self.days, 2),
                "share": round(self.alerts[watch] / self.articles, 4) if self.articles else 0.0,
                "sources": [name for name, _ in self.sources.get(watch, Counter()).most_common(_SOURCES)],
                "examples": self.examples.get(watch, []),
            }
            for watch in watches
        ]
        return sorted(rows, key=lambda row: (-row["alerts"], row["watch"]))

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "position": self.position, "articles": self.articles, "reused": self.reused, "first_day": self.first_day,
            "last_day": self.last_day, "alerts": dict(self.alerts), "examples": self.examples,
            "sources": {watch: dict(sources) for watch, sources in self.sources.items()},
        }  # fmt: skip

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Tally:
        """What `to_json` gave."""
        plain = {key: kept[key] for key in ("position", "articles", "reused", "first_day", "last_day", "examples")}
        sources = {watch: Counter(counts) for watch, counts in kept["sources"].items()}
        return cls(**plain, alerts=Counter(kept["alerts"]), sources=sources)


@dataclass(slots=True)
class Comparison:
    """What a change of the watchlist adds and takes; `tally` is that of the new one. Survives being written down."""

    tally: Tally = field(default_factory=Tally)
    gained: list[Hit] = field(default_factory=list)
    lost: list[Hit] = field(default_factory=list)

    def add(self, past: PastArticle, before: Sequence[Hit], after: Sequence[Hit], *, is_reused: bool) -> None:
        """Count one article with what fires on it before and after the change."""
        old, new = {hit.watch for hit in before}, {hit.watch for hit in after}
        self.gained += [hit for hit in after if hit.watch not in old]
        self.lost += [hit for hit in before if hit.watch not in new]
        self.tally.add(past, after, is_reused=is_reused)

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "tally": self.tally.to_json(),
            "gained": [astuple(hit) for hit in self.gained],
            "lost": [astuple(hit) for hit in self.lost],
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Comparison:
        """What `to_json` gave."""
        return cls(
            Tally.from_json(kept["tally"]), [Hit(*hit) for hit in kept["gained"]], [Hit(*hit) for hit in kept["lost"]]
        )


def with_analyses(
    articles: Iterable[PastArticle], enricher: Enricher, model: str
) -> Iterator[tuple[PastArticle, Analysis, bool]]:
    """Each article with its analysis and whether it is the kept one, which counts where the same model made it."""
    batch: list[PastArticle] = []
    for past in articles:
        batch.append(past)
        if len(batch) == TOGETHER:
            yield from _analyse(batch, enricher, model)
            batch = []
    yield from _analyse(batch, enricher, model)


def find_hits(past: PastArticle, analysis: Analysis, matcher: Matcher) -> list[Hit]:
    """The watches that fire on an article."""
    article = past.article
    day = past.moment.date().isoformat() if past.moment else ""
    return [
        Hit(verdict.watch.id, article.id, article.title, article.source, day)
        for verdict in matcher.screen(article, analysis)
        if isinstance(verdict, Match)
    ]


def _analyse(batch: list[PastArticle], enricher: Enricher, model: str) -> Iterator[tuple[PastArticle, Analysis, bool]]:
    # one that was only glanced at when it came may lack what a changed watch asks for
    kept = [_whole(past.analysis) if past.analysis and past.analysis.model == model else None for past in batch]
    absent = [past.article for past, analysis in zip(batch, kept, strict=True) if analysis is None]
    made = iter(enricher.enrich(absent) if absent else ())
    for past, analysis in zip(batch, kept, strict=True):
        yield past, analysis or next(made), analysis is not None


def _whole(analysis: Analysis) -> Analysis | None:
    return None if analysis.pending else analysis
