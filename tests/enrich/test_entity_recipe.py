"""The recipe of the tagger: what it learns from, and that it learns."""

import random
import zlib
from pathlib import Path

import numpy as np
import pytest
import spacy

from training.entities import TAGS, labelled_example, new_pipeline, news_text, recased, taught_examples, train
from training.entity_gate import fit, read
from training.evaluate_entities import bare_span, comparable, score
from worker.enrich.pipeline import load

TEXT = "Angela Merkel met Nokia in Berlin."


def test_a_labelled_text_has_one_tag_for_each_word() -> None:
    example = labelled_example(spacy.blank("en"), TEXT, [(0, 13, "PERSON"), (18, 23, "ORG"), (27, 33, "GPE")])
    assert example.words == ["Angela", "Merkel", "met", "Nokia", "in", "Berlin", "."]
    assert example.targets.argmax(axis=1).tolist() == [1, 2, 0, 3, 0, 5, 0]


def test_words_cut_by_a_name_teach_nothing() -> None:
    example = labelled_example(spacy.blank("en"), TEXT, [(0, 10, "PERSON")])
    assert example.targets.sum(axis=1).tolist() == [0, 0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("chance", "words"),
    [(0.01, ["NATO", "WARNS", "OF"]), (0.05, ["nato", "warns", "of"]), (0.1, ["NATO", "Warns", "of"])],
)
def test_headline_case_keeps_the_number_of_words(chance: float, words: list[str]) -> None:
    assert recased(["NATO", "warns", "of"], chance) == words


def test_a_text_that_changed_since_the_teacher_read_it_is_left_out(tmp_path: Path) -> None:
    same = {"id": "a", "title": "Kyiv", "text": "Kyiv held."}
    changed = {"id": "b", "title": "Kyiv", "text": "Kyiv fell."}
    (tmp_path / "news.jsonl").write_text("\n".join(map(spacy.util.srsly.json_dumps, (same, changed))), encoding="utf-8")
    np.savez(
        tmp_path / "labels.npz",
        ids=np.array(["a", "b"]),
        checksums=np.array([zlib.crc32(news_text(same).encode()), 0], np.uint32),
        words=np.array([3, 3], np.int32),
        tags=np.array([5, 0, 0, 5, 0, 0], np.int8),
        doubtful_at=np.array([1], np.int32),
        doubtful=np.array([[204, *[0] * (TAGS - 2), 51]], np.uint8),
    )
    (example,) = taught_examples(spacy.blank("en"), tmp_path / "news.jsonl", tmp_path / "labels.npz")
    assert example.words == ["Kyiv", "held", "."]
    assert example.targets[1, 0] == pytest.approx(0.8, abs=1e-3)


def test_the_network_learns_a_few_sentences_by_heart() -> None:
    nlp = new_pipeline(seed=0)
    example = labelled_example(nlp, TEXT, [(0, 13, "PERSON"), (18, 23, "ORG"), (27, 33, "GPE")])
    train(nlp.get_pipe("tocsin_bio"), [example] * 20, epochs=200, seed=0)
    assert [(ent.text, ent.label_) for ent in nlp(TEXT).ents] == [
        ("Angela Merkel", "PERSON"),
        ("Nokia", "ORG"),
        ("Berlin", "GPE"),
    ]


def test_a_gate_admits_nearly_all_words_of_names_and_few_others() -> None:
    nlp = load(None, "numpy")
    tagger = nlp.get_pipe("tocsin_bio")
    tagger.use(tagger.network)
    plain = "They had said that it would be so, and so it was when they came to see what had been done. "
    texts = [plain + f"Then {name} came to Berlin. " + plain for name in ("Merkel", "Steinmeier", "Scholz", "Gauck")]
    reading = read(tagger, [labelled_example(nlp, text, []) for text in texts], random.Random(0))
    gate = fit(reading)
    admitted = gate.admitted(gate.hints(reading.vectors)[reading.index], reading.index > 0)
    assert reading.is_name.sum() >= 2 * len(texts)
    assert (~admitted[reading.is_name]).sum() <= 1
    assert admitted[reading.index > 0].mean() < 0.3


@pytest.mark.parametrize(
    ("text", "bare"),
    [("the Kremlin's", "Kremlin"), ("The UN ’s", "UN"), ("NATO", "NATO"), ("the ", ""), (" Iran\n", "Iran")],
)
def test_scoring_sets_article_and_possessive_aside(text: str, bare: str) -> None:
    start, end = bare_span(text, 0, len(text))
    assert text[start:end] == bare


def test_the_score_pools_names_and_types_count() -> None:
    labelled = comparable("the UN in Iran", [(0, 6, "ORG"), (10, 14, "GPE")], typed=True)
    predicted = comparable("the UN in Iran", [(4, 6, "ORG"), (10, 14, "NORP")], typed=True)
    assert score([(labelled, predicted)]).f1 == 50.0
