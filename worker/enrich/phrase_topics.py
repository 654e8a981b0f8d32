"""The simple topic baseline: weighted phrase patterns, one sentence at a time.

Owns the pattern language (shared with a watchlist's own topics), its index and the noisy-or score. Does not own the
learnt classifier, which this module exists to be compared with. Patterns live in ``data/topics.yaml``.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from itertools import chain
from operator import or_
from pathlib import Path
from typing import Final, Self

import yaml

from worker.enrich.topic_result import Evidence, TopicResult, strongest

THRESHOLD: Final = 0.5
MIN_PREFIX_LETTERS: Final = 3
_WORD: Final = re.compile(r"\w+")
_GAP: Final = re.compile(r"~([1-9]\d?)$")
_BETWEEN: Final = r"[^\w\n]{1,4}"
_DATA: Final = Path(__file__).parent / "data" / "topics.yaml"
_REPORTED: Final = 0.05
_REMEMBERED_WORDS: Final = 50_000
_REMEMBERED_LETTERS: Final = 64
_HEAD_LETTERS: Final = 2
_NONE: Final[tuple[int, ...]] = ()


class PatternError(ValueError):
    """A phrase pattern that cannot be compiled; ``pattern`` is the source text."""

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(pattern, reason)
        self.pattern = pattern
        self.reason = reason

    def __str__(self) -> str:
        return f"phrase {self.pattern!r}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Beginning:
    """With which run of letters a place of a pattern may begin: one of ``words``, or any that starts with one of ``stems``.

    Both are in small letters; ``regex`` says the same of a whole run in any letters.
    """

    words: frozenset[str]
    stems: frozenset[str]
    regex: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One compiled phrase: ``regex`` is to be matched at a word's start.

    ``first`` and ``last`` are the beginnings of its first and its last place, a cheap test whether the pattern can match
    a sentence at all; ``reach`` is by how many words the two may stand apart at most.
    """

    source: str
    regex: re.Pattern[str]
    first: Beginning
    last: Beginning
    reach: int


def compile_pattern(source: str, words: Mapping[str, str] | None = None) -> Pattern:
    """Compile a phrase such as ``"violat* ~4 sanctions|embargo"``.

    ``words`` names lists of alternatives for ``$name``. Raises `PatternError` on an empty phrase, an unknown name,
    a gap at either end or a ``*`` after fewer than three letters.
    """
    places = source.split()
    if not places or _GAP.match(places[0]) or _GAP.match(places[-1]):
        raise PatternError(source, "a phrase starts and ends with a word")
    pieces: list[str] = []
    options_by_place: list[list[str]] = []
    gap = reach = 0
    for place in places:
        if found := _GAP.match(place):
            gap = int(found.group(1))
            reach += gap
            continue
        options = _alternatives(source, place, words or {})
        options_by_place.append(options)
        if pieces:
            pieces.append((f"(?:{_BETWEEN}\\w+){{0,{gap}}}?" if gap else "") + _BETWEEN)
        pieces.append("(?:" + "|".join(_option_regex(source, option) for option in options) + ")")
        gap = 0
    reach += sum(max(len(_WORD.findall(option)) for option in options) for options in options_by_place[:-1])
    regex = re.compile("".join(pieces), re.IGNORECASE)
    return Pattern(source, regex, _beginning(options_by_place[0]), _beginning(options_by_place[-1]), reach)


def _alternatives(source: str, place: str, words: Mapping[str, str]) -> list[str]:
    options: list[str] = []
    for option in place.split("|"):
        if option.startswith("$"):
            if option[1:] not in words:
                raise PatternError(source, f"no word list is called {option}")
            options.extend(words[option[1:]].split("|"))
        else:
            options.append(option)
    return options


def _option_regex(source: str, option: str) -> str:
    stem = option.rstrip("*")
    letters = sum(character.isalnum() for character in stem)
    if not letters or "*" in stem:
        raise PatternError(source, "a place holds a word; '*' stands at its end only")
    if stem == option:
        return re.escape(stem) + r"\b"
    if letters < MIN_PREFIX_LETTERS:
        raise PatternError(source, f"'*' needs at least {MIN_PREFIX_LETTERS} letters before it")
    return re.escape(stem) + r"\w*"


