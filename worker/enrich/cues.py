"""Where the cues of rules, of events and of countries may stand in a text, by its runs: each run is searched for them once.

Owns where to look. Does not own the cues, nor what stands there: whoever has the cues (`gazetteer`, `events`, `countries`) reads on
from each place, and searches a text from end to end by itself where nothing is known of its runs.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple, Self, TypeAlias

import ahocorasick
import numpy as np

from worker.enrich.countries import country_forms, fold
from worker.enrich.events import event_cues
from worker.enrich.find import Sought, automaton, small_letters
from worker.enrich.gazetteer import rule_cues
from worker.enrich.runs import Made, RunColumn, RunTable, pack

Hits: TypeAlias = list[tuple[int, Any]]
"""The last letter of each cue, and what was sought by it: what an automaton's `iter` gives."""

_Hit: TypeAlias = tuple[int, int, int]
"""Of a cue in a run: where it ends, how many letters it has, as a negative number, and what is kept of it.

So sorted, they are in order of their ends, the longest first of those with the same, as automata find them.
"""

_BETWEEN: Final = "\n"


class TextCues(NamedTuple):
    """Where cues may stand in one text, in order of their ends; None where it has to be searched.

    Of a cue in one run the place is sure, of one in several only the last word of it.
    """

    rules: Hits | None = None
    events: Hits | None = None
    countries: Hits | None = None


NOT_SOUGHT: Final = TextCues()


class RunCues:
    """Finds the cues of texts."""

    def __init__(self, table: RunTable) -> None:
        self._table = table
        lists = (rule_cues(), event_cues(), country_forms())
        self._told = [(number, sought.told) for number, some in enumerate(lists) for sought in some]
        self._ends = [_End.of(sought) for some in lists for sought in some]
        self._automaton = _automaton(self._ends)
        self._places = RunColumn(table, self._learn)
        """Of each run: the number of each cue, then where in the run its last word starts, then the letters from there on."""

    def find(self, texts: Sequence[str]) -> list[TextCues]:
        """Return the cues of each text."""
        kept = [text for text in texts if self._table.keeps(text)]
        found = dict(zip(kept, self._of(kept), strict=True))
        return [found.get(text, NOT_SOUGHT) for text in texts]

    def _of(self, texts: Sequence[str]) -> Iterator[TextCues]:
        numbers, _, ends, own, is_left = self._places.in_texts(self._table.read(texts))
        hits = list(zip((ends - 1).tolist(), map(self._told.__getitem__, numbers.tolist()), strict=True))
        for leave, one in zip(is_left, own, strict=True):
            yield NOT_SOUGHT if leave else _by_list(hits[one])

    def _learn(self, runs: list[str]) -> Made:
        """The cues that end in each run; one that has more letters folded than written is left.

        A run of any letters is read twice: as rules see it, in small letters, and as countries are looked up.
        """
        owners, texts = list(range(len(runs))), list(map(str.lower, runs))
        is_left = np.zeros(len(runs), np.bool_)
        for at in [at for at, run in enumerate(runs) if not run.isascii()]:
            folded = fold(runs[at])
            is_left[at] = len(folded) != len(runs[at])
            texts[at] = "" if is_left[at] else small_letters(runs[at])
            owners.append(at)
            texts.append("" if is_left[at] else folded)
        found = sorted({(owners[at], *hit) for at, hit in self._hits(texts)})
        counts = np.bincount(np.array([at for at, *_ in found], np.int64), minlength=len(runs))
        return Made(counts, np.array([packed for *_, packed in found], np.int64), is_left)

    def _hits(self, texts: Sequence[str]) -> Iterator[tuple[int, _Hit]]:
        """The number of a text beside each cue in it."""
        joined = _BETWEEN + _BETWEEN.join(texts)
        starts = list(accumulate((len(text) + len(_BETWEEN) for text in texts), initial=len(_BETWEEN)))
        for last, (letters, numbers) in self._automaton.iter(joined):
            start = last + 1 - letters
            if joined[start].isalnum() and joined[start - 1].isalnum():
                continue  # as most: within a longer word
            at = bisect_right(starts, last) - 1
            for hit in self._fitting(texts[at], last - starts[at], numbers):
                yield at, hit

    def _fitting(self, run: str, last: int, numbers: Sequence[int]) -> Iterator[_Hit]:
        """The cues of those whose last word ends at `last` that do not stand within a longer word of the run."""
        after = run[last + 1 : last + 2]
        for number in numbers:
            end = self._ends[number]
            start = last + 1 - len(end.word)
            is_alone = not start or (end.is_all and not (run[start].isalnum() and run[start - 1].isalnum()))
            if is_alone and (end.is_prefix or not (after.isalnum() and run[last].isalnum())):
                yield last + end.blanks, -end.letters, pack(number, start, len(end.word) + end.blanks)


class _End(NamedTuple):
    """A cue's last word, whether it is all of it, how many blanks stand behind it, and how many letters the whole cue has."""

    word: str
    is_all: bool
    blanks: int
    letters: int
    is_prefix: bool

    @classmethod
    def of(cls, sought: Sought) -> Self:
        words = sought.words.split()
        blanks = len(sought.words) - len(sought.words.rstrip())
        return cls(words[-1], len(words) == 1, blanks, len(sought.words), sought.is_prefix)


def _by_list(hits: Sequence[tuple[int, tuple[int, object]]]) -> TextCues:
    lists: tuple[Hits, ...] = ([], [], [])
    for last, (number, told) in hits:
        lists[number].append((last, told))
    return TextCues(*lists)


def _automaton(ends: Sequence[_End]) -> ahocorasick.Automaton:
    """Finds the last words of all cues; with each are its letters and the numbers of its cues."""
    numbers: dict[str, list[int]] = {}
    for number, end in enumerate(ends):
        numbers.setdefault(end.word, []).append(number)
    return automaton(Sought(word, (len(word), some)) for word, some in numbers.items())
