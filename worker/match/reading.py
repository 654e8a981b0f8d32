"""One article as the watches see it: what stands where, found once for all of them."""

import bisect
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from worker.match.names import NameHit
from worker.model import Analysis, Article, Evidence, ListEntry, PhraseCondition, Salience, Watch, ZoneName

Spans = tuple[tuple[int, int], ...]
Hits = Mapping[str, Spans]

_MAIN: tuple[ZoneName, ...] = ("title", "lead")
_WORD = re.compile(r"\w+")
_BREAK = re.compile(r"\n+")


@dataclass(frozen=True)
class Reading:
    """An article, its analysis, and every watched term, name and pattern in it."""

    article: Article
    analysis: Analysis
    terms: Hits
    fields: Mapping[str, Hits]
    names: tuple[NameHit, ...]
    patterns: Mapping[tuple[str, bool], Spans]
    forms: Mapping[int, AbstractSet[str]]
    """By the identity of a phrase condition, or of another's row of terms, the terms that make it true; see `standing`."""

    @cached_property
    def _words(self) -> list[int]:
        return [word.start() for word in _WORD.finditer(self.article.text)]

    @cached_property
    def _paragraphs(self) -> list[int]:
        return [0, *(found.end() for found in _BREAK.finditer(self.article.text))]

    @cached_property
    def _sentences(self) -> list[int]:
        return [start for start, _ in self.analysis.sentences]

    def standing(self, asked: PhraseCondition | tuple[str, ...]) -> list[str]:
        """Which terms of a condition stand in the text: costs what stands there, of a condition's two hundred thousand."""
        forms = self.forms[id(asked)]
        if len(forms) < len(self.terms):
            return [form for form in forms if form in self.terms]
        return [term for term in self.terms if term in forms]

    def words_between(self, end: int, start: int) -> int:
        """How many words begin in `[end, start)`."""
        return bisect.bisect_left(self._words, start) - bisect.bisect_left(self._words, end)

    def paragraph(self, offset: int) -> int:
        """The number of the line of text that holds `offset`."""
        return bisect.bisect_right(self._paragraphs, offset)

    def sentence(self, offset: int) -> int:
        """The number of the sentence that holds `offset`."""
        return bisect.bisect_right(self._sentences, offset)

    def evidence(
        self, watch: Watch, spans: Iterable[tuple[int, int]], salience: Salience = "any", entry: ListEntry | None = None
    ) -> Iterator[Evidence]:
        """The spans that stand where `watch` reads, as evidence."""
        for start, end in spans:
            zone = self.article.zone_at(start)
            if zone in watch.zones and (salience == "any" or zone in _MAIN):
                yield Evidence(start, end, self.article.text[start:end], zone, entry)