def _beginning(options: Sequence[str]) -> Beginning:
    words = {_first_word(option) for option in options}
    stems = {option[:-1].lower() for option in options if option.lower() == _first_word(option) + "*"}
    starts = (re.escape(word) + (r"\w*" if word in stems else "") for word in words)
    regex = re.compile("(?:" + "|".join(starts) + r")\Z", re.IGNORECASE)
    return Beginning(frozenset(words - stems), frozenset(stems), regex)


def _first_word(option: str) -> str:
    found = _WORD.search(option)
    return found.group().lower() if found else ""


class PatternIndex:
    """Many patterns looked up by the words they begin and end with, so a text is read once.

    Sets of patterns are bit masks by their numbers. Which patterns a word may begin or end is found once, then
    remembered (at most 50,000 words of at most 64 letters).
    """

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        """Number the patterns in the order given."""
        self.patterns = tuple(patterns)
        self._by_word: dict[str, tuple[int, int]] = {}
        self._places = _Beginnings([*(one.first for one in self.patterns), *(one.last for one in self.patterns)])
        """The first places of all patterns, then the last ones: of most words one look tells that none may begin with it."""

    def ends(self, token: str) -> tuple[Sequence[int], Sequence[int]]:
        """Return the patterns whose first and those whose last place may begin with a word of `token` (it may join some)."""
        numbers = self._places.numbers
        found = numbers(token) if token.isalnum() else _union(map(numbers, _WORD.findall(token)))
        if not found:
            return _NONE, _NONE
        at = bisect_left(found, len(self.patterns))
        return found[:at], [number - len(self.patterns) for number in found[at:]]

    def may_open(self, number: int, word: str) -> bool:
        """Return whether a pattern's first place may begin with `word`."""
        return bool(self._ends(word)[0] >> number & 1)

    def find(self, text: str, start: int, end: int) -> set[int]:
        """Return the numbers of the patterns that occur within ``text[start:end]``."""
        words = [(word.start(), *self._ends(word.group())) for word in _WORD.finditer(text, start, end)]
        opened = reduce(or_, (first for _, first, _ in words), 0)
        open_ = opened & reduce(or_, (last for _, _, last in words), 0)
        found: set[int] = set()
        for position, first, _ in words:
            for number in _numbers(first & open_):
                if self.patterns[number].regex.match(text, position, end):
                    found.add(number)
                    open_ ^= 1 << number
        return found

    def _ends(self, word: str) -> tuple[int, int]:
        known = self._by_word.get(word)
        if known is None:
            opened, closed = self.ends(word)
            known = _mask(opened), _mask(closed)
            if len(self._by_word) >= _REMEMBERED_WORDS:
                self._by_word.clear()
            if len(word) <= _REMEMBERED_LETTERS:
                self._by_word[word] = known
        return known


class _Beginnings:
    """The patterns of which one place may begin with a word.

    A word in ASCII is looked up as it is and by its first letters; for others, and for places that are not in ASCII, the
    pattern's own expression decides, since case is more than small letters there.
    """

    def __init__(self, beginnings: Sequence[Beginning]) -> None:
        self._regexes = [one.regex for one in beginnings]
        self._exact: dict[str, list[int]] = {}
        self._stems: dict[str, list[tuple[str, int]]] = {}
        self._by_head: dict[str, list[int]] = {}
        self._foreign: dict[str, list[int]] = {}
        for number, one in enumerate(beginnings):
            for word in one.words:
                self._exact.setdefault(word, []).append(number)
            for stem in one.stems:
                self._stems.setdefault(stem[:MIN_PREFIX_LETTERS], []).append((stem, number))
            for head in {word[:_HEAD_LETTERS] for word in one.words | one.stems}:
                self._by_head.setdefault(head, []).append(number)
            for head in {word[:_HEAD_LETTERS] for word in one.words | one.stems if not word.isascii()}:
                self._foreign.setdefault(head, []).append(number)
        self._stems_of = {head: tuple(stem for stem, _ in stems) for head, stems in self._stems.items()}

    def numbers(self, word: str) -> Sequence[int]:
        """Return the patterns' numbers, in order."""
        lower = word.lower()
        if not word.isascii():
            return self._matching(word, self._by_head.get(lower[:_HEAD_LETTERS], ()))
        found: Sequence[int] = self._exact.get(lower, _NONE)
        if lower.startswith(self._stems_of.get(lower[:MIN_PREFIX_LETTERS], ())):  # few begin with any
            stems = self._stems[lower[:MIN_PREFIX_LETTERS]]
            found = [*found, *(number for stem, number in stems if lower.startswith(stem))]
        if self._foreign:
            found = [*found, *self._matching(word, self._foreign.get(lower[:_HEAD_LETTERS], ()))]
        return sorted(set(found)) if found else found

    def _matching(self, word: str, numbers: Iterable[int]) -> list[int]:
        return [number for number in numbers if self._regexes[number].match(word)]


