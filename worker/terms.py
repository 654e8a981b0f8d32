"""All watched phrases found in one pass over the text. Owns what "the phrase stands in the text" means."""

import bisect
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import ahocorasick

from worker.plainwords import spread_words

_ALIKE = (
    ("'", "\u2018\u2019\u02bc"),
    ('"', "\u201c\u201d"),
    ("-", "\u2010\u2011\u2013\u2014\u2212"),
    (" ", "\u00a0"),
)
_RUN = re.compile(r"\s+")
_ODD_RUN = re.compile(r"[^\S ]\s*| (?=\s)\s+")
"""White space other than one blank."""
_BREAK = re.compile(r"\n\n*")
"""The same where there are only blanks, one at a time, and breaks: found in a fraction of the time."""
_WORD = re.compile(r"[^\W_]+")
_FAR = 1 << 62
_STEM_LETTERS = 3


def fold(text: str) -> str:
    """Lower case and plain quotes, dashes and spaces, one character for one: offsets stay."""
    low = text.lower()
    if len(low) != len(text):  # a few letters, such as U+0130, grow when lowered
        low = "".join(small if len(small := char.lower()) == 1 else char for char in text)
    low = low.replace("\t", " ")
    if not low.isascii():
        for plain, others in _ALIKE:
            for other in others:
                low = low.replace(other, plain)
    return low


def is_term(term: str) -> bool:
    """Whether `term` can be watched: it has a letter or digit, and `*` only ends a word of three letters or more."""
    stem = term.removesuffix("*")
    if "*" in stem or not any(char.isalnum() for char in stem):
        return False
    return stem == term or len(re.split(r"\W", stem)[-1]) >= _STEM_LETTERS


class TermIndex:
    """Many terms at once, by an automaton and a table of words; `find` costs the text's length, however many there are.

    Case, kind of quote and dash, and runs of white space do not matter; a blank line ends a phrase. A term starts
    and ends at a word's edge, unless it ends in `*`, which takes the rest of the word.
    """

    def __init__(self, terms: Iterable[str]) -> None:
        self._automaton = ahocorasick.Automaton()
        self._words: dict[str, tuple[str, ...]] = {}
        grouped: dict[str, list[str]] = defaultdict(list)
        for term in dict.fromkeys(terms):
            grouped[_RUN.sub(" ", fold(term).strip()).removesuffix("*")].append(term)
        for literal, same in grouped.items():
            plain = tuple(term for term in same if not term.endswith("*"))
            open_ = tuple(term for term in same if term.endswith("*"))
            if plain and _WORD.fullmatch(literal):
                self._words[literal], plain = plain, ()
            if plain or open_:
                edges = (literal[0].isalnum(), literal[-1].isalnum())
                self._automaton.add_word(literal, (len(literal), plain, open_, *edges))
        self._automaton.make_automaton()

    def find(self, text: str) -> Mapping[str, tuple[tuple[int, int], ...]]:
        """Every term that stands in `text`, with its half-open spans in order."""
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        if not self._automaton and not self._words:
            return {}
        folded, origin = _squeeze(fold(text))
        if self._words:
            self._find_words(folded, found)
        if self._automaton:
            self._find_others(folded, found)
        if not origin:
            return {term: tuple(spans) for term, spans in found.items()}
        return {
            term: tuple((_unsqueezed(start, origin), _unsqueezed(end - 1, origin) + 1) for start, end in spans)
            for term, spans in found.items()
        }

    def _find_words(self, folded: str, found: dict[str, list[tuple[int, int]]]) -> None:
        """Single words are looked up word by word: an automaton would find most of them inside other words."""
        words = self._words
        spread = spread_words(folded)
        inside = _WORD.findall(folded) if spread is None else spread.decode().split()
        if words.keys().isdisjoint(inside):  # most texts: told three times as fast
            return
        for word in _WORD.finditer(folded):
            for term in words.get(word.group(), ()):
                found[term].append(word.span())

    def _find_others(self, folded: str, found: dict[str, list[tuple[int, int]]]) -> None:
        size = len(folded)
        for last, (length, plain, open_, begins_word, ends_word) in self._automaton.iter(folded):
            start, end = last - length + 1, last + 1
            if begins_word and start and folded[start - 1].isalnum():
                continue
            is_inside = ends_word and end < size and folded[end].isalnum()
            if plain and not is_inside:
                for term in plain:
                    found[term].append((start, end))
            if open_:
                stop = _word_end(folded, end) if is_inside else end
                for term in open_:
                    found[term].append((start, stop))


def _word_end(text: str, end: int) -> int:
    while end < len(text) and text[end].isalnum():
        end += 1
    return end


def _squeeze(text: str) -> tuple[str, list[tuple[int, int]]]:
    """`text` with each run of white space as one character, and (place, shift) where what follows was moved."""
    pieces: list[str] = []
    origin: list[tuple[int, int]] = []
    last = size = shift = 0
    for run in (_BREAK if _is_tidy(text) else _ODD_RUN).finditer(text):
        start, end = run.span()
        pieces += (text[last:start], "\n" if run.group().count("\n") > 1 else " ")
        size += start - last + 1
        if end - start > 1:
            shift += end - start - 1
            origin.append((size, shift))
        last = end
    return ("".join(pieces) + text[last:] if pieces else text), origin


def _is_tidy(text: str) -> bool:
    """Whether white space is either one blank or breaks; what else it may be is not printable."""
    is_doubled = "  " in text or " \n" in text or "\n " in text
    return not is_doubled and text.replace("\n", "").isprintable()


def _unsqueezed(place: int, origin: list[tuple[int, int]]) -> int:
    """Where the character at `place` stood before."""
    at = bisect.bisect_right(origin, (place, _FAR))
    return place + (origin[at - 1][1] if at else 0)
