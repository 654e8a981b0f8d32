"""The learnt topic classifier: every sentence in its article, and the article, scored in one pass of numpy.

Owns the weights' file format and the arithmetic from features to calibrated probabilities with evidence. Does not own
the features (`worker.enrich.topic_features`) nor the recipe (``training/topics.py``).

Two linear heads share the features: one reads the article as a whole, one reads a sentence beside the word classes of
its article; pairs of word classes count where both stand in one sentence. An article's log-odds are a per-topic linear mix of

    article head, strongest sentence, second strongest sentence, first sentence

and its evidence are the sentences whose own calibrated probability is highest.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from worker.enrich.phrase_topics import packaged_rules
from worker.enrich.runs import RunTable
from worker.enrich.topic_features import (
    CLASSES,
    PAIRS,
    ArticleFeatures,
    FeatureExtractor,
    Features,
    first_of_each,
    pairs_of_articles,
    pairs_of_sentences,
)
from worker.enrich.topic_result import MAX_EVIDENCE, Evidence, TopicResult
from worker.enrich.word_shapes import SHAPE_BITS, shapes_of
from worker.errors import ModelError

__all__ = ["PACKAGED_MODEL", "Evidence", "TopicClassifier", "TopicModelError", "TopicResult"]

PACKAGED_MODEL: Final = Path(__file__).parent / "en_tocsin_news_topics"
FORMAT: Final = 2
_EVIDENCE_SHARE: Final = 0.4
_SENTENCES_AT_ONCE: Final = 1_000
_WORDS_AT_ONCE: Final = 1_000
_DIGITS: Final = 5
_SKETCH_BITS: Final = 12
_SKETCH_CLASS_SCALE: Final = 0.2
_SKETCH_TOPIC_SCALE: Final = 0.08

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


class TopicModelError(ModelError):
    """A topic model that cannot be used; ``path`` is its folder."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"topic model {path.name}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TopicWeights:
    """Weights of both heads side by side: columns 0..T-1 read the article, T..2T-1 a sentence.

    ``grams`` is (2**17, 2T) and ``shapes`` (2**16, 2T), 8-bit, each already multiplied by idf and to be multiplied by
    its ``*_scale`` (2T); ``*_norm`` hold the squared idf of each bucket. ``classes`` (67, 2T), ``pairs`` (67 x 66 / 2, 2T) of
    every two classes in the order of the upper triangle, ``phrases`` (P, 2T), ``context`` (67, T) for the sentence head only, ``opinions`` (3T, 2T), ``bias`` (2T), ``mix`` (T, 5) with the intercept last,
    ``sentence_calibration`` (T, 2) slope and intercept. ``background_*`` are news items as hashed n-grams (the items'
    ends in one run of buckets) and their dense sketch parts, what a watchlist's own topic is told apart from.
    """

    grams: npt.NDArray[np.int8]
    grams_scale: Floats
    grams_norm: Floats
    shapes: npt.NDArray[np.int8]
    shapes_scale: Floats
    shapes_norm: Floats
    classes: Floats
    pairs: Floats
    phrases: Floats
    context: Floats
    opinions: Floats
    bias: Floats
    mix: Floats
    sentence_calibration: Floats
    background_grams: npt.NDArray[np.int32]
    background_ends: npt.NDArray[np.int32]
    background_dense: npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class _Head:
    """One head's columns of the weights; ``scale`` is that of its ``grams``."""

    columns: slice
    grams: npt.NDArray[np.int8]
    scale: Floats
    classes: Floats
    phrases: Floats
    opinions: Floats
    bias: Floats


