"""Where a text's tokens stand, as spaCy's tokeniser cuts them: each run of signs between blanks is cut once and remembered.

Owns what is remembered of runs. Does not own the rules, which are the tokeniser's, nor the embedding of words (`ner`).

The tokeniser cuts a run the same wherever it stands. One exception: an emoticon within a run may be taken together with what
stands in the next one; texts with any are left to the tokeniser, as are those with runs too long to be remembered.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from spacy.tokenizer import Tokenizer

from worker.enrich.names import Ints, token_offsets
from worker.enrich.ner import KnownWords
from worker.enrich.runs import Made, RunColumn, RunTable, pack

_PLAIN: Final = re.compile(
    r"""(["“($£€]?)([A-Za-z]+(?:-[A-Za-z]+)*+|[0-9]+(?:[.,][0-9]+)*+)(['’]s)?"""
    r"""(?:((?<=[a-z0-9])\.|[,?!]?)(?:(["”)])([,.;]?))?|([:;]))"""
)
"""A number, or letters with hyphens between, and a few marks around them, each of which is a token of its own."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A text's tokens: the known-word row of each, and where it starts and ends in characters."""

    rows: Ints
    starts: Ints
    ends: Ints


class KnownRuns:
    """Cuts texts. What is remembered goes when the words go that it points at."""

    def __init__(self, tokenizer: Tokenizer, words: KnownWords, table: RunTable | None = None) -> None:
        """`table` may be another reader's of the same texts: what it has parted need not be parted again."""
        self._tokenizer, self._words = tokenizer, words
        self._rules = frozenset(tokenizer.rules)
        self._emoticons = frozenset(filter(_is_emoticon, self._rules))
        self._irregular = frozenset(plain[2] for rule in self._rules if (plain := _PLAIN.fullmatch(rule)))
        """What stands between the marks of a rule: as part of a run, the rule may say otherwise."""
        self._table = RunTable() if table is None else table
        self._tokens = RunColumn(self._table, self._learn)
        """Of each run: the row of each token's word, then where in the run it starts, then its length."""
        self._generation = words.generation

    def __len__(self) -> int:
        return len(self._tokens)

    def cut(self, texts: Sequence[str]) -> list[Cut]:
        """Return the tokens of each text; call it inside the vocabulary's memory zone."""
        self._words.make_room()
        if self._generation != self._words.generation:
            self._tokens.forget()
            self._generation = self._words.generation
        rows, starts, ends, own, is_left = self._tokens.in_texts(self._table.read(texts))
        return [
            self._leave(text) if leave else Cut(rows[one], starts[one], ends[one])
            for text, leave, one in zip(texts, is_left, own, strict=True)
        ]

    def _leave(self, text: str) -> Cut:
        """The tokens as the tokeniser gives them."""
        starts, ends = token_offsets(self._tokenizer(text))
        words = list(map(text.__getitem__, map(slice, starts.tolist(), ends.tolist())))
        return Cut(self._words.rows_of(words), starts, ends)

    def _learn(self, runs: list[str]) -> Made:
        """The tokens of runs; one with an emoticon in it is left."""
        plain = {run: words for run in runs if (words := self._part(run))}
        cut = plain | self._tokenise([run for run in runs if run not in plain])
        lists = [words if self._emoticons.isdisjoint(words := cut[run]) else () for run in runs]
        words = list(chain.from_iterable(lists))
        counts, lengths = (np.fromiter(map(len, some), np.int64, len(some)) for some in (lists, words))
        starts = np.append(0, np.cumsum(lengths))
        firsts = starts[np.cumsum(counts) - counts]
        packed = pack(self._words.rows_of(words), starts[:-1] - np.repeat(firsts, counts), lengths)
        return Made(counts, packed, counts == 0)

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


def _is_emoticon(rule: str) -> bool:
    return len(rule) > 1 and not rule.translate(_IN_WORDS).isalnum()


_IN_WORDS: Final = {ord(mark): None for mark in ".'’"}
