"""Sentence boundaries: offsets that always hold, and the rules of English news prose."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.enrich.sentences import split_sentences

SHARED = Path(os.environ.get("TOCSIN_SHARED", Path(__file__).parents[3] / "shared"))
HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from(".!?…\n\r\t \u2028\x00\x1c\u200f\u202e\"'”)]A.aU.S🚀👩‍👩‍👧שלוםمرحبا"),
        st.characters(codec="utf-8"),
    ),
    max_size=400,
)


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@given(HOSTILE)
@settings(deadline=None)
def test_spans_are_ordered_disjoint_trimmed_and_miss_only_white_space(text: str) -> None:
    spans = split_sentences(text)
    end = 0
    for start, stop in spans:
        assert end <= start < stop <= len(text)
        assert text[start:stop] == text[start:stop].strip()
        assert not text[end:start].strip()
        end = stop
    assert not text[end:].strip()


@pytest.mark.parametrize(
    ("text", "expected", "why"),
    [
        ("", [], "nothing in, nothing out"),
        (" \n\t ", [], "white space is no sentence"),
        ("One. Two.", ["One.", "Two."], "a full stop before a capital"),
        ("Title\nBody", ["Title", "Body"], "a line break always ends a sentence"),
        ("Gen. Milley met Mr. Kuleba.", ["Gen. Milley met Mr. Kuleba."], "titles"),
        ("The U.S. Navy left. It sailed.", ["The U.S. Navy left.", "It sailed."], "a country inside a name"),
        (
            "They left the U.S. The crew stayed.",
            ["They left the U.S.", "The crew stayed."],
            "a country at the end",
        ),
        ("J. R. Smith paid $3.5 million.", ["J. R. Smith paid $3.5 million."], "initials and decimals"),
        ("“Stop!” he said. “Why?”", ["“Stop!” he said.", "“Why?”"], "a quotation goes on in lower case"),
        (
            "He said “no.” She left.",
            ["He said “no.”", "She left."],
            "a closing quote belongs to its sentence",
        ),
        ("No. 10 fell in Jan. 2023.", ["No. 10 fell in Jan. 2023."], "abbreviations before figures"),
        ("Wait... what? Yes.", ["Wait... what?", "Yes."], "dots that go on"),
    ],
)
def test_boundaries(text: str, expected: list[str], why: str) -> None:
    assert pieces(text) == expected, why


@pytest.mark.parametrize("unit", [".", '."', "\n", "a. ", ". ", "A.", "\x00", " .\n", ".\u2028"])
def test_a_hostile_megabyte_is_linear(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert all(start < end for start, end in split_sentences(text))


def test_most_boundaries_of_real_news_agree_with_the_labelled_ones() -> None:
    path = SHARED / "data" / "topics" / "dev.jsonl"
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path.name} is missing")
        pytest.skip("needs the shared topic data")
    right = ours = theirs = 0
    for line in path.read_text("utf-8").splitlines():
        item = json.loads(line)
        labelled, found = {tuple(span) for span in item["sents"]}, set(split_sentences(item["text"]))
        right, ours, theirs = right + len(labelled & found), ours + len(found), theirs + len(labelled)
    assert 2 * right / (ours + theirs) > 0.93
