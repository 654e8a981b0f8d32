"""Where phrase patterns may stand in sentences, told from their words alone, many sentences at a time.

Owns the search for candidates and their check against the text. Does not own the patterns (`phrase_topics`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from worker.enrich.phrase_topics import PatternIndex
from worker.enrich.word_table import Ints, WordTable

_WORD: Final = re.compile(r"\w+")
_PLACE_BITS: Final = 32


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of sentences end to end: each one's row in the word table and the number of its sentence, sorted.

    ``cut`` are the places of tokens of which only the beginning was looked up.
    """

    rows: Ints
    owners: Ints
    cut: Sequence[int]


Sentence: TypeAlias = tuple[str, int, int, str]
"""A text, where the sentence starts and ends in it, and the sentence in small letters."""


class PhraseSearch:
    """Finds a word table's patterns in sentences; ``token`` is the expression that parts sentences into its words."""

    def __init__(self, table: WordTable, token: re.Pattern[str]) -> None:
        self._table, self._token = table, token
        self._index: PatternIndex = table.index
        self._reach = np.array([pattern.reach for pattern in self._index.patterns], np.int64)

    def find(self, sentences: Sequence[Sentence], tokens: Tokens) -> tuple[list[int], list[int]]:
        """Return the numbers of sentences, and of a pattern each that stands there."""
        numbers, places, patterns = self._candidates(tokens)
        firsts = np.searchsorted(tokens.owners, numbers)
        found: set[tuple[int, int]] = set()
        candidates: dict[int, list[tuple[int, int]]] = {}
        for number, place, pattern in zip(numbers.tolist(), (places - firsts).tolist(), patterns.tolist(), strict=True):
            candidates.setdefault(number, []).append((place, pattern))
        for number, some in candidates.items():
            found.update((number, pattern) for pattern in self._check(sentences[number], some))
        for number in set(tokens.owners[tokens.cut].tolist()):
            found.update((number, pattern) for pattern in self._read(sentences[number], tokens, number))
        return [number for number, _ in found], [pattern for _, pattern in found]

    def _candidates(self, tokens: Tokens) -> tuple[Ints, Ints, Ints]:
        """Return (sentence, place of the first word, pattern) where the last word stands near enough behind, in order."""
        first_places, opened = self._table.opened.of(tokens.rows)
        last_places, closed = self._table.closed.of(tokens.rows)
        ends = np.sort(closed << _PLACE_BITS | last_places)
        begins = opened << _PLACE_BITS | first_places
        nearest = np.append(ends, -1)[np.searchsorted(ends, begins)]
        is_near = (nearest >= 0) & (nearest - begins <= self._reach[opened])
        places, patterns, last = first_places[is_near], opened[is_near], nearest[is_near] & ((1 << _PLACE_BITS) - 1)
        owners = tokens.owners[places]
        is_inside = owners == tokens.owners[last]
        return owners[is_inside], places[is_inside], patterns[is_inside]

    def _check(self, sentence: Sentence, candidates: Sequence[tuple[int, int]]) -> set[int]:
        """Return the patterns that stand where they may: candidates are tokens of the sentence, in order, and their patterns."""
        text, start, end, lower = sentence
        if len(lower) != end - start:  # a letter that is two in small letters: "İ"
            return self._index.find(text, start, end)
        found: set[int] = set()
        tokens = enumerate(self._token.finditer(lower))
        at, token = next(tokens)
        for place, number in candidates:
            while at < place:
                at, token = next(tokens)
            if number not in found and self._stands(text, start + token.start(), start + token.end(), end, number):
                found.add(number)
        return found

    def _stands(self, text: str, start: int, stop: int, end: int, number: int) -> bool:
        """Whether a pattern stands at a word of the token [start, stop) of a sentence that ends at `end`."""
        regex = self._index.patterns[number].regex
        if (word := text[start:stop]).isalnum():
            return regex.match(text, start, end) is not None and self._index.may_open(number, word)
        return any(
            regex.match(text, word.start(), end) and self._index.may_open(number, word.group())
            for word in _WORD.finditer(text, start, stop)
        )

    def _read(self, sentence: Sentence, tokens: Tokens, number: int) -> set[int]:
        """Return what stands in a sentence of endless words, if its words allow any pattern."""
        first, end = np.searchsorted(tokens.owners, [number, number + 1])
        _, opened = self._table.opened.of(tokens.rows[first:end])
        _, closed = self._table.closed.of(tokens.rows[first:end])
        if len(np.intersect1d(opened, closed)):
            return self._index.find(*sentence[:3])
        return set()
