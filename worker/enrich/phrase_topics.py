"""The simple topic baseline: weighted phrase patterns, one sentence at a time.

Owns the pattern language (shared with a watchlist's own topics), its index and the noisy-or score. Does not own the
learnt classifier, which this module exists to be compared with. Patterns live in ``data/topics.yaml``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
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
_OPENING_LETTERS: Final = 2
_NEEDED_LETTERS: Final = 3


class PatternError(ValueError):
    """A phrase pattern that cannot be compiled; ``pattern`` is the source text."""

    def __init__(self, pattern: str, reason: str) -> None:
        super().__init__(pattern, reason)
        self.pattern = pattern
        self.reason = reason

    def __str__(self) -> str:
        return f"phrase {self.pattern!r}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One compiled phrase: ``regex`` is to be matched at a word's start.

    ``opener`` matches the first run of letters it may start with, ``heads`` are that run's first two letters;
    ``needs`` are the first three of its last place, a cheap test whether the pattern can match a sentence at all.
    """

    source: str
    regex: re.Pattern[str]
    opener: re.Pattern[str]
    heads: frozenset[str]
    needs: frozenset[str]


def compile_pattern(source: str, words: Mapping[str, str] | None = None) -> Pattern:
    """Compile a phrase such as ``"violat* ~4 sanctions|embargo"``.

    ``words`` names lists of alternatives for ``$name``. Raises `PatternError` on an empty phrase, an unknown name,
    a gap at either end or a ``*`` after fewer than three letters.
    """
    places = source.split()
    if not places or _GAP.match(places[0]) or _GAP.match(places[-1]):
        raise PatternError(source, "a phrase starts and ends with a word")
    pieces: list[str] = []
    heads: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    openers: list[str] = []
    gap = 0
    for place in places:
        if found := _GAP.match(place):
            gap = int(found.group(1))
            continue
        options = _alternatives(source, place, words or {})
        needs = frozenset(_first_word(option)[:_NEEDED_LETTERS] for option in options)
        if pieces:
            pieces.append((f"(?:{_BETWEEN}\\w+){{0,{gap}}}?" if gap else "") + _BETWEEN)
        else:
            heads = frozenset(_first_word(option)[:_OPENING_LETTERS] for option in options)
            openers = [_opener_regex(option) for option in options]
        pieces.append("(?:" + "|".join(_option_regex(source, option) for option in options) + ")")
        gap = 0
    return Pattern(source, re.compile("".join(pieces), re.IGNORECASE), _any(openers), heads, needs)


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


def _opener_regex(option: str) -> str:
    found = _WORD.search(option)
    first = found.group() if found else ""
    return re.escape(first) + (r"\w*" if option == first + "*" else "")


def first_letters(token: str) -> tuple[str, ...]:
    """Return the first three letters of every word within a lower-case token."""
    return tuple(word[:_NEEDED_LETTERS] for word in _WORD.findall(token))


def _any(options: Sequence[str]) -> re.Pattern[str]:
    return re.compile("(?:" + "|".join(options) + r")\Z", re.IGNORECASE)


def _first_word(option: str) -> str:
    found = _WORD.search(option)
    return found.group().lower() if found else ""


class PatternIndex:
    """Many patterns looked up by their first word, so a text is read once.

    Which patterns a word may open is found by its first two letters once, then remembered (at most 50,000 words).
    """

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        """Number the patterns in the order given."""
        self._by_word: dict[str, tuple[tuple[int, Pattern], ...]] = {}
        self._by_head: dict[str, list[tuple[int, Pattern]]] = {}
        self._bits: dict[str, int] = {}
        for number, pattern in enumerate(patterns):
            for head in sorted(pattern.heads):
                self._by_head.setdefault(head, []).append((number, pattern))
            for head in sorted(pattern.needs):
                self._bits.setdefault(head, 1 << len(self._bits))

    def needed_by(self, token: str) -> int:
        """Return, as a bit mask, what the patterns that may start within ``token`` (it may join words) need; 0: none."""
        mask = 0
        for word in _WORD.findall(token):
            for _, pattern in self._openers(word):
                for head in pattern.needs:
                    mask |= self._bits[head]
        return mask

    def given_by(self, token: str) -> int:
        """Return, as a bit mask, what patterns may need and find in ``token``."""
        mask = 0
        for head in first_letters(token):
            mask |= self._bits.get(head, 0)
        return mask

    def find(self, text: str, start: int, end: int) -> set[int]:
        """Return the numbers of the patterns that occur within ``text[start:end]``."""
        words = [(word.start(), word.group()) for word in _WORD.finditer(text, start, end)]
        present = {spelled.lower()[:_NEEDED_LETTERS] for _, spelled in words}
        found: set[int] = set()
        for position, spelled in words:
            self._match(text, position, end, spelled, present, found)
        return found

    def find_from(self, text: str, start: int, end: int, openers: Sequence[str], present: AbstractSet[str]) -> set[int]:
        """Do as `find`, given the lower-case tokens of ``text[start:end]`` that can open a pattern, in order.

        ``present`` holds the first three letters of every word there.
        """
        lowered = text[start:end].lower()
        if len(lowered) != end - start:
            return self.find(text, start, end)
        found: set[int] = set()
        position = 0
        for token in openers:
            position = lowered.find(token, position)
            while position > 0 and lowered[position - 1].isalnum():
                position = lowered.find(token, position + 1)
            for word in _WORD.finditer(token):
                self._match(text, start + position + word.start(), end, word.group(), present, found)
            position += len(token)
        return found

    def _match(  # noqa: PLR0913, PLR0917  the inner loop of both
        self, text: str, position: int, end: int, spelled: str, present: AbstractSet[str], found: set[int]
    ) -> None:
        for number, pattern in self._openers(spelled):
            if (
                number not in found
                and not pattern.needs.isdisjoint(present)
                and pattern.regex.match(text, position, end)
            ):
                found.add(number)

    def _openers(self, word: str) -> tuple[tuple[int, Pattern], ...]:
        known = self._by_word.get(word)
        if known is None:
            if len(self._by_word) >= _REMEMBERED_WORDS:
                self._by_word.clear()
            candidates = self._by_head.get(word.lower()[:_OPENING_LETTERS], ())
            known = tuple((number, pattern) for number, pattern in candidates if pattern.opener.match(word))
            self._by_word[word] = known
        return known


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
    """Scores the built-in topics by phrase patterns alone."""

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
