"""The learnt topic classifier: every sentence in its article, and the article, scored in one pass of numpy.

Owns the weights' file format and the arithmetic from features to calibrated probabilities with evidence. Does not own
the features (`worker.enrich.topic_features`) nor the recipe (``training/topics.py``).

Two linear heads share the features: one reads the article as a whole, one reads a sentence beside the word classes of
its article. An article's log-odds are a per-topic linear mix of

    article head, strongest sentence, second strongest sentence, first sentence

and its evidence are the sentences whose own calibrated probability is highest.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from worker.enrich.phrase_topics import packaged_rules
from worker.enrich.topic_features import SHAPE_BITS, ArticleFeatures, FeatureExtractor, first_of_each, shape_buckets
from worker.enrich.topic_result import MAX_EVIDENCE, Evidence, TopicResult

__all__ = ["PACKAGED_MODEL", "Evidence", "TopicClassifier", "TopicModelError", "TopicResult"]

PACKAGED_MODEL: Final = Path(__file__).parent / "en_tocsin_news_topics"
FORMAT: Final = 1
_EVIDENCE_SHARE: Final = 0.4
_DIGITS: Final = 5
_SKETCH_BITS: Final = 12
_SKETCH_CLASS_SCALE: Final = 0.2
_SKETCH_TOPIC_SCALE: Final = 0.08

Floats: TypeAlias = npt.NDArray[np.float32]


class TopicModelError(ValueError):
    """A topic model that cannot be used; ``path`` is its folder."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"topic model {self.path.name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class TopicWeights:
    """Weights of both heads side by side: columns 0..T-1 read the article, T..2T-1 a sentence.

    ``grams`` is (2**17, 2T) and ``shapes`` (2**16, 2T), 8-bit, each already multiplied by idf and to be multiplied by
    its ``*_scale`` (2T); ``*_norm`` hold the squared idf of each bucket. ``classes`` (64, 2T), ``phrases`` (P, 2T),
    ``context`` (64, T) for the sentence head only, ``opinions`` (3T, 2T), ``bias`` (2T), ``mix`` (T, 5) with the intercept last,
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
        self._article, self._sentence = _head(weights, 0, width), _head(weights, width, 2 * width)
        self._background: Floats | None = None

    @classmethod
    def load(cls, path: str | Path = PACKAGED_MODEL) -> Self:
        """Read ``meta.json`` and ``weights.npz`` from a folder; raises `TopicModelError` when they do not fit."""
        folder = Path(path)
        try:
            meta = json.loads((folder / "meta.json").read_text("utf-8"))
            with np.load(folder / "weights.npz", allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, KeyError) as error:
            raise TopicModelError(folder, "meta.json or weights.npz cannot be read") from error
        weights = _check(folder, meta, arrays)
        return cls(weights, meta["topics"], {topic: float(value) for topic, value in meta["thresholds"].items()})

    def score(self, text: str, sentences: Sequence[tuple[int, int]], *, least: float = 0.0) -> list[TopicResult]:
        """Return the topics of an article, most probable first, each with one to four evidence sentences.

        ``sentences`` are half-open offsets into ``text``, the title first. Every topic is scored, those of at least
        ``least`` are returned; an article without sentences has none.
        """
        if not sentences:
            return []
        article, by_sentence = self.log_odds(text, sentences)
        probabilities = _sigmoid(self.mix(article, by_sentence)).astype(float).round(_DIGITS)
        order = [topic for topic in np.argsort(-probabilities, kind="stable").tolist() if probabilities[topic] >= least]
        calibration = self.weights.sentence_calibration[order]
        evidence = _sigmoid(by_sentence[:, order] * calibration[:, 0] + calibration[:, 1])
        return [
            TopicResult(self.topics[topic], float(probabilities[topic]), _pick(evidence[:, column], sentences))
            for column, topic in enumerate(order)
        ]

    def score_batch(self, articles: Iterable[tuple[str, Sequence[tuple[int, int]]]]) -> Iterable[list[TopicResult]]:
        """Score many articles, in order, lazily."""
        return (self.score(text, sentences) for text, sentences in articles)

    def log_odds(self, text: str, sentences: Sequence[tuple[int, int]]) -> tuple[Floats, Floats]:
        """Return the article head's (T,) and the sentence head's (sentences, T) raw log-odds."""
        return self._heads(self.extractor.extract(text, sentences), len(sentences))

    def _heads(self, features: ArticleFeatures, count: int) -> tuple[Floats, Floats]:
        shapes, width = self._shapes(), len(self.topics)
        classes, phrases = features.classes.max(axis=0), features.phrases.max(axis=0)
        head, norm = self._article, self.weights.grams_norm
        article = _scaled(_gather(_distinct(features.grams), head.grams, norm).sum(axis=0), head.scale)
        article += _normalised(shapes[_distinct(features.rows)].sum(axis=0))[:width]
        article += classes @ head.classes + phrases @ head.phrases + head.bias
        article += features.article_opinions() @ head.opinions
        head = self._sentence
        grams = _sum_by(_gather(features.grams, head.grams, norm), features.gram_sentences, count)
        by_sentence = _scaled(grams, head.scale)
        by_sentence += _normalised(_sum_by(shapes[features.rows], features.row_sentences, count))[:, width:]
        by_sentence += features.classes @ head.classes + features.phrases @ head.phrases
        by_sentence += features.sentence_opinions() @ head.opinions + (head.bias + classes @ self.weights.context)
        return article, by_sentence

    def mix(self, article: Floats, by_sentence: Floats) -> Floats:
        """Join both heads into the article's calibrated log-odds, (T,)."""
        joined: Floats = (mix_inputs(article, by_sentence) * self.weights.mix).sum(axis=1)
        return joined

    def sketch_article(self, text: str, sentences: Sequence[tuple[int, int]]) -> Floats:
        """Return (1 + sentences, D): a dense vector for the whole article, then one per sentence.

        The first 2**12 places hold the idf-weighted, length-normalised n-grams folded with signs, the rest scaled word
        classes and topic log-odds; a dot product of two vectors is their similarity.
        """
        features = self.extractor.extract(text, sentences)
        article, by_sentence = self._heads(features, len(sentences))
        grams, owner = features.grams, features.gram_sentences + 1
        whole = _distinct(grams)
        folded = self._fold(
            np.concatenate([whole, grams]), np.concatenate([np.zeros_like(whole), owner]), len(sentences) + 1
        )
        classes = np.vstack([features.classes.max(axis=0, initial=0), features.classes])
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
        for row in range(known, len(table.words)):
            if row >= len(self._shape_scores):
                self._shape_scores = np.resize(self._shape_scores, (2 * row, self._shape_scores.shape[1]))
            self._shape_scores[row] = self._shape_row(table.words[row])
        self._shape_words = (table.generation, len(table.words))
        return self._shape_scores

    def _shape_row(self, word: str) -> Floats:
        buckets = shape_buckets(word)
        weights = self.weights
        row = weights.shapes[buckets].sum(axis=0, dtype=np.float32) * weights.shapes_scale
        return np.append(row, weights.shapes_norm[buckets].sum()).astype(np.float32)


def mix_inputs(article: Floats, by_sentence: Floats) -> Floats:
    """Return (T, 5): article head, strongest and second sentence, first sentence, 1."""
    top = np.sort(by_sentence, axis=0)
    inputs = np.ones((len(article), 5), np.float32)
    inputs[:, 0], inputs[:, 1], inputs[:, 2], inputs[:, 3] = article, top[-1], top[-2:][0], by_sentence[0]
    return inputs


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
    if arrays["shapes"].shape[0] != 1 << SHAPE_BITS:
        raise TopicModelError(folder, "its hash sizes are not those of this version")
    return TopicWeights(**{name: arrays[name] for name in TopicWeights.__slots__})  # type: ignore[arg-type]


def _head(weights: TopicWeights, first: int, stop: int) -> "_Head":
    columns = slice(first, stop)
    return _Head(
        np.ascontiguousarray(weights.grams[:, columns]),
        *(
            np.ascontiguousarray(part[..., columns])
            for part in (weights.grams_scale, weights.classes, weights.phrases, weights.opinions, weights.bias)
        ),
    )


def _distinct(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    ordered = np.sort(values)
    return ordered[first_of_each(ordered)]


def _gather(buckets: npt.NDArray[np.int64], table: npt.NDArray[np.int8], norm: Floats) -> Floats:
    """Return the rows of the buckets, (buckets, topics + 1): the squared norm last."""
    gathered = np.empty((len(buckets), table.shape[1] + 1), np.float32)
    gathered[:, :-1] = table[buckets]
    gathered[:, -1] = norm[buckets]
    return gathered


def _scaled(summed: Floats, scale: Floats) -> Floats:
    return _normalised(summed) * scale


def _sum_by(values: Floats, owner: npt.NDArray[np.int64], count: int) -> Floats:
    """Sum rows by their owner's number; owners are sorted, some may own nothing."""
    summed = np.zeros((count, values.shape[1]), np.float32)
    if len(owner):
        starts = np.flatnonzero(first_of_each(owner))
        summed[owner[starts]] = np.add.reduceat(values, starts, axis=0)
    return summed


def _normalised(summed: Floats) -> Floats:
    """Divide by the norm, whose square stands last; nothing is left of rows without any."""
    norm = np.sqrt(summed[..., -1:])
    norm[norm == 0] = 1
    return np.asarray(summed[..., :-1] / norm, np.float32)


def _sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30))), np.float32)


def _pick(probabilities: Floats, sentences: Sequence[tuple[int, int]]) -> tuple[Evidence, ...]:
    """Return the strongest sentences: the first always, others down to 0.4 of its probability."""
    order = np.argsort(-probabilities, kind="stable")[:MAX_EVIDENCE].tolist()
    least = probabilities[order[0]] * _EVIDENCE_SHARE
    return tuple((*sentences[i], round(float(probabilities[i]), _DIGITS)) for i in order if probabilities[i] >= least)
