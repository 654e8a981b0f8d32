"""The recipe of the topic model: how it chooses thresholds, and what it learns from made-up news."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="make install-train brings it")

from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from training import topics
from training.topics import (
    GRID,
    TAUGHT_BY_EXAMPLE,
    TOPICS,
    Fit,
    Head,
    Idf,
    Item,
    article_targets,
    build_corpus,
    class_ratio,
    fit,
    load_examples,
    pack,
    source_folds,
    thresholds_of,
)
from worker.enrich.sentences import split_sentences
from worker.enrich.topic_features import WORD_BITS, FeatureExtractor
from worker.enrich.topics import TopicClassifier
from worker.enrich.word_shapes import SHAPE_BITS


def item(topic: str, salience: int) -> Item:
    return Item("", "", "", "", "", (), {topic: salience} if salience else {}, {}, frozenset(), is_marked_fully=True)


def scored(topic: str, rows: list[tuple[float, int]]) -> tuple[list[Item], np.ndarray]:
    values = np.zeros((len(rows), len(TOPICS)))
    values[:, TOPICS.index(topic)] = [probability for probability, _ in rows]
    return [item(topic, salience) for _, salience in rows], values


def test_a_yardstick_threshold_leaves_room_to_both_bars() -> None:
    wrong_below_forty = [(0.30 + 0.001 * step, 0) for step in range(60)]
    right_above_sixty = [(0.60 + 0.001 * step, 2) for step in range(100)]
    items, values = scored("arms-transfer", wrong_below_forty + right_above_sixty)
    everywhere = np.ones(len(items), bool)
    assert 0.37 <= thresholds_of(items, (values, everywhere))["arms-transfer"] <= 0.61


def test_a_scoring_that_misses_a_bar_draws_the_threshold_to_where_it_holds() -> None:
    first = [(0.30, 0)] * 40 + [(0.70, 2)] * 100
    second = [(0.30, 0)] * 40 + [(0.45, 2)] * 50 + [(0.70, 2)] * 50
    items, values = scored("arms-transfer", first + second)
    early = np.arange(len(items)) < len(first)
    assert thresholds_of(items, (values, early))["arms-transfer"] <= 0.70
    assert thresholds_of(items, (values, early), (values, ~early))["arms-transfer"] <= 0.45


@pytest.mark.parametrize("topic", ["cyberattack", "arms-transfer"])
def test_a_threshold_stands_on_the_grid_whatever_the_scores(topic: str) -> None:
    items, values = scored(topic, [(0.0, 0), (1.0, 2), (0.1, 1)])
    chosen = thresholds_of(items, (values, np.ones(3, bool)))[topic]
    assert GRID[0] <= chosen <= GRID[-1]


def test_more_labels_of_other_items_leave_the_folds_as_they_were() -> None:
    def by(source: str, draw: str) -> Item:
        return Item("", source, "", draw, "", (), {}, {}, frozenset(), is_marked_fully=draw != "stream")

    measured = [by(source, "drawn") for source in "aaabbbbccde"]
    labels = [by(source, "stream") for source in "ddddddddddeeeeezz"]
    few, many = source_folds(measured, 2), source_folds(measured + labels, 2)
    assert many[: len(measured)].tolist() == few.tolist()
    assert all(len(set(many[[item.source == name for item in measured + labels]])) == 1 for name in "abcdez")


def test_a_packed_model_scores_as_the_heads_it_was_packed_from() -> None:
    texts = [
        "Iran ships missiles to Russia\nRebels in Syria seized the tanks. UN monitors saw it.",
        "Iran ships tanks",
    ] * 2
    items = [
        Item("", "", "", "random", text, tuple(split_sentences(text)), {}, {}, frozenset(), is_marked_fully=True)
        for text in texts
    ]
    corpus = build_corpus(items, FeatureExtractor.default())
    idf, drawn = Idf.of(corpus.articles), np.random.default_rng(3)
    articles, sentences = idf.weigh(corpus.articles), idf.weigh(corpus.sentences)
    width = len(TOPICS)

    def head() -> Head:
        coefficients = drawn.normal(size=(articles.shape[1], width)).astype(np.float32)
        return Head(coefficients, drawn.normal(size=width).astype(np.float32))

    fitted = Fit(idf, head(), head())
    fitted.article.coefficients[-corpus.articles.pairs.shape[1] :] *= 20
    fitted.sentence.coefficients[-corpus.articles.pairs.shape[1] :] *= 20
    weights = pack(corpus, fitted, np.zeros((width, 5)), np.zeros((width, 2)))
    classifier = TopicClassifier(weights, TOPICS, {})
    for number, item in enumerate(items):
        article, by_sentence = classifier.log_odds(item.text, item.sentences)
        assert article == pytest.approx(fitted.article(articles)[number], abs=0.1)
        expected = fitted.sentence(sentences)[corpus.owner == number]
        assert by_sentence == pytest.approx(expected, abs=0.1)


def test_a_yardstick_threshold_meets_both_bars_in_every_scoring_where_a_cut_does() -> None:
    first = [(0.30, 0)] * 40 + [(0.70, 2)] * 400
    second = [(0.38, 0)] * 20 + [(0.401, 2)] * 9 + [(0.70, 2)] * 72
    items, values = scored("arms-transfer", first + second)
    early = np.arange(len(items)) < len(first)
    assert thresholds_of(items, (values, early), (values, ~early))["arms-transfer"] in {0.39, 0.4}


def test_made_up_news_is_told_like_an_article_and_teaches_only_what_it_was_written_for() -> None:
    examples = load_examples()
    assert len({item.text for item in examples}) == len(examples)
    for item in examples:
        sentences = [item.text[start:end] for start, end in item.sentences]
        assert item.text == "\n".join((sentences[0], " ".join(sentences[1:]))).rstrip("\n")
        assert set(item.salience.values()) <= {1, 2}
        assert all(0 <= number < len(sentences) for marked in item.evidence.values() for number in marked)
    _, weights = article_targets(examples)
    taught = {topic for topic, column in zip(TOPICS, weights.T, strict=True) if column.all()}
    assert taught == TAUGHT_BY_EXAMPLE
    assert not weights[:, [TOPICS.index(topic) for topic in TOPICS if topic not in taught]].any()


def test_made_up_news_teaches_the_article_head_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["Iran ships missiles\nIt sent ten.", "Rain in Rome\nAll day."]
    items = [
        Item("", "", "", "random", text, tuple(split_sentences(text)), {}, {}, frozenset(), is_marked_fully=True)
        for text in texts
    ]
    extractor = FeatureExtractor.default()
    corpus, examples = build_corpus(items, extractor), build_corpus(load_examples()[:3], extractor)
    seen: list[tuple[int, ...]] = []

    def record(matrix: csr_matrix, labels: np.ndarray, weights: np.ndarray) -> Head:
        seen.append((matrix.shape[0], len(labels), len(weights)))
        return Head(np.zeros((matrix.shape[1], len(TOPICS)), np.float32), np.zeros(len(TOPICS), np.float32))

    monkeypatch.setattr(topics, "fit_head", record)
    fitted = fit(corpus, np.arange(2), examples)
    assert seen == [(5, 5, 5), (4, 4, 4)]
    assert np.array_equal(fitted.idf.grams, Idf.of(corpus.articles).grams)


def held(*texts: set[int]) -> csr_matrix:
    """One row per text of which n-grams it holds; -1 is no n-gram."""
    matrix = np.zeros((len(texts), (1 << WORD_BITS) + (1 << SHAPE_BITS) + 1), np.float32)
    for row, columns in enumerate(texts):
        matrix[row, list(columns)] = 1
    return csr_matrix(matrix)


def test_an_ngram_of_one_class_alone_weighs_more_than_one_of_both_and_what_is_no_ngram_keeps_its_scale() -> None:
    matrix, labels = held({0, 1, -1}, {0, 1, -1}, {0}, {0}), np.array([1.0, 1.0, 0.0, 0.0])
    scale = class_ratio(matrix, labels, np.ones(4))
    # |ln(3 / 3)| = 0 and |ln(3 / 1)| = 1.0986, whose mean over the two n-grams seen is 0.5493
    assert scale[0] == pytest.approx(0.5)
    assert scale[1] == pytest.approx(0.5 + 0.5 * 2)
    assert scale[-1] == 1.0


def test_a_text_without_weight_moves_no_class_ratio() -> None:
    matrix, labels = held({0, 1}, {0}, {0, 1}), np.array([1.0, 0.0, 0.0])
    two = class_ratio(csr_matrix(matrix[:2]), labels[:2], np.ones(2))
    assert class_ratio(matrix, labels, np.array([1.0, 1.0, 0.0])) == pytest.approx(two)


@pytest.mark.parametrize("unscaled", ["cyberattack", "civil-unrest"])
def test_a_head_reads_rows_that_are_not_scaled_whether_or_not_its_topic_learnt_from_scaled_ones(
    unscaled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "TOPICS", ("arms-transfer", unscaled))
    matrix, labels = held({0, 1}, {0, 1}, {0}, {0}), np.array([1.0, 1.0, 0.0, 0.0])
    odds = topics.fit_head(matrix, np.stack([labels, labels], axis=1), np.ones((4, 2)))(matrix)
    for column, scale in enumerate((class_ratio(matrix, labels, np.ones(4)), np.ones(matrix.shape[1]))):
        rows = csr_matrix(matrix.multiply(scale))
        plain = LogisticRegression(C=4.0, class_weight="balanced", solver="liblinear", tol=0.01, random_state=7)
        assert odds[:, column] == pytest.approx(plain.fit(rows, labels).decision_function(rows), abs=1e-5)
    assert odds[0, 0] != pytest.approx(odds[0, 1], abs=0.01)
