"""Readers see words; what is invisible or executable is gone."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.plaintext import html_to_text, one_line, tidy, words

ODD_TEXTS = st.one_of(
    st.text(max_size=60),
    st.text("ab \n\t\r\xa0\u2028\u2029\u3000\u200b\u0301é’.\u2003\x1c\x85\x0b\ud800_ßİ²", max_size=30),
)


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


@given(ODD_TEXTS)
def test_spaces_and_breaks_of_any_kind_are_told_by_unicode(text):
    seen = re.sub("[\u2028\r]", "\n", text.replace("\r\n", "\n"))
    visible = "".join(
        sign for sign in seen if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Cn")
    )
    lines = re.sub(r"[^\S\n]+", " ", unicodedata.normalize("NFC", visible))
    # what Unicode has not assigned is kept, but for noncharacters
    if not any(unicodedata.category(sign) == "Cn" for sign in text):
        assert tidy(text) == re.sub(r" ?\n[\n ]*", "\n\n", lines).strip()


@given(ODD_TEXTS)
def test_words_are_what_unicode_takes_for_words(text):
    assert [word.decode("utf-8", "surrogatepass") for word in words(text)] == re.findall(r"\w+", text.casefold())


def test_a_text_of_nothing_but_odd_signs_is_read_in_one_pass():
    signs = "".join(map(chr, range(0x2500, 0x2600)))
    assert words(f"one{signs}two") == [b"one", b"two"]
