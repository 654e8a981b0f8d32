"""The recipe of the built-in topic model: ``python -m training.topics --data ../shared/data --out <folder>``.

Owns what the model is trained on, the two heads' fits, the mix, the calibration, the thresholds and the files written.
Does not own features and scoring (``worker.enrich``) nor the figures (``training.evaluate_topics``). Deterministic:
liblinear with a fixed seed over features that hold no randomness.
"""

import argparse
import hashlib
import itertools
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags, hstack, vstack
from sklearn.linear_model import LogisticRegression

from worker.enrich.sentences import split_sentences
from worker.enrich.topic_features import (
    CLASSES,
    PAIRS,
    WORD_BITS,
    FeatureExtractor,
    pairs_of_articles,
)
from worker.enrich.topics import FORMAT, PACKAGED_MODEL, TopicWeights, mix_inputs, sketch_dense
from worker.enrich.word_shapes import SHAPE_BITS, shape_buckets
from worker.model import TOPICS

SEED: Final = 7
FOLDS: Final = 5
YARDSTICK: Final = ("sanctions-violation", "arms-transfer")
EXTRA_LABELS: Final = Path(__file__).parent / "data" / "topic_labels.jsonl"
EXAMPLES: Final = Path(__file__).parent / "data" / "topic_examples.jsonl"
"""Made-up news: title, sentences, and of each topic its salience and evidence by number, 0 the title."""
SCALED_BY_RATIO: Final = frozenset({"sanctions-violation", "sanctions-measure", "arms-transfer", "armed-conflict"})
"""The topics whose n-grams `class_ratio` scales; cyberattack, weapons-program and civil-unrest lose by it."""
TAUGHT_BY_EXAMPLE: Final = SCALED_BY_RATIO | {"civil-unrest"}
"""What the made-up news was written for, civil-unrest by two of its four writers; of other topics it shows too few sides."""
MADE_UP: Final = "made up"
COST: Final = 4.0
TOLERANCE: Final = 0.01
CLASS_SCALE: Final = 0.2
PAIR_SCALE: Final = 0.1
PHRASE_SCALE: Final = 0.3
CONTEXT_SCALE: Final = 0.1
OPINION_SCALE: Final = 0.3
MOST_RATIO: Final = 3.0
"""How many times the mean an n-gram's class ratio may weigh."""
UNMARKED_WEIGHT: Final = 0.3
"""A sentence of a positive article that is not marked as evidence may still show the topic."""
LONGEST_WORDS: Final = 600
"""Where the labelled articles were cut, as those of the development set are."""
LEAST_PRECISION: Final = 0.88
LEAST_RECALL: Final = 0.90
"""The bars of the yardstick topics: precision, and recall on articles largely about the topic."""
GRID: Final = np.linspace(0.25, 0.75, 51)
RESAMPLES: Final = 500
LATER_FROM: Final = "2023-03"
LATER_FOLDS: Final = 2
VERSION: Final = "5"
DEV_DRAWS: Final = frozenset({"drawn", "evasion", "thin", "random"})
BACKGROUND_ITEMS: Final = 600

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled article: ``evidence`` maps each topic to marked sentences, empty where none were marked."""

    id: str
    source: str
    date: str
    draw: str
    text: str
    sentences: tuple[tuple[int, int], ...]
    salience: dict[str, int]
    evidence: dict[str, tuple[int, ...]]
    unsure: frozenset[str]
    is_marked_fully: bool
    """Whether an unmarked sentence of a positive article was looked at, too."""


def load_items(data: Path) -> list[Item]:
    """Read ``topics/dev.jsonl`` and the repository's own labels of items of ``topics/unlabelled.jsonl``."""
    return load_dev(data) + load_extra(data)


def load_dev(data: Path) -> list[Item]:
    """Read the development items."""
    rows = _read_lines(data / "topics" / "dev.jsonl")
    return [
        Item(
            row["id"],
            publisher(row["source"]),
            row["date"],
            row["draw"],
            row["text"],
            tuple((start, end) for start, end in row["sents"]),
            {topic: mark["salience"] for topic, mark in row["topics"].items()},
            {topic: tuple(mark["evidence"]) for topic, mark in row["topics"].items()},
            frozenset(),
            is_marked_fully=True,
        )
        for row in rows
    ]


