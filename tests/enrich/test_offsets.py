"""An entity's offsets always give back its text, whatever the text."""

import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from worker.enrich import language
from worker.enrich.cues import NOT_SOUGHT
from worker.enrich.entities import make_reader
from worker.enrich.find import small_letters
from worker.enrich.gazetteer import find_all, longest
from worker.enrich.pipeline import load
from worker.model import Entity

NAMES = (
    "North Korea",
    "the UN Security Council",
    "John Kirby's",
    "U.S.",
    "ballistic missile launchers",
    "MV Ursa Major",
    "$1.5 billion",
    "December 30",
    "Zaporizhia",
    "Côte d’Ivoire",
)
HOSTILE = (
    "👩‍👩‍👧‍👦",
    "🇺🇦",
    "\u202eمجلس الأمن\u202c",
    "\x00",
    "\x1b[31m",
    "\u2028",
    "\r\n",
    "\n\n",
    "\t",
    "İSTANBUL",
    "ﬁ",
    "e\u0301\u0302",
    "\ufeff",
    "\u200b",
    "北朝鮮",
    "«»“”",
    "\U0010ffff",
)
pieces = st.one_of(st.sampled_from(NAMES), st.sampled_from(HOSTILE), st.text(max_size=8))
texts = st.lists(pieces, max_size=30).flatmap(
    lambda parts: st.sampled_from(["", " ", "\n"]).map(lambda by: by.join(parts))
)


@cache
def nlp() -> Language:
    return load(backend="numpy")


def assert_round_trip(doc: Doc, text: str) -> None:
    assert doc.text == text
    end = 0
    for ent in doc.ents:
        assert ent.text == text[ent.start_char : ent.end_char]
        assert ent.text.strip()
        assert ent.start_char >= end
        end = ent.end_char


@settings(max_examples=150, deadline=None)
@given(texts)
def test_entities_are_the_text_at_their_offsets(text: str) -> None:
    assert_round_trip(nlp()(text), text)


@settings(max_examples=100, deadline=None)
@given(texts)
def test_finds_lie_inside_the_text_and_apart(text: str) -> None:
    end = 0
    for find in longest(find_all(text)):
        assert end <= find.start < find.end <= len(text)
        end = find.end


@given(st.text())
def test_small_letters_keep_every_offset(text: str) -> None:
    assert len(small_letters(text)) == len(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n", "\x00" * 10, "A" * 5_000, "I-" * 2_000, "$" * 2_000, "1," * 3_000, "MV " * 2_000, "\u0300" * 500],
    ids=["empty", "blank", "newline", "nul", "one word", "hyphens", "signs", "digits", "cues", "marks"],
)
def test_degenerate_texts_pass(text: str) -> None:
    assert_round_trip(nlp()(text), text)


def test_a_text_of_a_million_characters_passes_with_the_same_names_as_its_parts() -> None:
    part = "John Kirby said at the White House that Pyongyang delivered ballistic missiles to Moscow. 👋\n"
    text = part * (1_000_000 // len(part))
    doc = nlp()(text)
    assert_round_trip(doc, text)
    assert {ent.text for ent in doc.ents} >= {"John Kirby", "Pyongyang", "Moscow", "ballistic missiles"}


def test_a_fresh_pipeline_reads_an_empty_text_first() -> None:
    assert load(backend="numpy")("").ents == ()


def test_documents_read_together_have_the_names_they_have_alone() -> None:
    texts = [f"{name} met Angela Merkel in Berlin. " * count for count, name in enumerate(NAMES, start=1)]
    together = [[(e.start_char, e.end_char, e.label_) for e in doc.ents] for doc in nlp().pipe(texts)]
    alone = [[(e.start_char, e.end_char, e.label_) for e in nlp()(text).ents] for text in texts]
    assert together == alone


def annotated(text: str) -> tuple[Entity, ...]:
    return tuple(
        Entity(ent.text, ent.label_, ent.start_char, ent.end_char, ent.kb_id_ or None) for ent in nlp()(text).ents
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4))
def test_entities_read_directly_are_those_of_the_annotated_documents(parts: list[str]) -> None:
    assert make_reader(nlp())(parts, [None] * len(parts), [NOT_SOUGHT] * len(parts)) == [
        annotated(text) for text in parts
    ]


def test_entities_of_real_news_read_directly_are_those_of_the_annotated_documents(shared: Path) -> None:
    lines = (shared / "topics" / "dev.jsonl").read_text("utf-8").splitlines()[::40]
    news = [row.get("text") or f"{row['title']}\n{row['body']}" for row in map(json.loads, lines)]
    assert make_reader(nlp())(news, [None] * len(news), [NOT_SOUGHT] * len(news)) == [annotated(text) for text in news]


def test_four_passages_of_real_news_are_in_the_language_of_the_whole(shared: Path) -> None:
    lines = (shared / "topics" / "dev.jsonl").read_text("utf-8").splitlines()[::20]
    for row in map(json.loads, lines):
        text = (row.get("text") or f"{row['title']}\n{row['body']}")[:2_000]
        code, probability = language._identify(" ".join(language._passages(text, 100)))
        if probability >= language._CLEAR:
            assert code == language._identify(text)[0], text[:80]