class TopicClassifier:
    """Scores articles for the built-in topics."""

    def __init__(
        self,
        weights: TopicWeights,
        topics: Sequence[str],
        thresholds: dict[str, float],
        extractor: FeatureExtractor | None = None,
    ) -> None:
        """Use ``weights`` for ``topics`` in that order; ``thresholds`` are the shipped alert thresholds."""
        self.topics: tuple[str, ...] = tuple(topics)
        self.thresholds: dict[str, float] = dict(thresholds)
        self.weights = weights
        self.extractor = extractor or FeatureExtractor.default()
        self._shape_scores = np.zeros((1024, weights.shapes.shape[1] + 1), np.float32)
        self._shape_words = (0, 0)
        width = len(self.topics)
        self._article, self._sentence = _head(weights, slice(0, width)), _head(weights, slice(width, 2 * width))
        self._article_pairs = both_sides(weights.pairs[:, :width]).reshape(CLASSES**2, width)
        self._sentence_pairs = both_sides(weights.pairs[:, width:])
        self._background: Floats | None = None

    @classmethod
    def load(cls, path: str | Path = PACKAGED_MODEL, *, runs: RunTable | None = None) -> Self:
        """Read ``meta.json`` and ``weights.npz`` from a folder; raises `TopicModelError` when they do not fit.

        `runs` may be another reader's of the same texts.
        """
        folder = Path(path)
        try:
            meta = json.loads((folder / "meta.json").read_text("utf-8"))
            with np.load(folder / "weights.npz", allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, KeyError) as error:
            raise TopicModelError(folder, "meta.json or weights.npz cannot be read") from error
        weights = _check(folder, meta, arrays)
        thresholds = {topic: float(value) for topic, value in meta["thresholds"].items()}
        return cls(weights, meta["topics"], thresholds, FeatureExtractor.default(runs))

    def score(self, text: str, sentences: Sequence[tuple[int, int]], *, least: float = 0.0) -> list[TopicResult]:
        """Return the topics of an article, most probable first, each with one to four evidence sentences.

        ``sentences`` are half-open offsets into ``text``, the title first. Every topic is scored, those of at least
        ``least`` are returned; an article without sentences has none.
        """
        return self.score_all([(text, sentences)], least=least)[0]

    def score_all(
        self, articles: Sequence[tuple[str, Sequence[tuple[int, int]]]], *, least: float = 0.0
    ) -> list[list[TopicResult]]:
        """Do as `score` for each of the articles, in order; many at once cost a third less than one at a time."""
        found: list[list[TopicResult]] = [[] for _ in articles]
        for numbers in _portions([len(sentences) for _, sentences in articles]):
            odds, by_sentence, article_of = self._log_odds([articles[i] for i in numbers])
            starts = np.flatnonzero(first_of_each(article_of))
            probabilities = _sigmoid(self.mix(odds, by_sentence, starts)).astype(float).round(_DIGITS)
            calibration = self.weights.sentence_calibration
            evidence = _sigmoid(by_sentence * calibration[:, 0] + calibration[:, 1])
            for number, article, shown in zip(numbers, probabilities, np.split(evidence, starts[1:]), strict=True):
                found[number] = self._results(article, shown, articles[number][1], least)
        return found

    def _results(
        self, probabilities: Doubles, evidence: Floats, sentences: Sequence[tuple[int, int]], least: float
    ) -> list[TopicResult]:
        order = [topic for topic in np.argsort(-probabilities, kind="stable").tolist() if probabilities[topic] >= least]
        return [
            TopicResult(self.topics[topic], float(probabilities[topic]), _pick(evidence[:, topic], sentences))
            for topic in order
        ]

    def log_odds(self, text: str, sentences: Sequence[tuple[int, int]]) -> tuple[Floats, Floats]:
        """Return the article head's (T,) and the sentence head's (sentences, T) raw log-odds."""
        article, by_sentence, _ = self._log_odds([(text, sentences)])
        return article[0], by_sentence

    def _log_odds(
        self, articles: Sequence[tuple[str, Sequence[tuple[int, int]]]]
    ) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
        """Return both heads' log-odds, (articles, T) and (all sentences, T), and the number of each sentence's article."""
        features = self.extractor.extract_all(articles)
        return *self._heads(features), features.article_of

    def _heads(self, features: ArticleFeatures) -> tuple[Floats, Floats]:
        classes, article_of = features.sentences.classes, features.article_of
        articles, sentences = (
            self._odds(self._article, features.articles),
            self._odds(self._sentence, features.sentences),
        )
        articles += pairs_of_articles(classes, article_of) @ self._article_pairs
        sentences += pairs_of_sentences(classes, self._sentence_pairs)
        sentences += (features.articles.classes @ self.weights.context)[article_of]
        return articles, sentences

    def _odds(self, head: _Head, features: Features) -> Floats:
        """Return one head's log-odds of articles or of sentences, (texts, T)."""
        count = len(features.classes)
        grams = np.take(head.grams, features.grams, axis=0).astype(np.float32)
        odds = (
            _normalised(grams, np.take(self.weights.grams_norm, features.grams), features.gram_owners, count)
            * head.scale
        )
        shapes = np.take(self._shapes(), features.rows, axis=0)
        odds += _normalised(shapes[:, head.columns], shapes[:, -1], features.row_owners, count)
        odds += features.classes @ head.classes + features.phrases @ head.phrases
        odds += features.opinions @ head.opinions + head.bias
        return odds

    def mix(self, articles: Floats, by_sentence: Floats, starts: Ints) -> Floats:
        """Join both heads into the articles' calibrated log-odds, (articles, T); ``starts`` are their first sentences."""
        joined: Floats = (mix_inputs(articles, by_sentence, starts) * self.weights.mix).sum(axis=2)
        return joined

    def sketch_article(self, text: str, sentences: Sequence[tuple[int, int]]) -> Floats:
        """Return (1 + sentences, D): a dense vector for the whole article, then one per sentence.

        The first 2**12 places hold the idf-weighted, length-normalised n-grams folded with signs, the rest scaled word
        classes and topic log-odds; a dot product of two vectors is their similarity.
        """
        features = self.extractor.extract(text, sentences)
        article, by_sentence = self._heads(features)
        whole, parts = features.articles, features.sentences
        folded = self._fold(
            np.concatenate([whole.grams, parts.grams]),
            np.concatenate([whole.gram_owners, parts.gram_owners + 1]),
            len(sentences) + 1,
        )
        classes = np.vstack([whole.classes, parts.classes])
        return np.hstack([folded, sketch_dense(classes, np.vstack([article, by_sentence]))])

    def background(self) -> Floats:
        """Return the sketches of the packaged background items, (items, D); computed once."""
        if self._background is None:
            weights = self.weights
            owner = np.repeat(np.arange(len(weights.background_ends)), np.diff(weights.background_ends, prepend=0))
            folded = self._fold(weights.background_grams.astype(np.int64), owner, len(weights.background_ends))
            self._background = np.hstack([folded, weights.background_dense.astype(np.float32)])
        return self._background

    def _fold(self, grams: npt.NDArray[np.int64], owner: npt.NDArray[np.int64], count: int) -> Floats:
        squared = self.weights.grams_norm[grams]
        sign = 1.0 - 2.0 * ((grams >> _SKETCH_BITS) & 1)
        place = owner << _SKETCH_BITS | grams & ((1 << _SKETCH_BITS) - 1)
        size = count << _SKETCH_BITS
        folded = np.bincount(place, np.sqrt(squared) * sign, size).reshape(count, -1).astype(np.float32)
        length = np.sqrt(np.bincount(owner, squared, count)).astype(np.float32)[:, None]
        return np.asarray(folded / np.where(length > 0, length, 1), np.float32)

    def _shapes(self) -> Floats:
        """Return each word's summed shape weights and, last, their squared norm; extended as words arrive."""
        table = self.extractor.table
        generation, known = self._shape_words
        if generation != table.generation:
            known = 0
        if len(table.words) > len(self._shape_scores):
            self._shape_scores = np.resize(self._shape_scores, (2 * len(table.words), self._shape_scores.shape[1]))
        for start in range(known, len(table.words), _WORDS_AT_ONCE):
            words = table.words[start : start + _WORDS_AT_ONCE]
            self._shape_scores[start : start + len(words)] = self._shape_rows(words)
        self._shape_words = (table.generation, len(table.words))
        return self._shape_scores

    def _shape_rows(self, words: Sequence[str]) -> Floats:
        buckets, owners = shapes_of(words)
        starts = np.flatnonzero(first_of_each(owners))
        sums = np.add.reduceat(np.take(self.weights.shapes, buckets, axis=0), starts, dtype=np.float32)
        norms = _sums(np.take(self.weights.shapes_norm, buckets), starts)
        return np.hstack([sums * self.weights.shapes_scale, norms[:, None]])


