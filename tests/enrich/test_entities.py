"""What the shipped pipeline finds in news, and what a wrong model says."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

import numpy as np
import pytest
import spacy
from spacy.language import Language

from worker.enrich import ner, ner_decode
from worker.enrich.gazetteer import find_all, longest
from worker.enrich.ner import KnownWords
from worker.enrich.ner_gate import Gate
from worker.enrich.pipeline import SHIPPED, load
from worker.errors import ModelError


@cache
def nlp() -> Language:
    return load(backend="numpy")


def named(text: str) -> set[tuple[str, str]]:
    return {(ent.text, ent.label_) for ent in nlp()(text).ents}


def test_the_yardstick_article_gives_its_people_countries_bodies_weapons_and_date(shared: Path) -> None:
    doc = nlp()((shared / "seed" / "article.txt").read_text(encoding="utf-8"))
    found = {(ent.text.removeprefix("the "), ent.label_) for ent in doc.ents}
    assert {("John Kirby", "PERSON"), ("Gustav Gressel", "PERSON")} <= found
    assert {("National Security Council", "ORG"), ("UN Security Council", "ORG"), ("ECFR", "ORG")} <= found
    assert {("ballistic missiles", "WEAPON"), ("ballistic missile launchers", "WEAPON")} <= found
    assert {("ammunition", "WEAPON"), ("December 30", "DATE")} <= found
    assert {"US", "RU", "KP", "UA", "IR"} <= {ent.kb_id_ for ent in doc.ents if ent.label_ in ("GPE", "NORP")}


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("The tanker Suez Rajan was seized off Greece.", "Suez Rajan", "VESSEL"),
        ("Officers boarded the MV Ursa Major on Friday.", "MV Ursa Major", "VESSEL"),
        ("The USS Gerald R. Ford sailed east.", "USS Gerald R. Ford", "VESSEL"),
        ("Kyiv asked for 300 main battle tanks.", "main battle tanks", "WEAPON"),
        ("They downed a Kh-101 over Lviv.", "Kh-101", "WEAPON"),
        ("It sold S-300s to Tehran.", "S-300s", "WEAPON"),
        ("It fired submarine-launched ballistic missiles.", "submarine-launched ballistic missiles", "WEAPON"),
        ("Washington sent HIMARS.", "HIMARS", "WEAPON"),
        ("A deal worth $1.5 billion was signed.", "$1.5 billion", "MONEY"),
        ("They paid 3 million euros.", "3 million euros", "MONEY"),
        ("It began on 24 February 2022.", "24 February 2022", "DATE"),
        ("It began on 2022-02-24.", "2022-02-24", "DATE"),
    ],
)
def test_a_rule_finds(text: str, name: str, label: str) -> None:
    assert (name, label) in named(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a think tank with fuel tanks", "tanks of other kinds"),
        ("light aircraft and a car battery", "a common modifier makes no weapon"),
        ("the march may begin, he will", "months in small letters are words"),
        ("let us go there", "a pronoun"),
        ("oyster shells; a round of talks; a bullet point", "nouns of many uses"),
    ],
)
def test_a_rule_leaves(text: str, why: str) -> None:
    assert longest(find_all(text)) == [], why


def test_a_longer_learnt_name_keeps_the_country_inside_it() -> None:
    assert ("Communist Party of India", "ORG") in named("He joined the Communist Party of India in 1964.")


def test_a_decoded_sequence_never_starts_a_name_inside() -> None:
    scores = np.random.default_rng(0).normal(size=(400, 2 * len(ner.LABELS) + 1)).astype(np.float32) * 3
    tags = ner_decode.decode(scores)
    before = np.concatenate(([0], tags[:-1]))
    inside = (tags > 0) & (tags % 2 == 0)
    assert np.all((before[inside] == tags[inside]) | (before[inside] == tags[inside] - 1))


def ungated() -> Language:
    """The shipped network, looking everywhere."""
    whole = load(backend="numpy")
    tagger = whole.get_pipe("tocsin_bio")
    tagger.use(tagger.network)
    return whole


def admitted(text: str) -> list[str]:
    tagger, doc = nlp().get_pipe("tocsin_bio"), nlp().make_doc(text)
    words = [token.text for token in doc]
    rows = tagger.words.rows_of(words)
    found = tagger.gate.admitted(tagger.words.hints[rows], rows > 0)
    return [word for word, is_in in zip(words, found, strict=True) if is_in]


@pytest.mark.parametrize(
    "text",
    [
        "It was said that the agency had told them so, and Angela Merkel agreed with what they had written.",
        "it was said that the agency had told them so, and angela merkel agreed with what they had written.",
        "IT WAS SAID THAT THE AGENCY HAD TOLD THEM SO, AND ANGELA MERKEL AGREED WITH WHAT THEY HAD WRITTEN.",
    ],
)
def test_names_are_looked_for_where_they_may_be_however_a_text_is_written(text: str) -> None:
    assert {"angela", "merkel"} <= {word.lower() for word in admitted(text)}
    assert named(text) == {(ent.text, ent.label_) for ent in ungated()(text).ents}


def test_no_name_is_looked_for_where_the_words_speak_against_it() -> None:
    text = "They had said that it would be so, and so it was when they came to see what had been done."
    assert admitted(text) == []
    [scores] = nlp().get_pipe("tocsin_bio").scores([nlp()(text)])
    assert (scores[:, 0] - scores[:, 1:].max(axis=1) > 1_000).all()


@pytest.mark.parametrize("word", ["WHO", "IS", "GM", "DeLay", "U.S."])
def test_a_word_with_a_capital_inside_is_looked_at_wherever_it_stands(word: str) -> None:
    assert word in admitted(f"they had said that it {word} would be so")


def test_a_tagger_without_a_gate_looks_everywhere() -> None:
    tagger = ungated().get_pipe("tocsin_bio")
    rows = tagger.words.rows_of(["they", "had", "said"])
    assert tagger.gate.admitted(tagger.words.hints[rows], rows > 0).all()


def test_real_news_has_nearly_the_names_that_the_network_sees_without_a_gate(shared: Path) -> None:
    lines = (shared / "topics" / "dev.jsonl").read_text("utf-8").splitlines()[::8]
    news = [row.get("text") or f"{row['title']}\n{row['body']}" for row in map(json.loads, lines)]
    found, expected = (
        {
            (number, ent.start_char, ent.end_char, ent.label_)
            for number, doc in enumerate(reader.pipe(news))
            for ent in doc.ents
        }
        for reader in (nlp(), ungated())
    )
    assert len(expected) > 1_000
    assert len(found ^ expected) <= len(expected) / 1_000


def test_the_saved_pipeline_reads_as_it_was_written(tmp_path: Path) -> None:
    nlp().to_disk(tmp_path / "copy")
    text = "Angela Merkel met the UN Security Council in New York on Tuesday."
    copy = load(str(tmp_path / "copy"), backend="numpy")
    gates = [pipe.get_pipe("tocsin_bio").gate for pipe in (nlp(), copy)]
    assert gates[0].bias == gates[1].bias
    assert np.array_equal(gates[0].weights, gates[1].weights)
    again = copy(text)
    assert [(e.text, e.label_, e.kb_id_) for e in again.ents] == [
        (e.text, e.label_, e.kb_id_) for e in nlp()(text).ents
    ]


def test_a_network_that_no_gate_was_fitted_to_reads_every_word(tmp_path: Path) -> None:
    nlp().to_disk(tmp_path / "copy")
    (tmp_path / "copy" / "tocsin_bio" / "gate.npz").unlink()
    gate = load(str(tmp_path / "copy"), backend="numpy").get_pipe("tocsin_bio").gate
    assert gate.bias > 0
    assert not gate.weights.any()


def test_a_gate_that_was_fitted_to_other_vectors_is_refused(tmp_path: Path) -> None:
    nlp().to_disk(tmp_path / "copy")
    Gate.open(width=64).write(tmp_path / "copy" / "tocsin_bio")
    with pytest.raises(ModelError, match=r"gate\.npz has weights of shape \(64, 5\), not \(96, 5\)"):
        load(str(tmp_path / "copy"), backend="numpy")


def test_words_that_were_forgotten_in_part_count_as_forgotten() -> None:
    tagger, code = nlp().get_pipe("tocsin_bio"), KnownWords.forget.__code__
    for line in {line for _, _, line in code.co_lines() if line}:
        words = KnownWords(tagger.network, tagger.gate)
        words.rows_of(["Merkel", "Brussels"])
        known, generation = len(words), words.generation
        with ended_at(code, line), suppress(TimeoutError):
            words.forget()
        assert len(words) == known or words.generation > generation


@contextmanager
def ended_at(code: CodeType, line: int) -> Iterator[None]:
    """A turn that ends when `code` comes to a line of its file."""

    def step(frame: FrameType, event: str, _: object) -> object:
        if event == "line" and frame.f_lineno == line:
            raise TimeoutError
        return step if frame.f_code is code else None

    before = sys.gettrace()
    sys.settrace(step)
    try:
        yield
    finally:
        sys.settrace(before)


def test_the_shipped_pipeline_is_small() -> None:
    files = [SHIPPED / "config.cfg", *(SHIPPED / "vocab").rglob("*"), *(SHIPPED / "tocsin_bio").rglob("*")]
    assert sum(path.stat().st_size for path in files if path.is_file()) < 12_000_000


def test_a_model_that_is_not_installed_names_the_command_that_installs_it() -> None:
    with pytest.raises(ModelError, match="spacy download en_core_news_xl"):
        load("en_core_news_xl")


def test_a_model_of_another_spacy_says_so(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "old")
    meta = json.loads((tmp_path / "old" / "meta.json").read_text(encoding="utf-8"))
    (tmp_path / "old" / "meta.json").write_text(
        json.dumps(meta | {"spacy_version": ">=2.3.0,<2.4.0"}), encoding="utf-8"
    )
    with pytest.raises(ModelError, match=r"made for spaCy >=2\.3\.0,<2\.4\.0"):
        load(str(tmp_path / "old"))


def test_any_spacy_pipeline_gets_the_gazetteer(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "other")
    doc = load(str(tmp_path / "other"), backend="blis")("Tehran sold drones to Moscow.")
    assert [(e.text, e.label_, e.kb_id_) for e in doc.ents] == [
        ("Tehran", "GPE", "IR"),
        ("drones", "WEAPON", ""),
        ("Moscow", "GPE", "RU"),
    ]
