"""Where phrase patterns may stand in sentences, told from their words alone, many sentences at a time.

Owns the search for candidates and their check against the text. Does not own the patterns (`phrase_topics`).
"""

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np

from worker.enrich.phrase_topics import PatternIndex
from worker.enrich.topic_words import Tokens
from worker.enrich.word_table import Ints, WordTable

_WORD: Final = re.compile(r"\w+")
_PLACE_BITS: Final = 32


Sentence: TypeAlias = tuple[str, int, int]
"""A text, and where the sentence starts and ends in it."""


class PhraseSearch:
    """Finds a word table's patterns in sentences."""

    def __init__(self, table: WordTable) -> None:
        self._table = table
        self._index: PatternIndex = table.index
        self._reach = np.array([pattern.reach for pattern in self._index.patterns], np.int64)

    def find(self, sentences: Sequence[Sentence], tokens: Tokens) -> tuple[list[int], list[int]]:
        """Return the numbers of sentences, and of a pattern each that stands there."""
        numbers, places, patterns = self._candidates(tokens)
        candidates: dict[int, list[tuple[int, int, int]]] = {}
        for number, *candidate in zip(
            numbers.tolist(),
            tokens.starts[places].tolist(),
            tokens.ends[places].tolist(),
            patterns.tolist(),
            strict=True,
        ):
            candidates.setdefault(number, []).append(tuple(candidate))
        found = {
            (number, pattern) for number, some in candidates.items() for pattern in self._check(sentences[number], some)
        }
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

    def _check(self, sentence: Sentence, candidates: Sequence[tuple[int, int, int]]) -> set[int]:
        """Return the patterns that stand where they may: candidates are offsets of a word of the sentence, and a pattern."""
        text, start, end = sentence
        if len(text[start:end].lower()) != end - start:  # a letter that is two in small letters: "İ"
            return self._index.find(text, start, end)
        found: set[int] = set()
        for begin, stop, number in candidates:
            if number not in found and self._stands(text, begin, stop, end, number):
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
            return self._index.find(*sentence)
        return set()
