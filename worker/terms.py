"""All watched phrases found in one pass over the text. Owns what "the phrase stands in the text" means."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import ahocorasick

_ALIKE = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u00a0": " ",
        "\t": " ",
    }
)
_RUN = re.compile(r"\s+")
_STEM_LETTERS = 3


def fold(text: str) -> str:
    """Lower case and plain quotes, dashes and spaces, one character for one: offsets stay."""
    low = text.lower()
    if len(low) != len(text):  # a few letters, such as U+0130, grow when lowered
        low = "".join(small if len(small := char.lower()) == 1 else char for char in text)
    return low.translate(_ALIKE)


def is_term(term: str) -> bool:
    """Whether `term` can be watched: it has a letter or digit, and `*` only ends a word of three letters or more."""
    stem = term.removesuffix("*")
    if "*" in stem or not any(char.isalnum() for char in stem):
        return False
    return stem == term or len(re.split(r"\W", stem)[-1]) >= _STEM_LETTERS


class TermIndex:
    """An automaton over many terms; `find` costs the length of the text, whatever the number of terms.

    Case, kind of quote and dash, and runs of white space do not matter; a blank line ends a phrase. A term starts
    and ends at a word's edge, unless it ends in `*`, which takes the rest of the word.
    """

    def __init__(self, terms: Iterable[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        grouped: dict[str, list[str]] = defaultdict(list)
        for term in dict.fromkeys(terms):
            grouped[_RUN.sub(" ", fold(term).strip()).removesuffix("*")].append(term)
        for literal, same in grouped.items():
            self._automaton.add_word(literal, (len(literal), tuple(same)))
        self._automaton.make_automaton()

    def find(self, text: str) -> Mapping[str, tuple[tuple[int, int], ...]]:
        """Every term that stands in `text`, with its half-open spans in order."""
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        if not self._automaton:
            return {}
        folded, origin = _squeeze(fold(text))
        for last, (length, terms) in self._automaton.iter(folded):
            start, end = last - length + 1, last + 1
            if start and folded[start - 1].isalnum() and folded[start].isalnum():
                continue
            for term in terms:
                stop = _word_end(folded, end) if term.endswith("*") else end
                if stop == len(folded) or not (folded[stop].isalnum() and folded[stop - 1].isalnum()):
                    found[term].append((origin[start], origin[stop - 1] + 1) if origin else (start, stop))
        return {term: tuple(spans) for term, spans in found.items()}


def _word_end(text: str, end: int) -> int:
    while end < len(text) and text[end].isalnum():
        end += 1
    return end


def _squeeze(text: str) -> tuple[str, list[int] | None]:
    """`text` with each run of white space as one character, and where each character came from (None: unmoved)."""
    if not re.search(r"\s\s|[\n\r]", text):
        return text, None
    pieces: list[str] = []
    origin: list[int] = []
    last = 0
    for run in _RUN.finditer(text):
        pieces += (text[last : run.start()], "\n" if run.group().count("\n") > 1 else " ")
        origin += range(last, run.start() + 1)
        last = run.end()
    return "".join(pieces) + text[last:], origin + list(range(last, len(text)))
