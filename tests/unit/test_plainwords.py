"""Words are the same with and without a pattern."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker import plainwords
from worker.plainwords import spread_digits, spread_words, words

TEXTS = st.text(st.one_of(st.characters(max_codepoint=127), st.sampled_from(plainwords._MARKS + "éß_٣中")))


@given(text=TEXTS)
def test_what_is_spread_is_what_the_patterns_find(text):
    assert [word.decode() for word in words(text)] == re.findall(r"\w+", text)
    if (spread := spread_words(text)) is not None:
        assert spread.decode().split() == re.findall(r"[^\W_]+", text)


NUMBER = re.compile(r"\d+(?:[.,]\d{3})*(?!\d)")


@given(text=st.text(st.one_of(st.sampled_from("0123456789,. a\n"), st.characters())))
def test_numbers_are_the_same_where_only_their_signs_are_left(text):
    assert NUMBER.findall(spread_digits(text)) == NUMBER.findall(text)


@pytest.mark.parametrize("mark", plainwords._MARKS)
def test_a_mark_is_part_of_no_word(mark):
    assert not re.match(r"\w", mark)
    assert spread_words(f"a{mark}b") == b"a b"


@pytest.mark.parametrize("text", ["café", "٣", "中文", "ﬁ"])
def test_other_letters_are_left_to_a_pattern(text):
    assert spread_words(text) is None