def mix_inputs(articles: Floats, by_sentence: Floats, starts: Ints) -> Floats:
    """Return (articles, T, 5): article head, strongest and second sentence, first sentence, 1.

    ``starts`` are the articles' first sentences; a single sentence is its article's second strongest, too.
    """
    strongest = np.maximum.reduceat(by_sentence, starts)
    counts = np.diff(starts, append=len(by_sentence))
    is_strongest = by_sentence == np.repeat(strongest, counts, axis=0)
    others = np.maximum.reduceat(np.where(is_strongest, -np.inf, by_sentence), starts)
    is_shared = (np.add.reduceat(is_strongest, starts, dtype=np.int64) > 1) | (counts == 1)[:, None]
    inputs = np.ones((*articles.shape, 5), np.float32)
    inputs[..., 0], inputs[..., 1] = articles, strongest
    inputs[..., 2], inputs[..., 3] = np.where(is_shared, strongest, others), by_sentence[starts]
    return inputs


def both_sides(pairs: Floats) -> Floats:
    """Spread the weights of pairs, (upper triangle, T), over both sides of the diagonal, (classes, classes, T)."""
    spread = np.zeros((CLASSES, CLASSES, pairs.shape[1]), np.float32)
    spread[np.triu_indices(CLASSES, 1)] = pairs / 2
    return spread + spread.transpose(1, 0, 2)


