"""The runs of signs between a text's blanks: each is known by a number, under which is kept what was once made of it.

Owns the numbers, and how what is made of a run is found again. Does not own what is made: the tokeniser's cuts (`cuts`) and the
topics' words (`topic_words`) come of the same runs, so that a text is parted, and its runs are looked up, once for both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, repeat, starmap
from typing import Final, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from worker.enrich.word_table import Postings

Ints: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]
_Number = TypeVar("_Number", int, Ints)

_BITS: Final = 7
_LONGEST_RUN: Final = (1 << _BITS) - 1
"""A longer run has no number of its own: nothing of it is kept, and it stands under the number 0."""
_KEPT_RUNS: Final = 60_000
_KEPT_TEXTS, _LONGEST_KEPT_TEXT = 64, 20_000
_BLANK: Final = ord(" ")
_IS_SPACE: Final = np.array([chr(code).isspace() for code in range(0x3002)])
"""By code; no sign beyond is a space."""
_UNKNOWN, _NOTHING = -1, 0


@dataclass(frozen=True, slots=True)
class Runs:
    """A text's runs, of signs and of spaces: the number of each, and where it starts and ends; the first blank after a sign is in none."""

    numbers: Ints
    starts: Ints
    ends: Ints


class RunTable:
    """Numbers the runs of texts.

    Of more than 60,000 runs the half stays that was met in most calls: of the others most are never met again, while to learn
    all of them anew would cost as much as the first 60,000 did. The runs of the last texts are kept as they are, for topics and
    names ask for the same texts, one after the other.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._forget()

    def __len__(self) -> int:
        return len(self._number)

    def _forget(self) -> None:
        self.generation += 2
        self.kept = np.zeros(1, np.int64)
        """By the number of a run what it was in the `generation` before, where that is one less."""
        self._number: dict[str, int] = {}
        self._runs = [""]
        self._calls = np.zeros(1, np.int64)
        """By the number of a run: in how many calls it was met."""
        self._last: dict[str, Runs] = {}

    @property
    def end(self) -> int:
        """All numbers are below this."""
        return len(self._runs)

    def run(self, number: int) -> str:
        """The run under a number; "" under 0."""
        return self._runs[number]

    def keeps(self, text: str) -> bool:
        """Whether the runs of a text are kept for whoever asks for it next; a very long one is parted each time."""
        return len(text) <= _LONGEST_KEPT_TEXT

    def read(self, texts: Sequence[str]) -> list[Runs]:
        """Return the runs of each text; their numbers hold until `generation` changes, which only this may do."""
        if not all(map(self._last.__contains__, texts)):
            self._make_room()
        new = [text for text in dict.fromkeys(texts) if text not in self._last]
        found = self._last | dict(zip(new, self._number_all(new), strict=True))
        self._last = {text: runs for text, runs in found.items() if self.keeps(text)}
        return list(map(found.__getitem__, texts))

    def _make_room(self) -> None:
        if len(self._last) >= _KEPT_TEXTS:
            self._last = {}
        if len(self) > _KEPT_RUNS:
            self.keep(_KEPT_RUNS // 2)

    def keep(self, most: int) -> None:
        """Forget all runs but so many that were met in most calls, and count the calls anew."""
        try:
            self._last = {}
            self.kept = np.append(0, 1 + np.sort(np.argsort(-self._calls[1 : len(self._runs)], kind="stable")[:most]))
            self._runs = list(map(self._runs.__getitem__, self.kept.tolist()))
            self._number = {run: number for number, run in enumerate(self._runs) if number}
            self._calls = np.zeros(len(self._runs), np.int64)
            self.generation += 1
        except BaseException:  # a turn that ends amid this would give runs others' numbers
            self._forget()
            raise

    def _number_all(self, texts: Sequence[str]) -> list[Runs]:
        bounds = np.cumsum([0, *map(len, texts)])
        runs, is_space, starts, ends = _part("".join(texts), texts, bounds[:-1])
        numbers = np.empty(len(starts), np.int64)
        numbers[np.argsort(is_space, kind="stable")] = self._numbers(runs)
        self._calls[numbers] += 1  # once, however often a run stands in the texts
        own = pairwise(np.searchsorted(starts, bounds).tolist())
        return [
            Runs(numbers[first:end], starts[first:end] - shift, ends[first:end] - shift)
            for shift, (first, end) in zip(bounds.tolist(), own, strict=False)
        ]

    def _numbers(self, runs: Sequence[str]) -> Ints:
        numbers = np.fromiter(map(self._number.get, runs, repeat(_UNKNOWN)), np.int64, len(runs))
        missing = np.flatnonzero(numbers < 0).tolist()
        if missing:
            new = [run for run in dict.fromkeys(runs[place] for place in missing) if len(run) <= _LONGEST_RUN]
            first = len(self._runs)
            self._runs += new
            self._calls = _at_least(self._calls, len(self._runs), 0)
            self._number.update(zip(new, range(first, first + len(new)), strict=True))
            numbers[missing] = [self._number.get(runs[place], 0) for place in missing]
        return numbers


class RunColumn:
    """Lists of numbers, one for each run of a table, made at its first use and kept as long as the table keeps the run.

    `make` gives the lists of some runs.
    """

    def __init__(self, table: RunTable, make: Callable[[list[str]], "Made"]) -> None:
        self._table, self._make = table, make
        self.forget()

    def __len__(self) -> int:
        return len(self._made)

    def forget(self) -> None:
        """Have all lists made anew."""
        self._rows = np.zeros(1, np.int64)
        """By the number of a run: under which row its list is; `_UNKNOWN` where it is yet to be made, `_NOTHING` where there is none."""
        self._made = Postings()
        self._generation = self._table.generation

    def of(self, numbers: Ints) -> "Listed":
        """Return what is made of the runs with these numbers."""
        self._follow()
        if len(missing := numbers[self._rows[numbers] == _UNKNOWN]):
            self._learn(list(dict.fromkeys(missing.tolist())))
        rows = self._rows[numbers]
        return Listed(*self._made.of(rows), np.flatnonzero(rows == _NOTHING))

    def _learn(self, numbers: list[int]) -> None:
        counts, made, is_left = self._make(list(map(self._table.run, numbers)))
        try:
            if not len(self._made):
                self._made.extend(np.zeros(1, np.int64), np.zeros(0, np.int64))  # the row `_NOTHING`
            rows = np.arange(len(self._made), len(self._made) + len(counts))
            self._made.extend(counts, made)
            self._rows[numbers] = np.where(is_left, _NOTHING, rows)
        except BaseException:  # a turn that ends amid this would give later runs another's list
            self.forget()
            raise

    def _follow(self) -> None:
        """Drop the lists of runs that the table has dropped, and have room for those that it has taken up."""
        if self._generation == self._table.generation - 1:
            self._keep(self._table.kept)
        elif self._generation != self._table.generation:
            self.forget()
        self._rows = _at_least(self._rows, self._table.end, _UNKNOWN)

    def _keep(self, numbers: Ints) -> None:
        rows = _at_least(self._rows, int(numbers[-1]) + 1, _UNKNOWN)[numbers]
        held = np.flatnonzero(rows > 0)
        try:
            self._made.keep(np.append(_NOTHING, rows[held]))
            rows[held] = np.arange(1, len(held) + 1)
            self._rows, self._generation = rows, self._table.generation
        except BaseException:
            self.forget()
            raise

    def in_texts(self, runs: Sequence[Runs]) -> "Packed":
        """Return the packed words that are made of the runs of each text."""
        bounds = np.cumsum([0, *(len(some.numbers) for some in runs)])
        nothing = np.zeros(0, np.int64)
        places, packed, left = self.of(np.concatenate([nothing, *(some.numbers for some in runs)]))
        rows, starts, lengths = unpack(packed)
        firsts = np.concatenate([nothing, *(some.starts for some in runs)])[places] + starts
        is_left = np.diff(np.searchsorted(left, bounds)) > 0
        ends = np.searchsorted(places, bounds).tolist()
        return Packed(rows, firsts, firsts + lengths, list(starmap(slice, pairwise(ends))), is_left.tolist())


class Made(NamedTuple):
    """Lists of runs end to end: how many numbers each has, all numbers, and whether a run, which has none, has to be looked at wherever it stands."""

    counts: Ints
    numbers: Ints
    is_left: Mask


class Packed(NamedTuple):
    """Words of texts end to end: each one's row, and where in its text it starts and ends; by text which are its own, and whether a run is without a list."""

    rows: Ints
    starts: Ints
    ends: Ints
    own: list[slice]
    is_left: list[bool]


