"""A watched phrase is found wherever a reader would find it, at its exact place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker import terms as terms_
from worker.terms import TermIndex, fold, is_term


def found(terms, text):
    return {term: [text[start:end] for start, end in spans] for term, spans in TermIndex(terms).find(text).items()}


@pytest.mark.parametrize(
    ("term", "text", "words"),
    [
        ("arms deal", "An Arms Deal was signed.", ["Arms Deal"]),
        ("arms deal", "an arms\n  deal", ["arms\n  deal"]),
        ("arms deal", "brothers in arms.\n\nDeal!", []),
        ("missile*", "two missiles, one missile", ["missiles", "missile"]),
        ("missile", "two missiles", []),
        ("arm", "army alarm arm", ["arm"]),
        ("U.S.", "the U.S. said", ["U.S."]),
        ("O'Hara", "Mr O’Hara left", ["O’Hara"]),
        ("north-east", "north\u2011east", ["north\u2011east"]),
        ("İzmir", "in İzmir", ["İzmir"]),
        ("ракет*", "Ракеты и ракетами", ["Ракеты", "ракетами"]),
        ("a b", "a b a b", ["a b", "a b"]),
    ],
)
def test_a_term_stands_where_a_reader_sees_it(term, text, words):
    assert found([term], text).get(term, []) == words


def test_overlapping_terms_are_all_found():
    assert set(found(["oil", "oil tanker", "tanker"], "an oil tanker")) == {"oil", "oil tanker", "tanker"}


@pytest.mark.parametrize(
    ("term", "ok"), [("ab*", False), ("abc*", True), ("*", False), ("a*b", False), ("...", False), ("x", True)]
)
def test_what_can_be_watched(term, ok):
    assert is_term(term) is ok


def test_no_terms_find_nothing():
    assert found([], "text") == {}


@given(st.text(max_size=200))
def test_folding_keeps_every_offset(text):
    assert len(fold(text)) == len(text)


@given(
    st.lists(st.text(alphabet="abc \n\t", min_size=1, max_size=6).filter(is_term), max_size=5),
    st.text(alphabet="abcABC \n\t.", max_size=80),
)
def test_every_find_is_the_term(terms, text):
    def normal(words):
        return " ".join(fold(words).split())

    for term, spans in TermIndex(terms).find(text).items():
        assert all(normal(text[start:end]) == normal(term) for start, end in spans)


@given(st.text(alphabet=st.one_of(st.sampled_from("a \n\t\xa0\u2028\x1c"), st.characters()), max_size=60))
def test_a_tidy_texts_runs_of_white_space_are_those_of_any_text(text):
    def slowly(text):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(terms_, "_is_tidy", lambda _: False)
            return terms_._squeeze(text)

    assert terms_._squeeze(text) == slowly(text)