def sketch_dense(classes: Floats, log_odds: Floats) -> Floats:
    """Return the dense part of a sketch, (rows, classes + topics)."""
    topics = np.clip(log_odds, -6, 6) * _SKETCH_TOPIC_SCALE
    return np.hstack([classes * _SKETCH_CLASS_SCALE, topics]).astype(np.float32)


def _check(folder: Path, meta: dict[str, object], arrays: dict[str, npt.NDArray[np.generic]]) -> TopicWeights:
    if meta.get("format") != FORMAT:
        raise TopicModelError(folder, f"format {meta.get('format')}, this version reads {FORMAT}")
    if meta.get("patterns") != len(packaged_rules()[1]):
        raise TopicModelError(folder, "it was trained with other phrase patterns")
    missing = sorted(set(TopicWeights.__slots__) - set(arrays))
    if missing:
        raise TopicModelError(folder, f"weights.npz lacks {', '.join(missing)}")
    if (len(arrays["shapes"]), len(arrays["pairs"])) != (1 << SHAPE_BITS, PAIRS):
        raise TopicModelError(folder, "its sizes are not those of this version")
    return TopicWeights(**{name: arrays[name] for name in TopicWeights.__slots__})  # type: ignore[arg-type]


def _head(weights: TopicWeights, columns: slice) -> _Head:
    return _Head(
        columns,
        np.ascontiguousarray(weights.grams[:, columns]),
        *(
            np.ascontiguousarray(part[..., columns])
            for part in (weights.grams_scale, weights.classes, weights.phrases, weights.opinions, weights.bias)
        ),
    )


def _portions(counts: Sequence[int]) -> Iterator[list[int]]:
    """Yield the numbers of articles with sentences, in runs of about a thousand sentences: memory stays bounded."""
    numbers: list[int] = []
    held = 0
    for number, count in enumerate(counts):
        if numbers and held + count > _SENTENCES_AT_ONCE:
            yield numbers
            numbers, held = [], 0
        if count:
            numbers.append(number)
            held += count
    if numbers:
        yield numbers


def _normalised(values: Floats, squares: Floats, owner: npt.NDArray[np.int64], count: int) -> Floats:
    """Sum rows by their owner's number and divide by the root of the sum of the squares.

    Owners are sorted; of those that own nothing, or nothing that counts, nothing is left.
    """
    summed, norm = np.zeros((count, values.shape[1]), np.float32), np.zeros((count, 1), np.float32)
    if len(owner):
        starts = np.flatnonzero(first_of_each(owner))
        summed[owner[starts]] = np.add.reduceat(values, starts, axis=0)
        norm[owner[starts], 0] = np.sqrt(np.add.reduceat(squares, starts))
    norm[norm == 0] = 1
    return np.asarray(summed / norm, np.float32)


def _sums(values: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    """Sum the runs that begin at ``starts``, none of them empty, to the same bits as each run's own ``sum``."""
    lengths = np.diff(starts, append=len(values))
    summed = np.empty(len(starts), np.float32)
    for length in np.unique(lengths).tolist():
        runs = np.flatnonzero(lengths == length)
        summed[runs] = values[starts[runs][:, None] + np.arange(length)].sum(axis=1)
    return summed


def _sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30))), np.float32)


def _pick(probabilities: Floats, sentences: Sequence[tuple[int, int]]) -> tuple[Evidence, ...]:
    """Return the strongest sentences: the first always, others down to 0.4 of its probability."""
    order = np.argsort(-probabilities, kind="stable")[:MAX_EVIDENCE].tolist()
    least = probabilities[order[0]] * _EVIDENCE_SHARE
    return tuple((*sentences[i], round(float(probabilities[i]), _DIGITS)) for i in order if probabilities[i] >= least)