def load_extra(data: Path) -> list[Item]:
    """Join the repository's labels (identifiers only) with the texts they belong to."""
    labels = {row["id"]: row for row in _read_lines(EXTRA_LABELS)}
    texts = {row["id"]: row for row in _read_lines(data / "topics" / "unlabelled.jsonl") if row["id"] in labels}
    return [_extra_item(texts[name], label) for name, label in labels.items()]


def _extra_item(row: dict[str, Any], label: dict[str, Any]) -> Item:
    text = f"{row['title']}\n{' '.join(row['text'].split(' ')[:LONGEST_WORDS])}"
    sentences = tuple(split_sentences(text))
    marked = label.get("evidence", {})
    return Item(
        row["id"],
        publisher(row["source"]),
        row["date"],
        row["part"],
        text,
        sentences,
        label["topics"],
        {topic: tuple(marked.get(topic, ())) for topic in label["topics"]},
        frozenset(label.get("unsure", ())),
        is_marked_fully=False,
    )


def load_examples() -> list[Item]:
    """Read the made-up news; topics it was not written for are unsure."""
    unsure = frozenset(TOPICS) - TAUGHT_BY_EXAMPLE
    return [_example(row, unsure) for row in _read_lines(EXAMPLES)]


def _example(row: dict[str, Any], unsure: frozenset[str]) -> Item:
    """Join title and sentences to a text, as an article's."""
    text, spans = row["title"], [(0, len(row["title"]))]
    for sentence in row["sents"]:
        start = len(text) + 1
        text += ("\n" if len(spans) == 1 else " ") + sentence
        spans.append((start, len(text)))
    return Item(
        "",
        MADE_UP,
        "",
        MADE_UP,
        text,
        tuple(spans),
        {topic: salience for topic, (salience, _) in row["topics"].items()},
        {topic: tuple(evidence) for topic, (_, evidence) in row["topics"].items()},
        unsure,
        is_marked_fully=True,
    )


def _read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def publisher(source: str) -> str:
    """Return one name per publisher, so that no fold holds out half of one."""
    name = source.split(" (", maxsplit=1)[0]
    return {"bbc.com": "bbc.co.uk", "edition.cnn.com": "cnn.com"}.get(name, name)


def source_folds(items: Sequence[Item], folds: int = FOLDS) -> npt.NDArray[np.int64]:
    """Assign every item a fold by its publisher, largest publishers first into the smallest fold.

    Publishers of development items are spread by those alone: more labels of other items leave the folds, and with
    them the figures' comparability, as they were.
    """
    measured = Counter(item.source for item in items if item.draw in DEV_DRAWS)
    others = Counter(item.source for item in items if item.source not in measured)
    chosen = _spread(measured, folds) | _spread(others, folds)
    return np.array([chosen[item.source] for item in items])


def _spread(sizes: Counter[str], folds: int) -> dict[str, int]:
    load, chosen = [0] * folds, {}
    for source, size in sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])):
        chosen[source] = load.index(min(load))
        load[chosen[source]] += size
    return chosen


@dataclass(frozen=True, slots=True)
class Blocks:
    """Features of many texts (articles or sentences), one row each; grams and shapes hold 0 and 1, the others are scaled."""

    grams: csr_matrix
    shapes: csr_matrix
    dense: csr_matrix
    pairs: csr_matrix

    def take(self, rows: npt.NDArray[np.int64]) -> "Blocks":
        """Return these rows."""
        return Blocks(self.grams[rows], self.shapes[rows], self.dense[rows], self.pairs[rows])


@dataclass(frozen=True, slots=True)
class Corpus:
    """Articles and all their sentences as features; ``owner`` is each sentence's article."""

    items: list[Item]
    articles: Blocks
    sentences: Blocks
    owner: npt.NDArray[np.int64]