class Listed(NamedTuple):
    """Lists end to end: the place of the run, among those asked for, beside each number; and the places of runs without a list."""

    places: Ints
    numbers: Ints
    left: Ints


def pack(rows: _Number, starts: _Number, lengths: _Number) -> _Number:
    """Return as one number, for a `RunColumn`, a word of a run: its row, where it starts in the run, and its length."""
    return rows << 2 * _BITS | starts << _BITS | lengths


def unpack(numbers: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the rows, starts and lengths of packed words."""
    return numbers >> 2 * _BITS, numbers >> _BITS & _LONGEST_RUN, numbers & _LONGEST_RUN


def _at_least(array: Ints, size: int, filling: int) -> Ints:
    if size <= len(array):
        return array
    return np.concatenate((array, np.full(max(size, 2 * len(array)) - len(array), filling, np.int64)))


def _part(joined: str, texts: Sequence[str], firsts: Ints) -> tuple[list[str], Mask, Ints, Ints]:
    """The runs of joined texts, those of signs before those of spaces; then, by their places: whether one is of spaces, its start and end."""
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    is_space = _IS_SPACE.take(codes, mode="clip")
    is_start = np.ones(len(codes) + 1, np.bool_)
    np.not_equal(is_space[1:], is_space[:-1], out=is_start[1:-1])
    is_start[firsts] = True
    starts = np.flatnonzero(is_start)
    starts, ends = starts[:-1], starts[1:]
    is_space = is_space[starts]
    is_behind = is_space & (codes[starts] == _BLANK)
    is_behind[np.searchsorted(starts, firsts[firsts < len(codes)])] = False
    starts = starts + is_behind
    kept = np.flatnonzero(starts < ends)
    starts, ends, is_space = starts[kept], ends[kept], is_space[kept]
    spaces = map(slice, starts[is_space].tolist(), ends[is_space].tolist())
    return [*chain.from_iterable(map(str.split, texts)), *map(joined.__getitem__, spaces)], is_space, starts, ends
