"""A watchlist's own topic, compiled from a description, weighted phrases and a handful of examples.

Owns the small model behind one such topic and its leave-one-out figures. Does not own the configuration it is read
from, nor the features and background, which are those of the built-in model.

Two opinions are joined by noisy-or, p = 1 - (1 - p_phrases)(1 - p_examples):

- phrases: as in the baseline, a weight is the chance that the topic holds given the match; a weight below zero scales
  the sentence's probability down by its size;
- examples: a kernel logistic regression of the examples against a bank of background news (hashed features only),
  over the built-in model's n-grams, word classes and topic log-odds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.enrich.phrase_topics import PatternError, PatternIndex, compile_pattern
from worker.enrich.sentences import split_sentences
from worker.enrich.topic_result import Evidence, TopicResult, strongest
from worker.enrich.topics import Floats, TopicClassifier

THRESHOLD: Final = 0.5
_REPORTED: Final = 0.02
_RIDGE: Final = 0.03
_STEPS: Final = 25
_LEAST_GAP: Final = 0.1
_BACKGROUND_WEIGHT: Final = 1.5
"""The whole background counts as much as this many times the positive examples."""
_DESCRIPTION_WEIGHT: Final = 0.5


@cache
def _packaged_classifier() -> TopicClassifier:
    return TopicClassifier.load()


@dataclass(frozen=True, slots=True)
class _Example:
    text: str
    label: float
    weight: float


@dataclass(frozen=True, slots=True)
class _Machine:
    """log-odds(x) = x . ``weights`` + ``bias`` over sketches of `TopicClassifier`."""

    weights: Floats
    bias: float

    def log_odds(self, sketches: Floats) -> Floats:
        return np.asarray(sketches @ self.weights + self.bias, np.float32)


class UserTopic:
    """A compiled topic; make one with `compile_topic`."""

    def __init__(
        self,
        name: str,
        phrases: Mapping[str, float],
        examples: Sequence[_Example],
        classifier: TopicClassifier,
    ) -> None:
        """Compile the phrases and fit the examples; raises `PatternError` on a bad phrase or weight."""
        self.name = name
        self.threshold = THRESHOLD
        self._weights = [_checked_weight(source, weight) for source, weight in phrases.items()]
        self._index = PatternIndex([compile_pattern(source) for source in phrases])
        self._classifier = classifier
        self._examples = tuple(examples)
        self._sketches = [_sketch(classifier, example.text) for example in examples]
        self._machine = _fit(self._sketches, self._examples, classifier.background())

    def score(self, text: str, sentences: Sequence[tuple[int, int]]) -> TopicResult | None:
        """Return the topic's probability and its one to four strongest sentences, or None below 0.02.

        ``sentences`` are half-open offsets into ``text``.
        """
        if not sentences:
            return None
        return self._score(text, sentences, self._machine)

    def evaluate(self) -> dict[str, float | int]:
        """Return leave-one-out figures over the topic's own examples.

        Keys: ``positives``, ``negatives``, ``precision``, ``recall``, ``f1`` at the threshold, ``average_precision``
        and ``phrases_recall``, the share of positive examples the phrases alone would find. A figure without a
        defined value is 0.
        """
        chosen = [number for number, example in enumerate(self._examples) if example.weight == 1.0]
        labels = np.array([self._examples[number].label for number in chosen])
        scores = np.array([self._leave_out(number) for number in chosen])
        phrases = np.array([self._phrases_of(self._examples[number].text) for number in chosen])
        return _figures(labels, scores, phrases)

    def _score(self, text: str, sentences: Sequence[tuple[int, int]], machine: _Machine) -> TopicResult | None:
        learnt = _sigmoid(machine.log_odds(self._classifier.sketch_article(text, sentences)))
        evidence: list[Evidence] = []
        for number, (start, end) in enumerate(sentences):
            by_phrase, guard = self._phrase_probability(text, start, end)
            probability = (1 - (1 - by_phrase) * (1 - float(learnt[number + 1]))) * guard
            evidence.append((start, end, probability))
        chosen = strongest(evidence)
        guard = min(self._phrase_probability(text, start, end)[1] for start, end in sentences)
        probability = max(chosen[0][2], float(learnt[0]) * guard)
        if probability < _REPORTED:
            return None
        kept = tuple(sentence for sentence in chosen if sentence[2] >= 0.4 * chosen[0][2])
        return TopicResult(self.name, min(probability, 0.99), kept)

    def _phrase_probability(self, text: str, start: int, end: int) -> tuple[float, float]:
        """Return the phrases' noisy-or and the product of the guards."""
        miss = guard = 1.0
        for number in sorted(self._index.find(text, start, end)):
            weight = self._weights[number]
            if weight >= 0:
                miss *= 1 - weight
            else:
                guard *= 1 + weight
        return 1 - miss, guard

    def _phrases_of(self, text: str) -> float:
        found = [self._phrase_probability(text, start, end) for start, end in split_sentences(text)]
        return max((value * guard for value, guard in found), default=0.0)

    def _leave_out(self, number: int) -> float:
        rest = [index for index in range(len(self._examples)) if index != number]
        machine = _fit(
            [self._sketches[i] for i in rest],
            [self._examples[i] for i in rest],
            self._classifier.background(),
        )
        text = self._examples[number].text
        result = self._score(text, split_sentences(text), machine)
        return result.probability if result else 0.0