def build_corpus(items: list[Item], extractor: FeatureExtractor) -> Corpus:
    """Extract the features of every article and every sentence once."""
    parts: dict[str, list[Any]] = {
        "ag": [],
        "as": [],
        "ad": [],
        "sg": [],
        "ss": [],
        "sd": [],
        "ap": [],
        "sp": [],
        "owner": [],
    }
    for number, item in enumerate(items):
        features = extractor.extract(item.text, item.sentences)
        words = extractor.table.words
        whole, by_sentence = features.articles, features.sentences
        shapes = [shape_buckets(words[row]) for row in by_sentence.rows.tolist()]
        parts["ag"].append(whole.grams)
        parts["as"].append(_shape_counts(shapes, by_sentence.rows))
        present = whole.classes[0]
        parts["ad"].append(_dense(present, whole.phrases[0], np.zeros(CLASSES), whole.opinions[0]))
        parts["ap"].append(_pairs(pairs_of_articles(by_sentence.classes, features.article_of)))
        parts["sp"].append(_pairs(by_sentence.classes[:, :, None] * by_sentence.classes[:, None, :]))
        for sentence in range(len(item.sentences)):
            inside = by_sentence.row_owners == sentence
            parts["sg"].append(by_sentence.grams[by_sentence.gram_owners == sentence])
            parts["ss"].append(np.array([b for s, keep in zip(shapes, inside, strict=True) if keep for b in s]))
            parts["sd"].append(
                _dense(
                    by_sentence.classes[sentence],
                    by_sentence.phrases[sentence],
                    present,
                    by_sentence.opinions[sentence],
                )
            )
            parts["owner"].append(number)
    return Corpus(
        items,
        Blocks(
            _matrix(parts["ag"], WORD_BITS),
            _matrix(parts["as"], SHAPE_BITS),
            csr_matrix(np.array(parts["ad"])),
            csr_matrix(vstack(parts["ap"], format="csr")),
        ),
        Blocks(
            _matrix(parts["sg"], WORD_BITS),
            _matrix(parts["ss"], SHAPE_BITS),
            csr_matrix(np.array(parts["sd"])),
            csr_matrix(vstack(parts["sp"], format="csr")),
        ),
        np.array(parts["owner"]),
    )


def _pairs(together: npt.NDArray[np.float32]) -> csr_matrix:
    """Return the scaled upper triangle of (rows, classes, classes), with or without the last two dimensions joined."""
    left, right = np.triu_indices(CLASSES, 1)
    return csr_matrix(together.reshape(-1, CLASSES, CLASSES)[:, left, right] * np.float32(PAIR_SCALE))


def _shape_counts(shapes: list[list[int]], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    _, first = np.unique(rows, return_index=True)
    return np.array([bucket for index in first.tolist() for bucket in shapes[index]], np.int64)


def _dense(classes: Any, phrases: Any, context: Any, opinions: Any) -> npt.NDArray[np.float32]:
    blocks = [
        classes * CLASS_SCALE,
        phrases * PHRASE_SCALE,
        context * CONTEXT_SCALE,
        opinions * OPINION_SCALE,
    ]
    return np.concatenate(blocks).astype(np.float32)


def _matrix(rows: list[npt.NDArray[np.int64]], bits: int) -> csr_matrix:
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate([np.asarray(row, np.int64) for row in rows])
    matrix = csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape=(len(rows), 1 << bits))
    matrix.sum_duplicates()
    return matrix


@dataclass(frozen=True, slots=True)
class Idf:
    """Inverse document frequencies per bucket, zero where a bucket was seen in fewer than two articles."""

    grams: npt.NDArray[np.float32]
    shapes: npt.NDArray[np.float32]

    @classmethod
    def of(cls, blocks: Blocks) -> "Idf":
        """Count over article rows: idf = ln((1 + n) / (1 + df)) + 1."""
        return cls(_idf(blocks.grams), _idf(blocks.shapes))

    def weigh(self, blocks: Blocks) -> csr_matrix:
        """Return one matrix of weighted, length-normalised n-grams and the dense block."""
        parts = (
            _normalise(blocks.grams, self.grams),
            _normalise(blocks.shapes, self.shapes),
            blocks.dense,
            blocks.pairs,
        )
        return csr_matrix(hstack(parts, format="csr"))


def _idf(matrix: csr_matrix) -> npt.NDArray[np.float32]:
    seen = np.asarray((matrix > 0).sum(axis=0)).ravel()
    idf = np.log((1 + matrix.shape[0]) / (1 + seen)) + 1
    return np.where(seen >= 2, idf, 0).astype(np.float32)


