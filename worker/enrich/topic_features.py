"""What the topic model sees of an article: hashed n-grams, word shapes, word classes and phrase patterns.

Owns the mapping from text to numbered features, the same in training and at run time. Does not own weights or
probabilities. Nothing here needs a tokeniser beyond one regular expression, and nothing is random.

Per sentence, and for the article as the union of its sentences, these blocks of binary features:

- words: hashed unigrams and bigrams, divided by their Euclidean norm after idf weighting;
- shapes: hashed character 3- to 5-grams of the distinct words, likewise;
- classes: the word classes of ``data/topic_words.yaml`` (at most 64);
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
_MAX_ROWS: Final = 60_000
_SHAPE_LENGTHS: Final = (3, 4, 5)
_MAX_SHAPED_LETTERS: Final = 24
_TOKEN: Final = re.compile(r"\w+(?:[-.'’]\w+)*")
_POSSESSIVE: Final = ("'s", "’s")
_CLASSES: Final = Path(__file__).parent / "data" / "topic_words.yaml"
_MIX_LEFT: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_RIGHT: Final = np.uint64(0xC2B2AE3D27D4EB4F)

Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ArticleFeatures:
    """Features of one article by sentence; arrays of equal length pair a sentence's number with a feature's.

    ``grams`` and ``gram_sentences`` are sorted and distinct; so are ``rows`` (into the word table) and their sentences.
    ``classes`` is (sentences, 64) and ``phrases`` (sentences, patterns), both of 0 and 1; ``opinions`` (sentences,
    topics) is the phrase baseline's probability.
    """

    grams: npt.NDArray[np.int64]
    gram_sentences: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    row_sentences: npt.NDArray[np.int64]
    classes: npt.NDArray[np.float32]
    phrases: npt.NDArray[np.float32]
    opinions: npt.NDArray[np.float32]

    def article_opinions(self) -> npt.NDArray[np.float32]:
        """Return (3 x topics): strongest sentence, ln(1 + sum over sentences), strongest of the first two."""
        whole = self.opinions
        return np.concatenate([whole.max(axis=0), np.log1p(whole.sum(axis=0)), whole[:2].max(axis=0)])

    def sentence_opinions(self) -> npt.NDArray[np.float32]:
        """Return (sentences, 3 x topics): the sentence, the article's strongest, the strongest of its first two."""
        sentences, topics = self.opinions.shape
        joined = np.empty((sentences, 3, topics), np.float32)
        joined[:, 0] = self.opinions
        joined[:, 1] = self.opinions.max(axis=0)
        joined[:, 2] = self.opinions[:2].max(axis=0)
        return joined.reshape(sentences, -1)


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

    @classmethod
    def default(cls) -> Self:
        """Return the packaged classes."""
        return cls(_load_classes())

    def bits(self, word: str) -> int:
        """Return the classes of a lower-case word as a bit mask."""
        found = self._exact.get(word, 0)
        for length in range(3, len(word) + 1):
            found |= self._stems.get(word[:length], 0)
        return found


@cache
def _load_classes() -> dict[str, str]:
    loaded: dict[str, str] = yaml.safe_load(_CLASSES.read_text("utf-8"))
    return loaded


class WordTable:
    """Everything that depends on a single word, computed at its first sight and kept in growing arrays.

    Bounded: after 60,000 distinct words it starts afresh, so a hostile stream costs time, never memory.
    """

    def __init__(self, classes: WordClasses, patterns: Sequence[Pattern]) -> None:
        """Start empty."""
        self.generation = 0
        self._classes = classes
        self.index = PatternIndex(patterns)
        self.reset()

    def reset(self) -> None:
        """Forget every word; row numbers of an earlier ``generation`` mean nothing any more."""
        self.generation += 1
        self.rows: dict[str, int] = {}
        self.words: list[str] = []
        self.hashes = np.zeros(1024, np.uint64)
        self.class_bits = np.zeros(1024, np.uint64)
        self.opened: list[int] = []
        self.closed: list[int] = []

    def look_up(self, tokens: Sequence[str]) -> list[int]:
        """Return each token's row, adding rows for words not seen before."""
        found = list(map(self.rows.get, tokens))
        if None not in found:
            return found  # type: ignore[return-value]
        return [self._add(token) if row is None else row for token, row in zip(tokens, found, strict=True)]

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
        opened, closed = self.index.ends(token)
        self.opened.append(opened)
        self.closed.append(closed)
        return row

    def _grow(self) -> None:
        size = 2 * len(self.hashes)
        self.hashes = np.resize(self.hashes, size)
        self.class_bits = np.resize(self.class_bits, size)

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
        """Return the features of the sentences given by half-open offsets into ``text``."""
        table = self.table
        if table.is_full:
            table.reset()
        tokens = [_TOKEN.findall(text[start:end].lower()) for start, end in sentences]
        by_sentence = [table.look_up(part) for part in tokens]
        counts = np.fromiter(map(len, by_sentence), np.int64, len(by_sentence))
        rows = np.fromiter(chain.from_iterable(by_sentence), np.int64, int(counts.sum()))
        owner = np.repeat(np.arange(len(by_sentence)), counts)
        grams, gram_sentences = _distinct(*_grams(table.hashes[rows], owner), WORD_BITS)
        phrases = self._phrase_matrix(text, sentences, by_sentence)
        return ArticleFeatures(
            grams,
            gram_sentences,
            *_distinct(rows, owner, 32),
            self._class_matrix(rows, owner, len(by_sentence)),
            phrases,
            (1 - np.exp(phrases @ self._miss)) * np.exp(phrases @ self._guard),
        )

    def _class_matrix(self, rows: Ints, owner: Ints, count: int) -> npt.NDArray[np.float32]:
        bits = np.zeros(count, np.uint64)
        if len(rows):
            starts = np.flatnonzero(first_of_each(owner))
            bits[owner[starts]] = np.bitwise_or.reduceat(self.table.class_bits[rows], starts)
        unpacked = np.unpackbits(bits.astype("<u8").view(np.uint8).reshape(count, 8), axis=1, bitorder="little")
        return unpacked.astype(np.float32)

    def _phrase_matrix(
        self, text: str, sentences: Sequence[tuple[int, int]], by_sentence: Sequence[Sequence[int]]
    ) -> npt.NDArray[np.float32]:
        found = np.zeros((len(sentences), self.pattern_count), np.float32)
        opened, closed = self.table.opened, self.table.closed
        for number, rows in enumerate(by_sentence):
            if reduce(or_, map(opened.__getitem__, rows), 0) & reduce(or_, map(closed.__getitem__, rows), 0):
                found[number, list(self.table.index.find(text, *sentences[number]))] = 1.0
        return found


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
