"""Topics of articles: evidence by offsets, calibrated bounds, the yardstick, hostile text, both scorers."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.enrich.phrase_topics import PatternError, PatternIndex, PhraseTopics, compile_pattern
from worker.enrich.sentences import split_sentences
from worker.enrich.topic_features import (
    CLASSES,
    PAIRS,
    FeatureExtractor,
    pairs_of_articles,
    pairs_of_sentences,
)
from worker.enrich.topic_result import TopicResult, strongest
from worker.enrich.topics import PACKAGED_MODEL, TopicClassifier, TopicModelError, both_sides
from worker.enrich.word_table import MAX_CLASSES, Postings, WordClasses
from worker.errors import TurnOver

SHARED = Path(os.environ.get("TOCSIN_SHARED", Path(__file__).parents[3] / "shared"))
YARDSTICK = ("sanctions-violation", "arms-transfer")
HOSTILE = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.sampled_from(
            [
                "sanctions",
                "violated UN sanctions.",
                "missiles to",
                "\n",
                "\x00",
                "🚀👩‍👩‍👧",
                "İstanbul",
                "العقوبات",
                "ﬁ",
            ]
        ),
    ),
    max_size=20,
).map(" ".join)
CLASSIFIER = TopicClassifier.load()
PHRASES = PhraseTopics.default()
SCORERS = pytest.mark.parametrize("scorer", [CLASSIFIER, PHRASES], ids=["model", "phrases"])


def shared(name: str) -> Path:
    path = SHARED / "data" / name
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is missing")
        pytest.skip("needs the shared data")
    return path


def fired(scorer: TopicClassifier | PhraseTopics, text: str) -> set[str]:
    results = scorer.score(text, split_sentences(text))
    return {result.topic for result in results if result.probability >= scorer.thresholds[result.topic]}


@SCORERS
@given(text=HOSTILE)
@settings(deadline=None)
def test_every_topic_has_one_to_four_evidence_sentences(scorer: TopicClassifier | PhraseTopics, text: str) -> None:
    sentences = split_sentences(text)
    results = scorer.score(text, sentences)
    assert len({result.topic for result in results}) == len(results)
    for result in results:
        assert result.topic in scorer.topics
        assert 0.0 <= result.probability <= 1.0
        assert 1 <= len(result.evidence) <= 4
        assert {evidence[:2] for evidence in result.evidence} <= set(sentences)
        assert all(0.0 <= probability <= 1.0 for _, _, probability in result.evidence)
        assert [e[2] for e in result.evidence] == sorted((e[2] for e in result.evidence), reverse=True)


@SCORERS
@pytest.mark.parametrize(
    "text",
    ["", " \n", "\x00" * 100, "🚀" * 300, "ﷺ" * 300, "制裁" * 300, "Title only"],
    ids=["empty", "blank", "nul", "emoji", "rtl", "han", "title"],
)
def test_text_without_news_raises_nothing(scorer: TopicClassifier | PhraseTopics, text: str) -> None:
    assert fired(scorer, text) == set()


@SCORERS
def test_a_megabyte_is_scored(scorer: TopicClassifier | PhraseTopics) -> None:
    text = "The firm shipped missiles to Iran in breach of UN sanctions. " * 16_000
    assert set(YARDSTICK) <= fired(scorer, text)


@SCORERS
def test_the_yardstick_article_is_an_arms_transfer_that_violates_sanctions(
    scorer: TopicClassifier | PhraseTopics,
) -> None:
    text = shared("seed/article.txt").read_text("utf-8")
    assert set(YARDSTICK) <= fired(scorer, text)


@SCORERS
@pytest.mark.parametrize(
    "headline",
    [
        "More than 150 mobsters arrested across Europe news",
        "Striker sanctioned by league after failed doping test",
        "Coach faces sanctions from the football association over referee remarks",
        "Man lost both arms in tractor accident, sues maker",
        "Prime minister fires finance minister after budget row",
        "Teenager charged after gun found at school",
        "Judge sanctions lawyers for fake citations",
        "How to keep your kitchen knives sharp: five simple hacks",
        "Central bank raises interest rates for third time",
    ],
)
def test_an_unrelated_headline_raises_neither_yardstick_topic(
    scorer: TopicClassifier | PhraseTopics, headline: str
) -> None:
    assert not fired(scorer, headline) & set(YARDSTICK)


def test_scores_do_not_depend_on_what_was_scored_before() -> None:
    text = "Envoy denies shipping drones to Moscow\nOfficials say the deal breaks an arms embargo."
    fresh = TopicClassifier.load().score(text, split_sentences(text))
    for number in range(50):
        CLASSIFIER.score(f"word{number} sanctions", [(0, 15)])
    again = CLASSIFIER.score(text, split_sentences(text))
    assert [r.topic for r in again] == [r.topic for r in fresh]
    assert np.allclose([r.probability for r in again], [r.probability for r in fresh], atol=2e-5)


def test_a_full_word_table_starts_afresh_and_scores_stay_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.enrich.word_table._MAX_ROWS", 40)
    classifier = TopicClassifier.load()
    text = "Navy seizes rifles bound for rebels\nThe boat had left an Iranian port."
    first = classifier.score(text, split_sentences(text))
    for number in range(30):
        classifier.score(" ".join(f"word{number}x{i}" for i in range(20)), [(0, 100)])
    again = classifier.score(text, split_sentences(text))
    assert [r.topic for r in again] == [r.topic for r in first]
    assert np.allclose([r.probability for r in again], [r.probability for r in first])


class _EndingWords(list[str]):
    """Words of which two are written down when the time is up."""

    def __iadd__(self, words: Iterable[str]) -> Self:
        self.extend(list(words)[:2])
        raise TurnOver


class _EndingPostings(Postings):
    def extend(self, counts: np.ndarray, numbers: np.ndarray) -> None:
        super().extend(counts[:2], numbers[: counts[:2].sum()])
        raise TurnOver


@pytest.mark.parametrize(
    ("column", "ending"), [("words", _EndingWords), ("opened", _EndingPostings), ("closed", _EndingPostings)]
)
def test_a_turn_that_ends_in_the_midst_of_words_leaves_scores_as_they_were(
    column: str, ending: Callable[[], object]
) -> None:
    text = "Troops fired missiles at the harbour. Sanctions followed within hours."
    sentences = [(0, 38), (38, len(text))]
    classifier = TopicClassifier.load()
    setattr(classifier.extractor.table, column, ending())
    with pytest.raises(TurnOver):
        classifier.score(text, sentences)
    assert classifier.score(text, sentences) == TopicClassifier.load().score(text, sentences)


def test_shipped_thresholds_cover_every_topic() -> None:
    assert tuple(CLASSIFIER.thresholds) == CLASSIFIER.topics == PHRASES.topics
    assert all(0 < value < 1 for value in CLASSIFIER.thresholds.values())


def test_the_shipped_model_stays_small() -> None:
    assert sum(path.stat().st_size for path in PACKAGED_MODEL.iterdir()) < 10_000_000


def test_a_folder_without_a_model_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TopicModelError, match="cannot be read"):
        TopicClassifier.load(tmp_path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes((PACKAGED_MODEL / "weights.npz").read_bytes())
    (tmp_path / "meta.json").write_text(json.dumps({"format": 99, "topics": [], "thresholds": {}}), "utf-8")
    with pytest.raises(TopicModelError, match="format 99"):
        TopicClassifier.load(tmp_path)


def test_a_result_without_evidence_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="no evidence"):
        TopicResult("arms-transfer", 0.9, ())


def test_strongest_keeps_the_limit_and_reading_order_on_ties() -> None:
    assert strongest([(9, 12, 0.5), (0, 3, 0.5), (4, 8, 0.9)], limit=2) == ((4, 8, 0.9), (0, 3, 0.5))


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("violat* ~3 sanctions", "It violated the UN sanctions.", True),
        ("violat* ~3 sanctions", "It violated a b c d sanctions.", False),
        ("arms|weapons sale", "an arms sale", True),
        ("arms|weapons sale", "an arms resale", False),
        ("ship-to-ship transfer*", "Ship-to-ship transfers", True),
        ("black market", "black\nmarket", False),
    ],
)
def test_patterns(pattern: str, text: str, matches: bool) -> None:
    assert bool(PatternIndex([compile_pattern(pattern)]).find(text, 0, len(text))) is matches


@pytest.mark.parametrize("pattern", ["", "~3 arms", "arms ~3", "ar*", "a*b", "$nothing", "*"])
def test_a_bad_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


def test_more_than_64_word_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 64"):
        WordClasses({f"class{number}": "word" for number in range(65)})


def test_a_word_is_looked_up_by_itself_and_by_its_beginnings() -> None:
    classes = WordClasses({"evade": "evad* evasion", "tax": "tax"})
    assert (classes.bits("evaded"), classes.bits("tax"), classes.bits("taxi")) == (1, 2, 0)


def test_features_are_the_same_in_any_order_of_articles() -> None:
    text = "Rebels get tanks"
    fresh = FeatureExtractor.default().extract(text, [(0, len(text))])
    used = FeatureExtractor.default()
    used.extract("quite other words first", [(0, 10)])
    again = used.extract(text, [(0, len(text))])
    assert np.array_equal(fresh.sentences.grams, again.sentences.grams)
    assert np.array_equal(fresh.articles.classes, again.articles.classes)


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("They met on Tuesday", (0, 0, 0)),
        ("Syrian troops", (1, 0, 0)),
        ("Russia and Russians", (1, 0, 0)),
        ("RUSSIA'S offer to Iran", (1, 1, 0)),
        ("Howitzers for Ukraine", (1, 0, 1)),
        ("It told us to wait", (0, 0, 0)),
    ],
)
def test_countries_and_weapons_named_in_a_sentence_are_classes(sentence: str, named: tuple[int, int, int]) -> None:
    features = FeatureExtractor.default().extract(sentence, [(0, len(sentence))])
    assert tuple(features.sentences.classes[0, MAX_CLASSES:].astype(int)) == named


def test_two_classes_are_a_pair_only_where_one_sentence_holds_both() -> None:
    classes = np.zeros((3, CLASSES), np.float32)
    classes[0, [2, 5]] = classes[1, 7] = classes[2, [2, 7]] = 1.0
    together = pairs_of_articles(classes, np.array([0, 0, 1])).reshape(2, CLASSES, CLASSES)
    assert [together[0, 2, 5], together[0, 2, 7], together[0, 5, 7]] == [1.0, 0.0, 0.0]
    assert [together[1, 2, 7], together[1, 2, 5]] == [1.0, 0.0]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_pair_weighs_the_same_in_a_sentence_and_in_an_article_of_that_sentence(seed: int) -> None:
    drawn = np.random.default_rng(seed)
    classes = (drawn.random((4, CLASSES)) < 0.1).astype(np.float32)
    weights = drawn.normal(size=(PAIRS, 3)).astype(np.float32)
    left, right = np.triu_indices(CLASSES, 1)
    expected = (classes[:, left] * classes[:, right]) @ weights
    spread = both_sides(weights)
    assert pairs_of_sentences(classes, spread) == pytest.approx(expected, abs=1e-3)
    whole = pairs_of_articles(classes, np.arange(4)) @ spread.reshape(CLASSES**2, 3)
    assert whole == pytest.approx(expected, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.lists(HOSTILE, max_size=6))
def test_articles_scored_together_are_scored_as_each_by_itself(texts: list[str]) -> None:
    articles = [(text, split_sentences(text)) for text in texts]
    together = CLASSIFIER.score_all(articles)
    for (text, sentences), results in zip(articles, together, strict=True):
        alone = {result.topic: result.probability for result in CLASSIFIER.score(text, sentences)}
        assert {result.topic: result.probability for result in results} == pytest.approx(alone, abs=2e-5)
        assert all((start, end) in sentences for result in results for start, end, _ in result.evidence)


def test_many_articles_are_scored_in_portions() -> None:
    text = "Iran shipped arms to Russia. " * 700
    sentences = split_sentences(text)
    results = CLASSIFIER.score_all([(text, sentences), ("", ()), (text, sentences)])
    assert [bool(found) for found in results] == [True, False, True]
    assert results[0] == results[2]


def test_evidence_of_labelled_news_is_mostly_a_labelled_sentence() -> None:
    items = [json.loads(line) for line in shared("topics/dev.jsonl").read_text("utf-8").splitlines()]
    hits = []
    for item in items:
        sentences = [(start, end) for start, end in item["sents"]]
        for result in CLASSIFIER.score(item["text"], sentences):
            marked = item["topics"].get(result.topic, {}).get("evidence")
            if marked and result.probability >= CLASSIFIER.thresholds[result.topic]:
                hits.append(sentences.index(result.evidence[0][:2]) in marked)
    assert np.mean(hits) >= 0.85
