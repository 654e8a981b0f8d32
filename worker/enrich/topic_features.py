"""What the topic model sees of an article: hashed n-grams, word shapes, word classes and phrase patterns.

Owns the mapping from text to numbered features, the same in training and at run time. Does not own weights or
probabilities. Nothing here needs a tokeniser beyond one regular expression, and nothing is random.

Per sentence, and for the article as the union of its sentences, these blocks of binary features:

- words: hashed unigrams and bigrams, divided by their Euclidean norm after idf weighting;
- shapes: hashed character 3- to 5-grams of the distinct words, likewise;
- classes: the word classes of ``data/topic_words.yaml`` (at most 64), then whether a country, two countries and a
  weapon are named by a word of the gazetteers, in whatever case;
- pairs: every two classes that stand in one sentence (`pairs_of_sentences`, `pairs_of_articles`);
- phrases: the patterns of ``data/topics.yaml``;

and the phrase baseline's opinion of each topic, a number from 0 to 1.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from itertools import chain
from operator import or_
from pathlib import Path
from typing import Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import yaml

from worker.enrich.countries import country_terms
from worker.enrich.materiel import weapon_words
from worker.enrich.phrase_topics import (
    Pattern,
    PatternIndex,
    Rule,
    compile_pattern,
    packaged_rules,
)

WORD_BITS: Final = 17
SHAPE_BITS: Final = 16
MAX_CLASSES: Final = 64
CLASSES: Final = MAX_CLASSES + 3
"""The word classes, then: a country, two countries, a weapon is named."""
PAIRS: Final = CLASSES * (CLASSES - 1) // 2
_LEAST_COUNTRY_LETTERS: Final = 4
_ROW_BITS: Final = 32
_MAX_ROWS: Final = 60_000
_MAX_LETTERS: Final = 64
_SHAPE_LENGTHS: Final = (3, 4, 5)
_MAX_SHAPED_LETTERS: Final = 24
_TOKEN: Final = re.compile(r"\w+(?:[-.'’]\w+)*")
_POSSESSIVE: Final = ("'s", "’s")
_CLASSES: Final = Path(__file__).parent / "data" / "topic_words.yaml"
_MIX_LEFT: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_RIGHT: Final = np.uint64(0xC2B2AE3D27D4EB4F)

Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Features:
    """Features of some texts, sentences or whole articles, by their number.

    Arrays of equal length pair a feature with the number of its text: ``grams`` with ``gram_owners``, ``rows`` (into
    the word table) with ``row_owners``; both pairs are sorted by text, then by feature, and distinct. ``classes`` is
    (texts, 67) and ``phrases`` (texts, patterns), both of 0 and 1. ``opinions`` (texts, 3 x topics) are the phrase
    baseline's probabilities: a sentence's own, its article's strongest, the strongest of the article's first two
    sentences; of an article the strongest, ln(1 + sum over sentences), the strongest of the first two.
    """

    grams: npt.NDArray[np.int64]
    gram_owners: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    row_owners: npt.NDArray[np.int64]
    classes: npt.NDArray[np.float32]
    phrases: npt.NDArray[np.float32]
    opinions: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ArticleFeatures:
    """Features of articles and of all their sentences; ``article_of`` is the number of each sentence's article."""

    articles: Features
    sentences: Features
    article_of: npt.NDArray[np.int64]


class WordClasses:
    """Looks up which of up to 64 named classes a word belongs to."""

    def __init__(self, definition: Mapping[str, str]) -> None:
        """Read ``{class: "word stem* ..."}``; raises ValueError beyond 64 classes."""
        if len(definition) > MAX_CLASSES:
            message = f"{len(definition)} word classes, at most {MAX_CLASSES}"
            raise ValueError(message)
        self.names: tuple[str, ...] = tuple(definition)
        self._exact: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        for bit, words in enumerate(definition.values()):
            for word in str(words).split():
                table = self._stems if word.endswith("*") else self._exact
                stem = word.rstrip("*")
                table[stem] = table.get(stem, 0) | 1 << bit
        self._longest_stem = max(map(len, self._stems), default=0)

    @classmethod
    def default(cls) -> Self:
        """Return the packaged classes."""
        return cls(_load_classes())

    def bits(self, word: str) -> int:
        """Return the classes of a lower-case word as a bit mask."""
        found = self._exact.get(word, 0)
        for length in range(3, min(len(word), self._longest_stem) + 1):
            found |= self._stems.get(word[:length], 0)
        return found