def _normalise(matrix: csr_matrix, idf: npt.NDArray[np.float32]) -> csr_matrix:
    """Scale by idf, then divide each row by the root of the sum of count x idf squared (as at run time)."""
    squared = matrix @ (idf**2)
    length = np.sqrt(np.where(squared > 0, squared, 1))
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    data = matrix.data * idf[matrix.indices] / length[rows]
    return csr_matrix((data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)


def article_targets(items: Sequence[Item]) -> tuple[Floats, Floats]:
    """Return labels and weights, both (articles, topics)."""
    labels = np.array([[float(topic in item.salience) for topic in TOPICS] for item in items])
    weights = np.array([[float(topic not in item.unsure) for topic in TOPICS] for item in items])
    return labels, weights


def sentence_targets(corpus: Corpus) -> tuple[Floats, Floats]:
    """Return labels and weights, both (sentences, topics): marked 1, of other articles 0, the rest lightly 0."""
    labels = np.zeros((len(corpus.owner), len(TOPICS)))
    weights = np.ones_like(labels)
    first = np.searchsorted(corpus.owner, np.arange(len(corpus.items)))
    for start, item in zip(first.tolist(), corpus.items, strict=True):
        span = slice(start, start + len(item.sentences))
        for column, topic in enumerate(TOPICS):
            if topic in item.unsure:
                weights[span, column] = 0.0
            elif topic in item.salience:
                marked = [start + index for index in item.evidence[topic]]
                weights[span, column] = UNMARKED_WEIGHT if marked and item.is_marked_fully else 0.0
                labels[marked, column] = weights[marked, column] = 1.0
    return labels, weights


@dataclass(frozen=True, slots=True)
class Head:
    """A linear head: ``coefficients`` (features, topics) over `Idf.weigh`, ``bias`` (topics)."""

    coefficients: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    def __call__(self, matrix: csr_matrix) -> Floats:
        """Return log-odds, (rows, topics)."""
        return np.asarray(matrix @ self.coefficients + self.bias, np.float64)


def class_ratio(matrix: csr_matrix, labels: Floats, weights: Floats) -> npt.NDArray[np.float32]:
    """Return per feature how far its share among positives is from that among negatives; 1 for all but n-grams.

    0.5 + 0.5 min(r / mean r, 3), r = |ln((1 + p) / (1 + n)) - ln(P / N)|, with p and n the weight of the positives and
    negatives that hold the n-gram, P and N of all (naive Bayes as a scale: Wang and Manning, ACL 2012).
    """
    held = (matrix > 0).astype(np.float32)
    positive, negative = weights * labels, weights * (1 - labels)
    ratio = np.log((1 + held.T @ positive) / (1 + held.T @ negative)) - np.log(positive.sum() / negative.sum())
    grams = (1 << WORD_BITS) + (1 << SHAPE_BITS)
    seen = np.asarray(held.sum(axis=0)).ravel()[:grams] > 0
    far = np.abs(ratio[:grams])
    scale = np.ones(matrix.shape[1], np.float32)
    scale[:grams] = 0.5 + 0.5 * np.minimum(far / far[seen].mean(), MOST_RATIO)
    return scale


def fit_head(matrix: csr_matrix, labels: Floats, weights: Floats) -> Head:
    """Fit one balanced logistic regression per topic, some over n-grams scaled by `class_ratio`."""
    columns, biases = [], []
    for column, topic in enumerate(TOPICS):
        used = np.flatnonzero(weights[:, column])
        rows, marks, shares = csr_matrix(matrix[used]), labels[used, column], weights[used, column]
        scale = class_ratio(rows, marks, shares) if topic in SCALED_BY_RATIO else None
        model = LogisticRegression(
            C=COST, class_weight="balanced", solver="liblinear", tol=TOLERANCE, random_state=SEED
        )
        model.fit(rows if scale is None else csr_matrix(rows @ diags(scale)), marks, sample_weight=shares)
        columns.append(model.coef_[0] if scale is None else model.coef_[0] * scale)
        biases.append(model.intercept_[0])
    return Head(np.stack(columns, axis=1).astype(np.float32), np.array(biases, np.float32))


@dataclass(frozen=True, slots=True)
class Fit:
    """Everything learnt from one set of articles."""

    idf: Idf
    article: Head
    sentence: Head


def fit(corpus: Corpus, chosen: npt.NDArray[np.int64], examples: Corpus) -> Fit:
    """Fit both heads on the articles ``chosen`` and their sentences, the article head on made-up ``examples``, too.

    The sentence head, and how often an n-gram is met, are learnt from real news alone.
    """
    idf = Idf.of(corpus.articles.take(chosen))
    labels, weights = article_targets([*(corpus.items[i] for i in chosen.tolist()), *examples.items])
    articles = vstack([idf.weigh(corpus.articles.take(chosen)), idf.weigh(examples.articles)], format="csr")
    article = fit_head(csr_matrix(articles), labels, weights)
    labels, weights = sentence_targets(corpus)
    rows = np.flatnonzero(np.isin(corpus.owner, chosen))
    sentence = fit_head(idf.weigh(corpus.sentences.take(rows)), labels[rows], weights[rows])
    return Fit(idf, article, sentence)


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Raw log-odds of both heads where the publisher was not trained on."""

    articles: Floats
    sentences: Floats


def cross_fit(
    corpus: Corpus, folds: npt.NDArray[np.int64], examples: Corpus, later: npt.NDArray[np.bool_] | None = None
) -> OutOfFold:
    """Score every article with heads fitted on the other folds' publishers and on the made-up examples.

    With ``later``, only those articles are scored, by heads fitted on other publishers' articles of an earlier time.
    """
    scored = np.ones(len(folds), bool) if later is None else later
    fitted_on = np.ones(len(folds), bool) if later is None else ~is_later(corpus.items)
    articles = np.zeros((len(corpus.items), len(TOPICS)))
    sentences = np.zeros((len(corpus.owner), len(TOPICS)))
    for fold in sorted(set(folds.tolist())):
        held = np.flatnonzero((folds == fold) & scored)
        fitted = fit(corpus, np.flatnonzero((folds != fold) & fitted_on), examples)
        rows = np.flatnonzero(np.isin(corpus.owner, held))
        articles[held] = fitted.article(fitted.idf.weigh(corpus.articles.take(held)))
        sentences[rows] = fitted.sentence(fitted.idf.weigh(corpus.sentences.take(rows)))
    return OutOfFold(articles, sentences)


def mix_matrix(corpus: Corpus, scores: OutOfFold) -> Floats:
    """Return (articles, topics, 5), the inputs of the mix."""
    starts = np.searchsorted(corpus.owner, np.arange(len(corpus.items)))
    # training reckons in wider floats than reading does
    return mix_inputs(scores.articles, scores.sentences, starts)  # type: ignore[arg-type,return-value]


def fit_mix(inputs: Floats, labels: Floats, weights: Floats) -> Floats:
    """Return (topics, 5): an unbalanced logistic regression per topic, so that its output is a probability."""
    rows = []
    for topic in range(labels.shape[1]):
        model = LogisticRegression(C=1.0, solver="liblinear", max_iter=300, random_state=SEED)
        used = np.flatnonzero(weights[:, topic])
        model.fit(inputs[used, topic, :-1], labels[used, topic], sample_weight=weights[used, topic])
        rows.append(np.append(model.coef_[0], model.intercept_[0]))
    return np.stack(rows)


def mixed(inputs: Floats, mix: Floats) -> Floats:
    """Return probabilities, (articles, topics)."""
    return np.asarray(1 / (1 + np.exp(-(inputs * mix).sum(axis=2))))


def mix_out_of_fold(inputs: Floats, labels: Floats, weights: Floats, folds: npt.NDArray[np.int64]) -> Floats:
    """Return probabilities with the mix, too, fitted on other publishers only."""
    probabilities = np.zeros_like(labels)
    for fold in sorted(set(folds.tolist())):
        held, rest = folds == fold, folds != fold
        probabilities[held] = mixed(inputs[held], fit_mix(inputs[rest], labels[rest], weights[rest]))
    return probabilities


def fit_sentence_calibration(scores: Floats, labels: Floats, weights: Floats) -> Floats:
    """Return (topics, 2), slope and intercept of a logistic curve per topic over out-of-fold sentence log-odds."""
    rows = []
    for topic in range(labels.shape[1]):
        used = np.flatnonzero(weights[:, topic])
        model = LogisticRegression(C=1.0, solver="liblinear", random_state=SEED)
        model.fit(scores[used, topic : topic + 1], labels[used, topic], sample_weight=weights[used, topic])
        rows.append([model.coef_[0][0], model.intercept_[0]])
    return np.array(rows)


def thresholds_of(items: Sequence[Item], *scored: tuple[Floats, npt.NDArray[np.bool_]]) -> dict[str, float]:
    """Choose one threshold per topic from several scorings, each with the articles it holds for.

    The yardstick topics take the cut at which both bars (precision, recall on salience 2) hold in most bootstrap
    resamples, averaged over the scorings, so that both have slack in proportion to their spread; where there are cuts at
    which both hold in every scoring as it is, it is one of those. The others take the best F1 over all scorings together. Curves are averaged over neighbouring cuts so that one item does not decide, and
    the extremes, where few items stand, are not looked at.
    """
    parts = [(values[holds], _saliences(items, holds)) for values, holds in scored]
    values, saliences = (np.concatenate(column) for column in zip(*parts, strict=True))
    chosen = {}
    for column, topic in enumerate(TOPICS):
        if topic in YARDSTICK:
            curve = np.mean([_chance_of_both_bars(part[:, column], marks[:, column]) for part, marks in parts], axis=0)
        else:
            curve = np.array([_f1(values[:, column], saliences[:, column], cut) for cut in GRID])
        smooth = np.convolve(np.pad(curve, 4, mode="edge"), np.ones(9) / 9, mode="valid")
        if topic in YARDSTICK:
            holds = np.all([_both_bars(part[:, column], marks[:, column]) for part, marks in parts], axis=0)
            smooth = smooth + holds  # more than any chance
        chosen[topic] = round(float(GRID[int(smooth.argmax())]), 2)
    return chosen


def is_later(items: Sequence[Item]) -> npt.NDArray[np.bool_]:
    """Return which articles stand for a later time: about the last 40 % of the development items."""
    return np.array([item.date[: len(LATER_FROM)] >= LATER_FROM for item in items])


def _saliences(items: Sequence[Item], holds: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    rows = [[item.salience.get(topic, 0) for topic in TOPICS] for item, used in zip(items, holds, strict=True) if used]
    return np.array(rows, np.int64)


def _both_bars(probabilities: Floats, salience: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return per cut of `GRID` whether both yardstick bars hold."""
    fired = probabilities >= GRID[:, None]
    precision = (fired & (salience > 0)).sum(axis=1) / np.maximum(fired.sum(axis=1), 1)
    recall = (fired & (salience == 2)).sum(axis=1) / max((salience == 2).sum(), 1)
    return np.asarray((precision >= LEAST_PRECISION) & (recall >= LEAST_RECALL), np.bool_)


def _chance_of_both_bars(probabilities: Floats, salience: npt.NDArray[np.int64]) -> Floats:
    """Return per cut of `GRID` the share of resamples of the articles in which both yardstick bars hold."""
    count = len(salience)
    order = np.argsort(-probabilities, kind="stable")
    drawn = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), RESAMPLES)[:, order]
    marks = salience[order]
    fired, right, salient = (np.cumsum(drawn * kept, axis=1) for kept in (1, marks > 0, marks == 2))
    last = np.maximum(np.searchsorted(-probabilities[order], -GRID, side="right") - 1, 0)
    precision = right[:, last] / np.maximum(fired[:, last], 1)
    recall = salient[:, last] / np.maximum(salient[:, -1:], 1)
    return np.asarray(((precision >= LEAST_PRECISION) & (recall >= LEAST_RECALL)).mean(axis=0), np.float64)


