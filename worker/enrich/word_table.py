"""What the topics make of a single word: its hash, classes and patterns, computed at its first sight and kept.

Owns which numbers stand for a word. Does not own sentences, n-grams or weights.
"""

import zlib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from typing import Final, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import yaml

from worker.enrich.countries import country_terms
from worker.enrich.materiel import weapon_words
from worker.enrich.phrase_topics import Pattern, PatternIndex

MAX_CLASSES: Final = 64
_LEAST_COUNTRY_LETTERS: Final = 4
_MAX_ROWS: Final = 60_000
MAX_LETTERS: Final = 64
"""Of a longer word only the beginning is looked up."""
_LEAST_STEM: Final = 3
_POSSESSIVE: Final = ("'s", "’s")
_CLASSES: Final = Path(__file__).parent / "data" / "topic_words.yaml"

Ints: TypeAlias = npt.NDArray[np.int64]
_Kind = TypeVar("_Kind", bound=np.generic)


class WordClasses:
    """Looks up which of up to 64 named classes a word belongs to."""

    def __init__(self, definition: Mapping[str, str]) -> None:
        """Read ``{class: "word stem* ..."}``; raises ValueError beyond 64 classes."""
        if len(definition) > MAX_CLASSES:
            message = f"{len(definition)} word classes, at most {MAX_CLASSES}"
            raise ValueError(message)
        self.names: tuple[str, ...] = tuple(definition)
        self._exact: dict[str, int] = {}
        stems: dict[str, int] = {}
        for bit, words in enumerate(definition.values()):
            for word in str(words).split():
                table = stems if word.endswith("*") else self._exact
                stem = word.rstrip("*")
                table[stem] = table.get(stem, 0) | 1 << bit
        self._stems: dict[str, list[tuple[str, int]]] = {}
        for stem, bits in stems.items():
            if len(stem) >= _LEAST_STEM:
                self._stems.setdefault(stem[:_LEAST_STEM], []).append((stem, bits))

    @classmethod
    def default(cls) -> Self:
        """Return the packaged classes."""
        return cls(_load_classes())

    def bits(self, word: str) -> int:
        """Return the classes of a lower-case word as a bit mask."""
        found = self._exact.get(word, 0)
        for stem, bits in self._stems.get(word[:_LEAST_STEM], ()):
            if word.startswith(stem):
                found |= bits
        return found


@cache
def _load_classes() -> dict[str, str]:
    loaded: dict[str, str] = yaml.safe_load(_CLASSES.read_text("utf-8"))
    return loaded


@cache
def _countries() -> dict[str, int]:
    """Number the countries and map each single word that names one or its people; short words name too much else."""
    numbers: dict[str, int] = {}
    words: dict[str, int] = {}
    for term in country_terms():
        word = term.text.lower()
        if not term.ambiguous and " " not in word and len(word.replace(".", "")) >= _LEAST_COUNTRY_LETTERS:
            words.setdefault(word, numbers.setdefault(term.id, len(numbers) + 1))
    return words


class Postings:
    """Numbers listed under rows: those of all rows end to end, and where each row's end."""

    def __init__(self) -> None:
        self._empty()

    def __len__(self) -> int:
        return self._rows

    def _empty(self) -> None:
        self._numbers, self._ends = np.zeros(1024, np.int64), np.zeros(1024, np.int64)
        self._rows = 0

    def extend(self, counts: Ints, numbers: Ints) -> None:
        """Add rows, each with so many of the numbers."""
        first, held = self._rows, int(self._ends[self._rows])
        self._rows += len(counts)
        self._ends, self._numbers = _at_least(self._ends, self._rows + 1), _at_least(self._numbers, held + len(numbers))
        self._ends[first + 1 : self._rows + 1] = held + np.cumsum(counts)
        self._numbers[held : held + len(numbers)] = numbers

    def keep(self, rows: Ints) -> None:
        """Forget all rows but these, which are numbered anew in their order; the memory of the others is given back."""
        places, numbers = self.of(rows)
        self._empty()
        self._ends, self._numbers = _at_least(self._ends, len(rows) + 1), _at_least(self._numbers, len(numbers))
        self._ends[1 : len(rows) + 1] = np.cumsum(np.bincount(places, minlength=len(rows)))
        self._numbers[: len(numbers)] = numbers
        self._rows = len(rows)

    def of(self, rows: Ints) -> tuple[Ints, Ints]:
        """Return the numbers under each of the rows, in order, beside the place of their row in ``rows``."""
        starts, ends = self._ends[rows], self._ends[rows + 1]
        places = np.flatnonzero(starts != ends)
        starts, counts = starts[places], (ends - starts)[places]
        upto = np.cumsum(counts)
        within = np.arange(int(counts.sum())) - np.repeat(upto - counts, counts)
        return np.repeat(places, counts), self._numbers[within + np.repeat(starts, counts)]