@cache
def _load_classes() -> dict[str, str]:
    loaded: dict[str, str] = yaml.safe_load(_CLASSES.read_text("utf-8"))
    return loaded


@cache
def _countries() -> dict[str, int]:
    """Number the countries and map each single word that names one or its people; short words name too much else."""
    numbers: dict[str, int] = {}
    words: dict[str, int] = {}
    for term in country_terms():
        word = term.text.lower()
        if not term.ambiguous and " " not in word and len(word.replace(".", "")) >= _LEAST_COUNTRY_LETTERS:
            words.setdefault(word, numbers.setdefault(term.id, len(numbers) + 1))
    return words


class WordTable:
    """Everything that depends on a single word, computed at its first sight and kept in growing arrays.

    Bounded: an article that finds 60,000 words in it starts it afresh, and of a word the first 64 letters count, so a
    hostile stream costs time, never memory.
    """

    def __init__(self, classes: WordClasses, patterns: Sequence[Pattern]) -> None:
        """Start empty."""
        self.generation = 0
        self._classes = classes
        self._countries, self._weapons = _countries(), weapon_words()
        self.index = PatternIndex(patterns)
        self.reset()

    def reset(self) -> None:
        """Forget every word; row numbers of an earlier ``generation`` mean nothing any more."""
        self.generation += 1
        self.rows: dict[str, int] = {}
        self.words: list[str] = []
        self.hashes = np.zeros(1024, np.uint64)
        self.class_bits = np.zeros(1024, np.uint64)
        self.countries = np.zeros(1024, np.int64)
        self.weapons = np.zeros(1024, np.bool_)
        self.opened: list[int] = []
        self.closed: list[int] = []

    def look_up(self, tokens: Sequence[str]) -> list[int]:
        """Return each token's row, adding rows for words not seen before."""
        found = list(map(self.rows.get, tokens))
        if None not in found:
            return found  # type: ignore[return-value]
        try:
            return [
                self._add(token[:_MAX_LETTERS]) if row is None else row
                for token, row in zip(tokens, found, strict=True)
            ]
        except BaseException:  # a turn that ends between two columns would give all later words another's places
            self.reset()
            raise

    def _add(self, token: str) -> int:
        if token in self.rows:
            return self.rows[token]
        row = len(self.words)
        if row == len(self.hashes):
            self._grow()
        word = normalise(token)
        self.rows[token] = row
        self.words.append(word)
        self.hashes[row] = _hash64(word)
        self.class_bits[row] = self._classes.bits(word)
        self.countries[row] = self._countries.get(word, 0)
        self.weapons[row] = word in self._weapons
        opened, closed = self.index.ends(token)
        self.opened.append(opened)
        self.closed.append(closed)
        return row

    def _grow(self) -> None:
        size = 2 * len(self.hashes)
        self.hashes = np.resize(self.hashes, size)
        self.class_bits = np.resize(self.class_bits, size)
        self.countries = np.resize(self.countries, size)
        self.weapons = np.resize(self.weapons, size)

    @property
    def is_full(self) -> bool:
        """Whether the next article should find an empty table."""
        return len(self.words) >= _MAX_ROWS


def normalise(token: str) -> str:
    """Drop a possessive ending and write every number as ``0``."""
    if token.endswith(_POSSESSIVE):
        token = token[:-2]
    return "0" if token.isdigit() else token


