"""Names as stretches of a text's tokens, without spaCy's objects for tokens and spans, which cost more than the finding.

Owns where tokens stand and how names that overlap are parted. Does not own how names are found (`ner`, `gazetteer`).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc
from spacy.vocab import Vocab

from worker.model import Entity

Ints: TypeAlias = npt.NDArray[np.int64]


class Name(NamedTuple):
    """The tokens [start, end) under a label, with the id of what they name, "" where there is none."""

    start: int
    end: int
    label: str
    id: str = ""


def token_offsets(doc: Doc) -> tuple[Ints, Ints]:
    """Where the tokens of a document start and end, in characters."""
    starts, lengths = doc.to_array([IDX, LENGTH]).astype(np.int64).reshape(-1, 2).T
    return starts, starts + lengths


class Tokens:
    """A text's tokens by number; `starts` and `ends` are their offsets in characters."""

    __slots__ = ("_rules", "ends", "starts", "text")

    def __init__(self, text: str, starts: list[int], ends: list[int], vocab: Vocab) -> None:
        self.text, self.starts, self.ends = text, starts, ends
        self._rules: dict[int, Callable[[str], object]] = getattr(vocab, "lex_attr_getters")  # noqa: B009 - without its type

    @classmethod
    def of(cls, doc: Doc) -> Self:
        """Return the tokens of a document."""
        starts, ends = token_offsets(doc)
        return cls(doc.text, starts.tolist(), ends.tolist(), doc.vocab)

    def __len__(self) -> int:
        return len(self.starts)

    def words(self, start: int, end: int) -> str:
        """Return the text of the tokens [start, end)."""
        return self.text[self.starts[start] : self.ends[end - 1]]

    def has(self, number: int, attribute: int) -> bool:
        """Return a lexical attribute of a token's word, asking spaCy's rule for it: the vocabulary need not learn the word."""
        return bool(self._rules[attribute](self.words(number, number + 1)))

    def name(self, start: int, end: int, label: str, id_: str) -> Name | None:
        """Return the tokens that the characters [start, end) touch as a name; None where they are between tokens."""
        first = bisect_right(self.starts, start) - 1
        last = bisect_right(self.starts, end - 1) - 1
        if first < 0:
            return None
        if start == self.ends[first]:
            first += 1
        return Name(first, last + 1, label, id_) if first <= last else None

    def entity(self, name: Name) -> Entity:
        """Return a name by its characters."""
        start, end = self.starts[name.start], self.ends[name.end - 1]
        return Entity(self.text[start:end], name.label, start, end, name.id or None)


def part(names: Iterable[Name]) -> list[Name]:
    """Return the names that overlap no longer one, nor an earlier one of the same length, in order."""
    ordered = sorted(names, key=_start)
    if all(before.end <= name.start for before, name in pairwise(ordered)):
        return ordered
    kept: list[Name] = []
    taken: set[int] = set()
    for name in sorted(ordered, key=lambda name: (name.start - name.end, name.start)):
        if name.start not in taken and name.end - 1 not in taken:
            kept.append(name)
            taken.update(range(name.start, name.end))
    return sorted(kept, key=_start)


def _start(name: Name) -> int:
    return name.start
