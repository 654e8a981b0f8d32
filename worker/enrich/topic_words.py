"""The words of sentences as the topics see them, by the runs of their text: which words a run holds is found once.

Owns what a word is, and where the words of a sentence stand. Does not own what stands for a word (`word_table`).

A sentence that begins or ends amid a run, or holds one of which nothing is kept, is read by itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from worker.enrich.runs import Ints, Made, RunColumn, Runs, RunTable, pack, unpack
from worker.enrich.word_table import MAX_LETTERS, WordTable

_WORD: Final = re.compile(r"\w++(?:[-.'’]\w++)*+")
_WORDS: Final = re.compile(f"({_WORD.pattern})")
_BETWEEN: Final = "\n"
"""Runs are cut into words side by side, this between them: of two neighbours none joins."""

Mask: TypeAlias = npt.NDArray[np.bool_]
Article: TypeAlias = tuple[str, Sequence[tuple[int, int]]]
"""A text, and its sentences as half-open offsets."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words of sentences end to end: each one's row in the word table, the number of its sentence (sorted), and its offsets.

    These are half-open and the small letters', which in a sentence with "İ" are more than the text's.
    """

    rows: Ints
    owners: Ints
    starts: Ints
    ends: Ints

    @property
    def cut(self) -> Ints:
        """The places of words of which only the beginning was looked up."""
        return np.flatnonzero(self.ends - self.starts > MAX_LETTERS)

    def with_others(self, others: Self, of: Ints) -> "Tokens":
        """Return these words, but for those of the sentences with the numbers `of`, whose words are the others."""
        kept = ~np.isin(self.owners, of)
        order = np.argsort(np.concatenate((self.owners[kept], others.owners)), kind="stable")
        mine = (self.rows, self.owners, self.starts, self.ends)
        theirs = (others.rows, others.owners, others.starts, others.ends)
        return Tokens(*(np.concatenate((one[kept], other))[order] for one, other in zip(mine, theirs, strict=True)))


class SentenceWords:
    """Finds the words of sentences."""

    def __init__(self, table: WordTable, runs: RunTable | None = None) -> None:
        """`runs` may be another reader's of the same texts: what it has parted need not be parted again."""
        self._table, self._runs = table, RunTable() if runs is None else runs
        self._words = RunColumn(self._runs, self._learn)
        """Of each run: the row of each word, then where in the run it starts, then its length."""
        self._generation = table.generation

    def read(self, articles: Sequence[Article]) -> Tokens:
        """Return the words of all sentences of articles."""
        self._table.make_room()
        if self._generation != self._table.generation:
            self._words.forget()
            self._generation = self._table.generation
        runs = self._runs.read([text for text, _ in articles])
        numbers, starts = (
            np.concatenate(part) for part in ([one.numbers for one in runs], [one.starts for one in runs])
        )
        first, end, is_torn = _inside(articles, runs)
        counts = end - first
        owners = np.repeat(np.arange(len(counts)), counts)
        places = np.arange(len(owners)) + np.repeat(first - np.cumsum(counts) + counts, counts)
        at, packed, left = self._words.of(numbers[places])
        rows, in_run, lengths = unpack(packed)
        begins = starts[places[at]] + in_run
        tokens = Tokens(rows, owners[at], begins, begins + lengths)
        is_torn[owners[left]] = True
        alone = np.flatnonzero(is_torn)
        return tokens.with_others(self._read_alone(articles, alone), alone) if len(alone) else tokens

    def _read_alone(self, articles: Sequence[Article], numbers: Ints) -> Tokens:
        """The words of the sentences with these numbers, of those of all articles."""
        sentences = [(text, *place) for text, places in articles for place in places]
        words, owners, places = [], [], []
        for number in numbers.tolist():
            text, start, end = sentences[number]
            for word in _WORD.finditer(text[start:end].lower()):
                words.append(word.group())
                owners.append(number)
                places.append((start + word.start(), start + word.end()))
        starts, ends = np.array(places, np.int64).reshape(-1, 2).T
        return Tokens(self._table.look_up(words), np.array(owners, np.int64), starts, ends)

    def _learn(self, runs: Sequence[str]) -> Made:
        """The words of runs; one that has more small letters than letters is left: "İ" is two."""
        lowers = list(map(str.lower, runs))
        sizes = np.fromiter(map(len, lowers), np.int64, len(lowers))
        pieces = _WORDS.split(_BETWEEN.join(lowers))
        words, lengths = pieces[1::2], np.fromiter(map(len, pieces), np.int64, len(pieces))
        starts = np.cumsum(lengths)[:-1:2]
        firsts = np.cumsum(sizes + len(_BETWEEN)) - sizes - len(_BETWEEN)
        owners = np.searchsorted(firsts, starts, side="right") - 1
        packed = pack(self._table.look_up(words), starts - firsts[owners], lengths[1::2])
        is_left = sizes != np.fromiter(map(len, runs), np.int64, len(runs))
        is_kept = ~is_left[owners]
        return Made(np.bincount(owners[is_kept], minlength=len(runs)), packed[is_kept], is_left)


def _inside(articles: Sequence[Article], runs: Sequence[Runs]) -> tuple[Ints, Ints, Mask]:
    """Of each sentence the first and the last run, exclusive, of those that start in it, and whether a run reaches over an end of it."""
    ends = np.cumsum([len(text) for text, _ in articles])
    shifts = np.append(0, ends[:-1])
    by_run = np.repeat(shifts, [len(one.numbers) for one in runs])
    counts = [len(places) for _, places in articles]
    bounds = np.array([place for _, places in articles for place in places]) + np.repeat(shifts, counts)[:, None]
    bounds = np.minimum(bounds, np.repeat(ends, counts)[:, None])
    inside = np.searchsorted(np.concatenate([one.starts for one in runs]) + by_run, bounds)
    before = np.append(0, np.concatenate([one.ends for one in runs]) + by_run)[inside]
    is_torn: Mask = np.any(before > bounds, axis=1)
    return inside[:, 0], inside[:, 1], is_torn