def _f1(probabilities: Floats, salience: npt.NDArray[np.int64], cut: float) -> float:
    fired, right = probabilities >= cut, salience > 0
    return float(2 * (fired & right).sum() / max(fired.sum() + right.sum(), 1))


def choose_background(corpus: Corpus) -> npt.NDArray[np.int64]:
    """Return the articles of the random draw that stand for the news at large, at most 600."""
    drawn = [number for number, item in enumerate(corpus.items) if item.draw == "random"]
    return np.sort(np.random.default_rng(SEED).permutation(drawn)[:BACKGROUND_ITEMS])


def pack(corpus: Corpus, fitted: Fit, mix: Floats, calibration: Floats) -> TopicWeights:
    """Join both heads, fold in idf and scales, and round n-gram weights to 8 bits."""
    background = corpus.articles.take(choose_background(corpus))
    classes = background.dense[:, :CLASSES].toarray() / CLASS_SCALE
    both = np.concatenate([fitted.article.coefficients, fitted.sentence.coefficients], axis=1)
    grams, shapes = 1 << WORD_BITS, 1 << SHAPE_BITS
    patterns = len(both) - grams - shapes - 2 * CLASSES - 3 * len(TOPICS) - PAIRS
    edges = np.cumsum([0, grams, shapes, CLASSES, patterns, CLASSES, 3 * len(TOPICS), PAIRS])
    parts = [both[start:end] for start, end in itertools.pairwise(edges)]
    gram_bytes, gram_scale = _to_bytes(parts[0] * fitted.idf.grams[:, None])
    shape_bytes, shape_scale = _to_bytes(parts[1] * fitted.idf.shapes[:, None])
    return TopicWeights(
        grams=gram_bytes,
        grams_scale=gram_scale,
        grams_norm=(fitted.idf.grams**2).astype(np.float32),
        shapes=shape_bytes,
        shapes_scale=shape_scale,
        shapes_norm=(fitted.idf.shapes**2).astype(np.float32),
        classes=(parts[2] * CLASS_SCALE).astype(np.float32),
        phrases=(parts[3] * PHRASE_SCALE).astype(np.float32),
        context=(parts[4][:, len(TOPICS) :] * CONTEXT_SCALE).astype(np.float32),
        opinions=(parts[5] * OPINION_SCALE).astype(np.float32),
        pairs=(parts[6] * PAIR_SCALE).astype(np.float32),
        bias=np.concatenate([fitted.article.bias, fitted.sentence.bias]).astype(np.float32),
        mix=mix.astype(np.float32),
        sentence_calibration=calibration.astype(np.float32),
        background_grams=background.grams.indices.astype(np.int32),
        background_ends=background.grams.indptr[1:].astype(np.int32),
        background_dense=sketch_dense(
            classes,
            fitted.article(fitted.idf.weigh(background)),  # type: ignore[arg-type]
        ).astype(np.float16),
    )


