"""Where a text's tokens stand, as spaCy's tokeniser cuts them: each run of signs between blanks is cut once and remembered.

Owns what is remembered of runs. Does not own the rules, which are the tokeniser's, nor the embedding of words (`ner`).

The tokeniser cuts a run the same wherever it stands. One exception: an emoticon within a run may be taken together with what
stands in the next one; texts with any are left to the tokeniser, as are those with runs too long to be remembered.
"""

import re
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
_PLAIN: Final = re.compile(
    r"""(["“($£€]?)([A-Za-z]+(?:-[A-Za-z]+)*+|[0-9]+(?:[.,][0-9]+)*+)(['’]s)?"""
    r"""(?:((?<=[a-z0-9])\.|[,?!]?)(?:(["”)])([,.;]?))?|([:;]))"""
)
"""A number, or letters with hyphens between, and a few marks around them, each of which is a token of its own."""
_IS_SPACE: Final = np.array([chr(code).isspace() for code in range(0x3002)])
"""By code; no sign beyond is a space."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A text's tokens: the known-word row of each, and where it starts and ends in characters."""

    rows: Ints
    starts: Ints
    ends: Ints


class KnownRuns:
    """Cuts texts. What is remembered goes when the words go that it points at.

    Of more than 60,000 runs the half stays that was met in most calls: of the others most are never met again, while to learn
    all of them anew would cost as much as the first 60,000 did.
    """

    def __init__(self, tokenizer: Tokenizer, words: KnownWords) -> None:
        self._tokenizer, self._words = tokenizer, words
        self._rules = frozenset(tokenizer.rules)
        self._emoticons = frozenset(filter(_is_emoticon, self._rules))
        self._irregular = frozenset(plain[2] for rule in self._rules if (plain := _PLAIN.fullmatch(rule)))
        """What stands between the marks of a rule: as part of a run, the rule may say otherwise."""
        self._forget()

    def __len__(self) -> int:
        return len(self._number)

    def _forget(self) -> None:
        self._generation = self._words.generation
        self._number: dict[str, int] = {}
        self._tokens = Postings()
        """By the number of a run: the row of each token's word, then where in the run it starts, then its length."""
        self._calls = np.zeros(0, np.int64)
        """By the number of a run: in how many calls it was met."""

    def _keep(self, most: int) -> None:
        """Forget all runs but so many that were met in most calls, and count the calls anew."""
        kept = np.sort(np.argsort(-self._calls[: len(self)], kind="stable")[:most])
        runs = list(self._number)
        try:
            self._tokens.keep(kept)
            self._number = {runs[number]: place for place, number in enumerate(kept.tolist())}
            self._calls = np.zeros(len(self), np.int64)
        except BaseException:  # a turn that ends between the two would give the runs others' tokens
            self._forget()
            raise

    def cut(self, texts: Sequence[str]) -> list[Cut]:
        """Return the tokens of each text; call it inside the vocabulary's memory zone."""
        self._words.make_room()
        if self._generation != self._words.generation:
            self._forget()
        elif len(self) > _KEPT_RUNS:
            self._keep(_KEPT_RUNS // 2)
        runs, starts = zip(*map(_runs, texts), strict=True) if texts else ((), ())
        bounds = np.cumsum([0, *map(len, runs)])
        numbers = self._look_up(list(chain.from_iterable(runs)))
        self._count(numbers[numbers >= 0])
        places, tokens = self._tokens.of(np.maximum(numbers, 0))
        firsts = np.concatenate([np.zeros(0, np.int64), *starts])[places] + (tokens >> _BITS & _LONGEST_RUN)
        whole = Cut(tokens >> 2 * _BITS, firsts, firsts + (tokens & _LONGEST_RUN))
        is_left = [bool((numbers[start:end] < 0).any()) for start, end in pairwise(bounds)]
        ends = np.searchsorted(places, bounds).tolist()
        return [
            self._leave(text) if left else Cut(whole.rows[start:end], whole.starts[start:end], whole.ends[start:end])
            for text, left, (start, end) in zip(texts, is_left, pairwise(ends), strict=True)
        ]

    def _count(self, numbers: Ints) -> None:
        if len(self._calls) < len(self):
            self._calls = np.append(self._calls, np.zeros(len(self), np.int64))
        self._calls[numbers] += 1  # once, however often a run stands in the texts

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

        These are spaces, and numbers or letters with a few marks around them, of which no rule speaks.
        """
        plain = _PLAIN.fullmatch(run)
        if plain is None:
            return [run] if run.isspace() else []
        pieces = plain.groups("")
        if (letters := pieces[1]) in self._irregular:
            return []
        if "-" not in letters:
            return list(filter(None, pieces))
        words = letters.split("-")
        joined = [piece for word in words for piece in ("-", word)]
        is_plain = self._irregular.isdisjoint(words)
        return list(filter(None, (pieces[0], *joined[1:], *pieces[2:]))) if is_plain else []

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
    if len(words) == 1:
        return [next(rows) << 2 * _BITS | len(words[0])]
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
