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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from worker.enrich.phrase_search import PhraseSearch
from worker.enrich.phrase_topics import Rule, compile_pattern, packaged_rules
from worker.enrich.runs import RunTable
from worker.enrich.topic_words import Article, SentenceWords
from worker.enrich.word_table import MAX_CLASSES, WordClasses, WordTable

WORD_BITS: Final = 17
CLASSES: Final = MAX_CLASSES + 3
"""The word classes, then: a country, two countries, a weapon is named."""
PAIRS: Final = CLASSES * (CLASSES - 1) // 2
_ROW_BITS: Final = 32
_SMALL_KEYS: Final = 1 << 32
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


class FeatureExtractor:
    """Turns text and sentence offsets into `ArticleFeatures`."""

    def __init__(
        self, classes: WordClasses, rules: Sequence[Rule], words: Mapping[str, str], runs: RunTable | None = None
    ) -> None:
        """Use these word classes and phrase rules; their order is the order of the weights.

        `runs` may be another reader's of the same texts.
        """
        self.classes = classes
        self.pattern_count = len(rules)
        self.table = WordTable(classes, [compile_pattern(rule.pattern, words) for rule in rules])
        self._words = SentenceWords(self.table, runs)
        self._search = PhraseSearch(self.table)
        topics = list(dict.fromkeys(rule.topic for rule in rules))
        self._miss = np.zeros((len(rules), len(topics)), np.float32)
        self._guard = np.zeros_like(self._miss)
        for row, rule in enumerate(rules):
            table = self._guard if rule.is_guard else self._miss
            table[row, topics.index(rule.topic)] = np.log1p(-min(rule.weight, 0.99))

    @classmethod
    def default(cls, runs: RunTable | None = None) -> Self:
        """Return an extractor over the packaged classes and patterns."""
        words, rules = packaged_rules()
        return cls(WordClasses.default(), rules, words, runs)

    def extract(self, text: str, sentences: Sequence[tuple[int, int]]) -> ArticleFeatures:
        """Return the features of one article and of its sentences, given by half-open offsets into ``text``."""
        return self.extract_all([(text, sentences)])

    def extract_all(self, articles: Sequence[Article]) -> ArticleFeatures:
        """Return the features of articles, none of them without sentences, and of all their sentences."""
        counts = np.array([len(sentences) for _, sentences in articles])
        article_of, starts = np.repeat(np.arange(len(articles)), counts), np.cumsum(counts) - counts
        places = [(text, start, end) for text, sentences in articles for start, end in sentences]
        tokens = self._words.read(articles)
        rows, owners = tokens.rows, tokens.owners
        grams, gram_owners = _distinct(*_grams(self.table.hashes[rows], owners), WORD_BITS)
        classes, phrases = (
            self._class_matrix(rows, owners, len(places)),
            np.zeros((len(places), self.pattern_count), np.float32),
        )
        phrases[self._search.find(places, tokens)] = 1.0
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


def _grams(hashes: npt.NDArray[np.uint64], owner: Ints) -> tuple[Ints, Ints]:
    shift = np.uint64(64 - WORD_BITS)
    with np.errstate(over="ignore"):
        single = (hashes * _MIX_LEFT) >> shift
        pair = ((hashes[:-1] * _MIX_RIGHT + hashes[1:]) * _MIX_LEFT) >> shift
    inside = owner[:-1] == owner[1:]
    grams = np.concatenate([single, pair[inside]]).astype(np.int64)
    return grams, np.concatenate([owner, owner[:-1][inside]])


def _distinct(values: Ints, owner: Ints, bits: int) -> tuple[Ints, Ints]:
    keys = owner << bits | values
    if len(keys) and int(owner.max()) + 1 << bits <= _SMALL_KEYS:  # sorted in half the time
        keys = np.sort(keys.astype(np.uint32)).astype(np.int64)
    else:
        keys.sort()
    keys = keys[first_of_each(keys)]
    return keys & ((1 << bits) - 1), keys >> bits


def first_of_each(ordered: Ints) -> npt.NDArray[np.bool_]:
    """Return whether each of the sorted values differs from the one before."""
    first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first
