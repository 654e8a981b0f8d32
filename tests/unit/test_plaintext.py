"""Readers see words; what is invisible or executable is gone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.plaintext import html_to_text, one_line, tidy


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("a &amp; b &lt; c", "a & b < c"),
        ("<script>alert(1)</script>words<style>x{}</style>", "words"),
        ("<b>bo</b>ld and<br>break", "bold and\n\nbreak"),
        ("<img src=x onerror=alert(1)>title", "title"),
        ("<div>" * 5_000 + "deep", "deep"),
        ("<!-- c -->x<!-- d -->", "x"),
        ("5 < 6", "5 < 6"),
        ("", ""),
    ],
)
def test_markup_becomes_text(html, text):
    assert html_to_text(html) == text


@pytest.mark.parametrize("char", ["\u202e", "\u200b", "\ufeff", "\x00", "\x1b", "\u2066", "\u00ad", "\ud800"])
def test_invisible_characters_vanish(char):
    assert tidy(f"a{char}b") == "ab"


def test_a_title_is_one_line():
    assert one_line("A <b>title</b>\n on \t two lines") == "A title on two lines"


@given(st.text(max_size=300))
def test_tidying_twice_changes_nothing(text):
    assert tidy(tidy(text)) == tidy(text)


@given(st.text(max_size=300))
def test_no_text_makes_it_fail(text):
    assert "\x00" not in html_to_text("<p>" + text)