def _union(lists: Iterable[Sequence[int]]) -> list[int]:
    return sorted(set(chain.from_iterable(lists)))


def _mask(numbers: Iterable[int]) -> int:
    return reduce(or_, (1 << number for number in numbers), 0)


def _numbers(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


@dataclass(frozen=True, slots=True)
class Rule:
    """One weighted phrase of one topic; a guard scales the sentence's score by 1 - ``weight``."""

    pattern: str
    topic: str
    weight: float
    is_guard: bool


def read_rules(definition: Mapping[str, Mapping[str, Mapping[str, float]]]) -> tuple[Rule, ...]:
    """Return the rules of ``{topic: {"phrases": {pattern: weight}, "unless": {pattern: weight}}}`` in its order."""
    return tuple(
        Rule(pattern, topic, weight, is_guard=kind == "unless")
        for topic, part in definition.items()
        for kind in ("phrases", "unless")
        for pattern, weight in part.get(kind, {}).items()
    )


class PhraseTopics:
    """Scores the built-in topics by phrase patterns alone: the baseline of the evaluation, which no article is read by."""

    def __init__(self, definition: Mapping[str, Mapping[str, Mapping[str, float]]], words: Mapping[str, str]) -> None:
        """Compile ``{topic: {"phrases": {pattern: weight}, "unless": {pattern: weight}}}``."""
        self._rules = read_rules(definition)
        self._index = PatternIndex(compile_pattern(rule.pattern, words) for rule in self._rules)
        self.topics: tuple[str, ...] = tuple(definition)
        self.thresholds: dict[str, float] = dict.fromkeys(self.topics, THRESHOLD)

    @classmethod
    def default(cls) -> Self:
        """Return the packaged patterns, compiled."""
        raw = _load_definition()
        return cls(raw["topics"], raw["words"])

    def score(self, text: str, sentences: Sequence[tuple[int, int]]) -> list[TopicResult]:
        """Return the topics with any matching phrase, strongest first; sentences are half-open offsets.

        An article's probability joins its sentences by noisy-or: p = 1 - (1 - s1)(1 - s2 / 2)(1 - s3 / 4).
        """
        by_topic: dict[str, list[Evidence]] = {}
        for start, end in sentences:
            for topic, probability in self._score_sentence(text, start, end).items():
                if probability >= _REPORTED:
                    by_topic.setdefault(topic, []).append((start, end, probability))
        results = [_pool(topic, evidence) for topic, evidence in by_topic.items()]
        return sorted(results, key=lambda result: -result.probability)

    def _score_sentence(self, text: str, start: int, end: int) -> dict[str, float]:
        matched = [self._rules[number] for number in sorted(self._index.find(text, start, end))]
        miss = {rule.topic: 1.0 for rule in matched if not rule.is_guard}
        for rule in matched:
            if not rule.is_guard:
                miss[rule.topic] *= 1.0 - rule.weight
        scores = {topic: 1.0 - value for topic, value in miss.items()}
        for rule in matched:
            if rule.is_guard and rule.topic in scores:
                scores[rule.topic] *= 1.0 - rule.weight
        return scores


def _pool(topic: str, evidence: Sequence[Evidence]) -> TopicResult:
    chosen = strongest(evidence)
    miss = 1.0
    for rank, (_, _, probability) in enumerate(chosen[:3]):
        miss *= 1.0 - probability / 2**rank
    return TopicResult(topic, min(1.0 - miss, 0.99), chosen)


def packaged_rules() -> tuple[Mapping[str, str], tuple[Rule, ...]]:
    """Return the packaged word lists and rules, in a fixed order."""
    raw = _load_definition()
    return raw["words"], read_rules(raw["topics"])


@cache
def _load_definition() -> dict[str, dict]:  # type: ignore[type-arg]
    loaded: dict[str, dict] = yaml.safe_load(_DATA.read_text("utf-8"))  # type: ignore[type-arg]
    return loaded