def compile_topic(  # noqa: PLR0913  one argument per field of a watchlist's topic
    name: str,
    description: str,
    phrases: Mapping[str, float],
    positive: Sequence[str],
    negative: Sequence[str],
    *,
    classifier: TopicClassifier | None = None,
) -> UserTopic:
    """Compile a watchlist's own topic.

    ``phrases`` map patterns (``"*"`` at a word's end after three letters, ``"a|b"``, ``"~4"`` for a gap) to weights in
    -1..1. ``positive`` and ``negative`` are example texts; the description counts as half a positive example once there
    is a positive one. ``classifier`` lends features and background, by default the packaged one. Raises `PatternError`
    for a bad phrase or weight and ValueError when there is nothing to learn from.
    """
    positives = [_Example(text, 1.0, 1.0) for text in positive if text.strip()]
    negatives = [_Example(text, 0.0, 1.0) for text in negative if text.strip()]
    described = [_Example(description, 1.0, _DESCRIPTION_WEIGHT)] if positives and description.strip() else []
    if not positives and not any(weight > 0 for weight in phrases.values()):
        message = f"topic {name!r} has neither a phrase of positive weight nor a positive example"
        raise ValueError(message)
    return UserTopic(name, phrases, [*positives, *negatives, *described], classifier or _packaged_classifier())


def _checked_weight(source: str, weight: float) -> float:
    if not -1.0 <= weight <= 1.0:
        raise PatternError(source, f"weight {weight} is outside -1..1")
    return float(weight)


def _sketch(classifier: TopicClassifier, text: str) -> Floats:
    whole: Floats = classifier.sketch_article(text, split_sentences(text))[0]
    return whole


def _fit(sketches: Sequence[Floats], examples: Sequence[_Example], background: Floats) -> _Machine:
    """Fit by Newton's method on the dual variables: minimise weighted log-loss + ridge / 2 x a'Ka."""
    positives = sum(example.weight for example in examples if example.label)
    if not positives:
        return _Machine(np.zeros(background.shape[1], np.float32), -np.inf)
    support = np.vstack([*sketches, background])
    labels = np.array([*(example.label for example in examples), *[0.0] * len(background)])
    share = _BACKGROUND_WEIGHT * positives / max(len(background), 1)
    weights = np.array([*(example.weight for example in examples), *[share] * len(background)])
    duals, bias, held_out = _newton(np.asarray(support @ support.T, np.float64), labels, weights)
    cut, slope = _calibrate(held_out, labels, len(examples))
    return _Machine(np.asarray(slope * (duals @ support), np.float32), slope * (bias - cut))


def _calibrate(held_out: npt.NDArray[np.float64], labels: npt.NDArray[np.float64], count: int) -> tuple[float, float]:
    """Return the margin that means 0.5 and the slope, from margins of items that did not see themselves.

    The cut lies 0.4 of the way from the background's 99.5th percentile to the mean of the positive examples, where the
    probability is 0.95 unless that needs a slope above 3: slope = 3 / (mean - cut).
    """
    high, low = (
        float(held_out[:count][labels[:count] > 0].mean()),
        float(np.quantile(held_out[count:], 0.995)),
    )
    if high - low < _LEAST_GAP:
        return low + _LEAST_GAP, 1.0
    cut = low + 0.4 * (high - low)
    return cut, min(3.0, 3.0 / (high - cut))


def _newton(
    kernel: npt.NDArray[np.float64], labels: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], float, npt.NDArray[np.float64]]:
    """Solve (K + ridge / h) a + b = z by reweighted least squares, h = w p (1 - p).

    Returns duals, bias and each item's margin had it been left out, z - a / diag(inverse of the system).
    """
    count = len(labels)
    duals, target, bias = np.zeros(count), np.zeros(count), 0.0
    system = np.ones((count + 1, count + 1))
    system[-1, -1] = 0.0
    for _ in range(_STEPS):
        margin = kernel @ duals + bias
        p = 1 / (1 + np.exp(-np.clip(margin, -30, 30)))
        curvature = np.maximum(weights * p * (1 - p), 1e-6)
        target = margin + weights * (labels - p) / curvature
        system[:-1, :-1] = kernel + np.diag(_RIDGE / curvature)
        solved = np.linalg.solve(system, np.append(target, 0.0))
        step = float(np.abs(solved[:-1] - duals).max())
        duals, bias = solved[:-1], float(solved[-1])
        if step < 1e-5:  # noqa: PLR2004  far below what changes a probability
            break
    return duals, bias, target - duals / np.diag(np.linalg.inv(system))[:-1]


def _sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30))), np.float32)


def _figures(
    labels: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], phrases: npt.NDArray[np.float64]
) -> dict[str, float | int]:
    fired, wanted = scores >= THRESHOLD, labels > 0
    right = float((fired & wanted).sum())
    precision, recall = right / max(fired.sum(), 1), right / max(wanted.sum(), 1)
    ranked = wanted[np.argsort(-scores, kind="stable")]
    at_rank = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return {
        "positives": int(wanted.sum()),
        "negatives": int((~wanted).sum()),
        "precision": round(float(precision), 4),
        "recall": round(float(recall), 4),
        "f1": round(float(2 * precision * recall / max(precision + recall, 1e-9)), 4),
        "average_precision": round(float(at_rank[ranked].mean()), 4) if ranked.any() else 0.0,
        "phrases_recall": round(float((phrases[wanted] >= THRESHOLD).mean()), 4) if wanted.any() else 0.0,
    }
