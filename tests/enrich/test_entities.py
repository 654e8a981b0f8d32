"""What the shipped pipeline finds in news, and what a wrong model says."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from worker.enrich import ner
from worker.enrich.gazetteer import find_all, longest
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
    tags = ner.decode(scores)
    before = np.concatenate(([0], tags[:-1]))
    inside = (tags > 0) & (tags % 2 == 0)
    assert np.all((before[inside] == tags[inside]) | (before[inside] == tags[inside] - 1))


def test_the_saved_pipeline_reads_as_it_was_written(tmp_path: Path) -> None:
    nlp().to_disk(tmp_path / "copy")
    text = "Angela Merkel met the UN Security Council in New York on Tuesday."
    again = load(str(tmp_path / "copy"), backend="numpy")(text)
    assert [(e.text, e.label_, e.kb_id_) for e in again.ents] == [
        (e.text, e.label_, e.kb_id_) for e in nlp()(text).ents
    ]


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
