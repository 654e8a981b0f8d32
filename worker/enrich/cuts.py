"""Where a text's tokens stand, as spaCy's tokeniser cuts them: each run of signs between blanks is cut once and remembered.

Owns what is remembered of runs. Does not own the rules, which are the tokeniser's, nor the embedding of words (`ner`).

The tokeniser cuts a run the same wherever it stands. One exception: an emoticon within a run may be taken together with what
stands in the next one; texts with any are left to the tokeniser, as are those with runs too long to be remembered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, repeat
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from spacy.attrs import IDX, LENGTH, ORTH
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc

from worker.enrich.ner import KnownWords
from worker.enrich.word_table import Postings

Ints: TypeAlias = npt.NDArray[np.int64]

_KEPT_RUNS: Final = 60_000
_BITS: Final = 7
_LONGEST_RUN: Final = (1 << _BITS) - 1
_BLANK: Final = ord(" ")
_IS_SPACE: Final = np.array([chr(code).isspace() for code in range(0x3002)])
"""By code; no sign beyond is a space."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A text's tokens: the known-word row of each, and where it starts and ends in characters."""

    rows: Ints
    starts: Ints
    ends: Ints


class KnownRuns:
    """Cuts texts. What is remembered goes when the words go that it points at, or once there are 60,000 runs."""

    def __init__(self, tokenizer: Tokenizer, words: KnownWords) -> None:
        self._tokenizer, self._words = tokenizer, words
        self._emoticons = frozenset(rule for rule in tokenizer.rules if _is_emoticon(rule))
        self._forget()

    def __len__(self) -> int:
        return len(self._number)

    def _forget(self) -> None:
        self._generation = self._words.generation
        self._number: dict[str, int] = {}
        self._tokens = Postings()
        """By the number of a run: the row of each token's word, then where in the run it starts, then its length."""

    def cut(self, texts: Sequence[str]) -> list[Cut]:
        """Return the tokens of each text; call it inside the vocabulary's memory zone."""
        self._words.make_room()
        if self._generation != self._words.generation or len(self) > _KEPT_RUNS:
            self._forget()
        runs, starts = zip(*map(_runs, texts), strict=True) if texts else ((), ())
        bounds = np.cumsum([0, *map(len, runs)])
        numbers = self._look_up(list(chain.from_iterable(runs)))
        places, tokens = self._tokens.of(np.maximum(numbers, 0))
        firsts = np.concatenate([np.zeros(0, np.int64), *starts])[places] + (tokens >> _BITS & _LONGEST_RUN)
        whole = Cut(tokens >> 2 * _BITS, firsts, firsts + (tokens & _LONGEST_RUN))
        is_left = [bool((numbers[start:end] < 0).any()) for start, end in pairwise(bounds)]
        ends = np.searchsorted(places, bounds).tolist()
        return [
            self._leave(text) if left else Cut(whole.rows[start:end], whole.starts[start:end], whole.ends[start:end])
            for text, left, (start, end) in zip(texts, is_left, pairwise(ends), strict=True)
        ]

    def _leave(self, text: str) -> Cut:
        """The tokens as the tokeniser gives them."""
        doc = self._tokenizer(text)
        starts, ends = _places(doc)
        return Cut(self._words.rows(doc.to_array(ORTH).tolist(), doc.vocab.strings), starts, ends)

    def _look_up(self, runs: Sequence[str]) -> Ints:
        """The number of each run; -1 of those that are not to be remembered."""
        numbers = np.fromiter(map(self._number.get, runs, repeat(-1)), np.int64, len(runs))
        missing = np.flatnonzero(numbers < 0).tolist()
        if missing:
            new = dict.fromkeys(runs[place] for place in missing)
            self._learn([run for run in new if len(run) <= _LONGEST_RUN and not run.isspace()])
            for run in new:
                if len(run) <= _LONGEST_RUN and run.isspace():
                    self._learn([run])
            numbers[missing] = [self._number.get(runs[place], -1) for place in missing]
        return numbers

    def _learn(self, runs: Sequence[str]) -> None:
        """Cut runs, each on a line of its own, over which no rule reaches."""
        text = "\n".join(runs)
        doc = self._tokenizer(text)
        starts, ends = _places(doc)
        lengths = np.fromiter(map(len, runs), np.int64, len(runs))
        stops = np.cumsum(lengths + 1) - 1
        begins = stops - lengths
        owners = np.searchsorted(begins, starts, "right") - 1
        is_inside = starts < stops[owners]
        rows = self._words.rows(doc.to_array(ORTH)[is_inside].tolist(), doc.vocab.strings)
        starts, ends, owners = starts[is_inside], ends[is_inside], owners[is_inside]
        packed = rows << 2 * _BITS | starts - begins[owners] << _BITS | ends - starts
        found: list[list[int]] = [[] for _ in runs]
        for owner, token in zip(owners.tolist(), packed.tolist(), strict=True):
            found[owner].append(token)
        words = map(text.__getitem__, map(slice, starts.tolist(), ends.tolist()))
        odd = {owner for owner, word in zip(owners.tolist(), words, strict=True) if word in self._emoticons}
        known = [number for number in range(len(runs)) if number not in odd]
        first = len(self)
        try:
            self._tokens.extend([found[number] for number in known])
            self._number.update(zip((runs[number] for number in known), range(first, first + len(known)), strict=True))
        except BaseException:  # a turn that ends between the two would give all later runs another's tokens
            self._forget()
            raise


def _runs(text: str) -> tuple[Sequence[str], Ints]:
    """The runs of signs and of spaces in a text, and where they start; the first blank after a sign belongs to neither."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    is_space = _IS_SPACE[np.minimum(codes, len(_IS_SPACE) - 1)]
    starts = np.flatnonzero(np.diff(is_space, prepend=not is_space[:1].any()))
    ends = np.append(starts[1:], len(text))
    is_blank = is_space[starts]
    starts = starts + (is_blank & (codes[starts] == _BLANK) & (starts > 0))
    is_kept = starts < ends
    starts, ends, is_blank = starts[is_kept], ends[is_kept], is_blank[is_kept]
    runs = np.empty(len(starts), object)
    runs[~is_blank] = text.split()
    for place in np.flatnonzero(is_blank).tolist():
        runs[place] = text[starts[place] : ends[place]]
    return runs.tolist(), starts


def _places(doc: Doc) -> tuple[Ints, Ints]:
    starts, lengths = doc.to_array([IDX, LENGTH]).astype(np.int64).reshape(-1, 2).T
    return starts, starts + lengths


def _is_emoticon(rule: str) -> bool:
    return len(rule) > 1 and not rule.translate(_IN_WORDS).isalnum()


_IN_WORDS: Final = {ord(mark): None for mark in ".'’"}