def _to_bytes(values: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    largest = np.abs(values).max(axis=0)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale


def save(folder: Path, weights: TopicWeights, thresholds: dict[str, float], meta: dict[str, Any]) -> None:
    """Write ``weights.npz`` and ``meta.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {field.name: getattr(weights, field.name) for field in fields(weights)}
    np.savez_compressed(folder / "weights.npz", **arrays)
    content = {"format": FORMAT, "version": VERSION, "topics": list(TOPICS), "thresholds": thresholds}
    content |= {"patterns": len(weights.phrases), **meta}
    (folder / "meta.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def hashes(data: Path) -> dict[str, str]:
    """Return the SHA-256 of every training file."""
    files = (data / "topics" / "dev.jsonl", data / "topics" / "unlabelled.jsonl", EXTRA_LABELS, EXAMPLES)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=PACKAGED_MODEL)
    options = parser.parse_args(arguments)
    extractor = FeatureExtractor.default()
    corpus, examples = build_corpus(load_items(options.data), extractor), build_corpus(load_examples(), extractor)
    folds = source_folds(corpus.items)
    scores = cross_fit(corpus, folds, examples)
    inputs, (labels, weights) = mix_matrix(corpus, scores), article_targets(corpus.items)
    probabilities = mix_out_of_fold(inputs, labels, weights, folds)
    is_dev = np.array([item.draw in DEV_DRAWS for item in corpus.items])
    mix = fit_mix(inputs[is_dev], labels[is_dev], weights[is_dev])
    later = is_dev & is_later(corpus.items)
    apart = cross_fit(corpus, source_folds(corpus.items, LATER_FOLDS), examples, later)
    elsewhen = mixed(mix_matrix(corpus, apart), mix)
    thresholds = thresholds_of(corpus.items, (probabilities, is_dev), (elsewhen, later))
    calibration = fit_sentence_calibration(scores.sentences, *sentence_targets(corpus))
    fitted = fit(corpus, np.arange(len(corpus.items)), examples)
    save(
        options.out,
        pack(corpus, fitted, mix, calibration),
        thresholds,
        {
            "seed": SEED,
            "items": len(corpus.items),
            "examples": len(examples.items),
            "data_sha256": hashes(options.data),
        },
    )
    print(f"{len(corpus.items)} items, {time.process_time() / 60:.1f} processor minutes, thresholds {thresholds}")


if __name__ == "__main__":
    main()