def _hash64(word: str) -> int:
    raw = word.encode("utf-8", "surrogatepass")
    return zlib.crc32(raw) << 32 | zlib.crc32(raw[::-1], 0x5F3759DF)


def shape_buckets(word: str) -> list[int]:
    """Return the distinct hashed character n-grams of a word, its ends marked by a space."""
    padded = f" {word[:_MAX_SHAPED_LETTERS]} "
    grams = {padded[i : i + n] for n in _SHAPE_LENGTHS for i in range(len(padded) - n + 1)}
    size = (1 << SHAPE_BITS) - 1
    return sorted({zlib.crc32(gram.encode("utf-8", "surrogatepass")) & size for gram in grams})


class FeatureExtractor:
    """Turns text and sentence offsets into `ArticleFeatures`."""

    def __init__(self, classes: WordClasses, rules: Sequence[Rule], words: Mapping[str, str]) -> None:
        """Use these word classes and phrase rules; their order is the order of the weights."""
        self.classes = classes
        self.pattern_count = len(rules)
        self.table = WordTable(classes, [compile_pattern(rule.pattern, words) for rule in rules])
        topics = list(dict.fromkeys(rule.topic for rule in rules))
        self._miss = np.zeros((len(rules), len(topics)), np.float32)
        self._guard = np.zeros_like(self._miss)
        for row, rule in enumerate(rules):
            table = self._guard if rule.is_guard else self._miss
            table[row, topics.index(rule.topic)] = np.log1p(-min(rule.weight, 0.99))

    @classmethod
    def default(cls) -> Self:
        """Return an extractor over the packaged classes and patterns."""
        words, rules = packaged_rules()
        return cls(WordClasses.default(), rules, words)

    def extract(self, text: str, sentences: Sequence[tuple[int, int]]) -> ArticleFeatures:
        """Return the features of one article and of its sentences, given by half-open offsets into ``text``."""
        return self.extract_all([(text, sentences)])

    def extract_all(self, articles: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> ArticleFeatures:
        """Return the features of articles, none of them without sentences, and of all their sentences."""
        if self.table.is_full:
            self.table.reset()
        counts = np.array([len(sentences) for _, sentences in articles])
        article_of, starts = np.repeat(np.arange(len(articles)), counts), np.cumsum(counts) - counts
        places = [(text, start, end) for text, sentences in articles for start, end in sentences]
        by_sentence = [self.table.look_up(_TOKEN.findall(text[start:end].lower())) for text, start, end in places]
        lengths = np.fromiter(map(len, by_sentence), np.int64, len(places))
        rows = np.fromiter(chain.from_iterable(by_sentence), np.int64, int(lengths.sum()))
        owners = np.repeat(np.arange(len(places)), lengths)
        grams, gram_owners = _distinct(*_grams(self.table.hashes[rows], owners), WORD_BITS)
        classes, phrases = self._class_matrix(rows, owners, len(places)), self._phrase_matrix(places, by_sentence)
        own = (1 - np.exp(phrases @ self._miss)) * np.exp(phrases @ self._guard)
        strongest, lead = np.maximum.reduceat(own, starts), _strongest_of_two(own, starts)
        of_articles = Features(
            *_distinct(grams, article_of[gram_owners], WORD_BITS),
            *_distinct(rows, article_of[owners], _ROW_BITS),
            np.maximum.reduceat(classes, starts),
            np.maximum.reduceat(phrases, starts),
            np.hstack([strongest, np.log1p(np.add.reduceat(own, starts)), lead]),
        )
        opinions = np.hstack([own, strongest[article_of], lead[article_of]])
        of_sentences = Features(grams, gram_owners, *_distinct(rows, owners, _ROW_BITS), classes, phrases, opinions)
        return ArticleFeatures(of_articles, of_sentences, article_of)

    def _class_matrix(self, rows: Ints, owner: Ints, count: int) -> npt.NDArray[np.float32]:
        bits = np.zeros(count, np.uint64)
        if len(rows):
            starts = np.flatnonzero(first_of_each(owner))
            bits[owner[starts]] = np.bitwise_or.reduceat(self.table.class_bits[rows], starts)
        unpacked = np.unpackbits(bits.astype("<u8").view(np.uint8).reshape(count, 8), axis=1, bitorder="little")
        named = self.table.countries[rows]
        _, owners = _distinct(named[named > 0], owner[named > 0], _ROW_BITS)
        countries = np.bincount(owners, minlength=count)
        weapons = np.bincount(owner[self.table.weapons[rows]], minlength=count)
        named_kinds = np.stack([countries > 0, countries > 1, weapons > 0], axis=1)
        return np.hstack([unpacked, named_kinds]).astype(np.float32)

    def _phrase_matrix(
        self, places: Sequence[tuple[str, int, int]], by_sentence: Sequence[Sequence[int]]
    ) -> npt.NDArray[np.float32]:
        found = np.zeros((len(places), self.pattern_count), np.float32)
        opened, closed = self.table.opened, self.table.closed
        for number, rows in enumerate(by_sentence):
            if _any_of(opened, rows) & _any_of(closed, rows):
                found[number, list(self.table.index.find(*places[number]))] = 1.0
        return found


def pairs_of_sentences(classes: npt.NDArray[np.float32], weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sum the weights (classes, classes, T; symmetric) of every two classes of a sentence, (sentences, T).

    Each pair counts from both its sides, so the weights are half of what a pair is worth and 0 for a class with itself.
    """
    count, width = len(classes), weights.shape[2]
    beside = (classes @ weights.reshape(CLASSES, -1)).reshape(count, CLASSES, width)
    summed: npt.NDArray[np.float32] = (classes[:, None, :] @ beside)[:, 0]
    return summed


def pairs_of_articles(classes: npt.NDArray[np.float32], article_of: Ints) -> npt.NDArray[np.float32]:
    """Return which two classes stand together in some sentence of each article, (articles, classes x classes).

    ``classes`` and ``article_of`` are the sentences'; articles are numbered from 0, none is without sentences.
    """
    starts = np.flatnonzero(first_of_each(article_of))
    together = [(block.T @ block).ravel() for block in np.split(classes, starts[1:])]
    return np.minimum(np.stack(together), 1.0)


def _strongest_of_two(values: npt.NDArray[np.float32], starts: Ints) -> npt.NDArray[np.float32]:
    """The greater of each run's first two rows; ``starts`` are the runs' first rows."""
    last = np.append(starts[1:], len(values)) - 1
    greater: npt.NDArray[np.float32] = np.maximum(values[starts], values[np.minimum(starts + 1, last)])
    return greater


def _any_of(masks: Sequence[int], rows: Sequence[int]) -> int:
    return reduce(or_, filter(None, map(masks.__getitem__, rows)), 0)


def _grams(hashes: npt.NDArray[np.uint64], owner: Ints) -> tuple[Ints, Ints]:
    shift = np.uint64(64 - WORD_BITS)
    with np.errstate(over="ignore"):
        single = (hashes * _MIX_LEFT) >> shift
        pair = ((hashes[:-1] * _MIX_RIGHT + hashes[1:]) * _MIX_LEFT) >> shift
    inside = owner[:-1] == owner[1:]
    grams = np.concatenate([single, pair[inside]]).astype(np.int64)
    return grams, np.concatenate([owner, owner[:-1][inside]])


def _distinct(values: Ints, owner: Ints, bits: int) -> tuple[Ints, Ints]:
    keys = np.sort(owner << bits | values)
    keys = keys[first_of_each(keys)]
    return keys & ((1 << bits) - 1), keys >> bits


def first_of_each(ordered: Ints) -> npt.NDArray[np.bool_]:
    """Return whether each of the sorted values differs from the one before."""
    first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first