def end_to_end(lists: Sequence[Collection[int]]) -> tuple[Ints, Ints]:
    """Return how many numbers each list has, and all of them."""
    counts = np.fromiter(map(len, lists), np.int64, len(lists))
    return counts, np.fromiter(chain.from_iterable(lists), np.int64, int(counts.sum()))


class WordTable:
    """Everything that depends on a single word, row by row.

    Bounded: an article that finds 60,000 words in it starts it afresh, and of a word the first 64 letters count, so a
    hostile stream costs time, never memory. ``opened`` and ``closed`` hold the patterns whose first and whose last
    place may begin with a word.
    """

    def __init__(self, classes: WordClasses, patterns: Sequence[Pattern]) -> None:
        """Start empty."""
        self.generation = 0
        self._classes = classes
        self._countries, self._weapons = _countries(), weapon_words()
        self.index = PatternIndex(patterns)
        self.reset()

    def reset(self) -> None:
        """Forget every word; row numbers of an earlier ``generation`` mean nothing any more."""
        self.generation += 1
        self.rows: dict[str, int] = {}
        self.hashes = np.zeros(1024, np.uint64)
        self.class_bits = np.zeros(1024, np.uint64)
        self.countries = np.zeros(1024, np.int64)
        self.weapons = np.zeros(1024, np.bool_)
        self.opened, self.closed = Postings(), Postings()
        self.words: list[str] = []  # last: by their number `make_room` sees that a turn ended amid this

    def make_room(self) -> None:
        """Forget all words where there are too many, or where a turn ended amid a `reset`."""
        if len(self.words) >= _MAX_ROWS or len(self.rows) != len(self.words):
            self.reset()

    def look_up(self, tokens: Sequence[str]) -> Ints:
        """Return each token's row, adding rows for words not seen before; of long ones only the beginning counts."""
        found = np.fromiter(map(self.rows.get, tokens, repeat(-1)), np.int64, len(tokens))
        if missing := np.flatnonzero(found < 0).tolist():
            cut = [tokens[place][:MAX_LETTERS] for place in missing]
            try:
                self._add([token for token in dict.fromkeys(cut) if token not in self.rows])
            except BaseException:  # a turn that ends between two columns would give all later words another's places
                self.reset()
                raise
            found[missing] = list(map(self.rows.__getitem__, cut))
        return found

    def _add(self, tokens: Sequence[str]) -> None:
        words = list(map(normalise, tokens))
        first, end = len(self.words), len(self.words) + len(words)
        self.hashes, self.class_bits = _at_least(self.hashes, end), _at_least(self.class_bits, end)
        self.countries, self.weapons = _at_least(self.countries, end), _at_least(self.weapons, end)
        self.hashes[first:end] = list(map(_hash64, words))
        self.class_bits[first:end] = list(map(self._classes.bits, words))
        self.countries[first:end] = list(map(self._countries.get, words, repeat(0)))
        self.weapons[first:end] = list(map(self._weapons.__contains__, words))
        opened, closed = zip(*map(self.index.ends, tokens), strict=True) if tokens else ((), ())
        self.opened.extend(*end_to_end(opened))
        self.closed.extend(*end_to_end(closed))
        self.words += words
        self.rows.update(zip(tokens, range(first, end), strict=True))


def _at_least(array: npt.NDArray[_Kind], size: int) -> npt.NDArray[_Kind]:
    return array if size <= len(array) else np.resize(array, max(size, 2 * len(array)))


def normalise(token: str) -> str:
    """Drop a possessive ending and write every number as ``0``."""
    if token.endswith(_POSSESSIVE):
        token = token[:-2]
    return "0" if token.isdigit() else token


def _hash64(word: str) -> int:
    raw = word.encode("utf-8", "surrogatepass")
    return zlib.crc32(raw) << 32 | zlib.crc32(raw[::-1], 0x5F3759DF)
