"""Where a text's tokens stand, as spaCy's tokeniser cuts them: each run of signs between blanks is cut once and remembered.

Owns what is remembered of runs. Does not own the rules, which are the tokeniser's, nor the embedding of words (`ner`).

The tokeniser cuts a run the same wherever it stands. One exception: an emoticon within a run may be taken together with what
stands in the next one; texts with any are left to the tokeniser, as are those with runs too long to be remembered.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise, repeat
from typing import Final

import numpy as np
from spacy.tokenizer import Tokenizer

from worker.enrich.names import Ints, token_offsets
from worker.enrich.ner import KnownWords
from worker.enrich.word_table import Postings

_KEPT_RUNS: Final = 60_000
_BITS: Final = 7
_LONGEST_RUN: Final = (1 << _BITS) - 1
_BLANK: Final = ord(" ")
_ENDINGS: Final = (",", ".", "'s", "’s")
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
        self._rules = frozenset(tokenizer.rules)
        self._emoticons = frozenset(filter(_is_emoticon, self._rules))
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
        starts, ends = token_offsets(self._tokenizer(text))
        words = list(map(text.__getitem__, map(slice, starts.tolist(), ends.tolist())))
        return Cut(self._words.rows_of(words), starts, ends)

    def _look_up(self, runs: Sequence[str]) -> Ints:
        """The number of each run; -1 of those that are not to be remembered."""
        numbers = np.fromiter(map(self._number.get, runs, repeat(-1)), np.int64, len(runs))
        missing = np.flatnonzero(numbers < 0).tolist()
        if missing:
            self._learn([run for run in dict.fromkeys(runs[place] for place in missing) if len(run) <= _LONGEST_RUN])
            numbers[missing] = [self._number.get(runs[place], -1) for place in missing]
        return numbers

    def _learn(self, runs: Sequence[str]) -> None:
        """Remember the words of runs, if there is no emoticon among them."""
        plain = {run: words for run in runs if (words := self._part(run))}
        cut = plain | self._tokenise([run for run in runs if run not in plain])
        known = [run for run in runs if self._emoticons.isdisjoint(cut[run])]
        rows = iter(self._words.rows_of([word for run in known for word in cut[run]]).tolist())
        first = len(self)
        try:
            self._tokens.extend([_packed(cut[run], rows) for run in known])
            self._number.update(zip(known, range(first, first + len(known)), strict=True))
        except BaseException:  # a turn that ends between the two would give all later runs another's tokens
            self._forget()
            raise

    def _part(self, run: str) -> list[str]:
        """The words of a run that no tokeniser need be asked about, as most new ones are; none of others.

        These are spaces, and letters with at most a comma, a full stop or a possessive behind them.
        """
        if run.isspace():
            return [run]
        ending = next(filter(run.endswith, _ENDINGS), "")
        word = run.removesuffix(ending)
        is_plain = word.isascii() and word.isalpha() and (ending != "." or word[-1].islower())
        if not is_plain or run in self._rules or word in self._rules:
            return []
        return [word, ending] if ending else [word]

    def _tokenise(self, runs: Sequence[str]) -> dict[str, list[str]]:
        """The words of runs, each of which stands on a line of its own, over which no rule reaches."""
        text = "\n".join(runs)
        words: list[list[str]] = [[]]
        for start, end in zip(*map(np.ndarray.tolist, token_offsets(self._tokenizer(text))), strict=True):
            if text[start] == "\n":
                words.append([])
            else:
                words[-1].append(text[start:end])
        return dict(zip(runs, words, strict=False))


def _packed(words: Sequence[str], rows: Iterator[int]) -> list[int]:
    """Of each word of a run its row, where it starts in the run, and its length; `rows` goes on to the next run's."""
    starts = accumulate(map(len, words), initial=0)
    return [
        row << 2 * _BITS | start << _BITS | len(word) for word, start, row in zip(words, starts, rows, strict=False)
    ]


def _runs(text: str) -> tuple[Sequence[str], Ints]:
    """The runs of signs and of spaces in a text, and where they start; the first blank after a sign belongs to neither."""
    if not text:
        return [], np.zeros(0, np.int64)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    is_space = _IS_SPACE.take(codes, mode="clip")
    edges = np.flatnonzero(is_space[1:] != is_space[:-1]) + 1
    starts, ends = np.append(0, edges), np.append(edges, len(text))
    is_blank = is_space[starts]
    starts[1:] += codes[edges] == _BLANK
    is_kept = starts < ends
    starts, ends, is_blank = starts[is_kept], ends[is_kept], is_blank[is_kept]
    runs = np.empty(len(starts), object)
    runs[~is_blank] = text.split()
    for place in np.flatnonzero(is_blank).tolist():
        runs[place] = text[starts[place] : ends[place]]
    return runs.tolist(), starts


def _is_emoticon(rule: str) -> bool:
    return len(rule) > 1 and not rule.translate(_IN_WORDS).isalnum()


_IN_WORDS: Final = {ord(mark): None for mark in ".'’"}
