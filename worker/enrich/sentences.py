"""Sentence boundaries by rule, for the cheap stages that run before any tokeniser.

Owns where a sentence starts and ends in raw text. Does not own tokens, zones or language: the rules are those
of English news prose (abbreviations, initials, decimals, closing quotes) and a line break always ends a sentence.
"""

import re
from typing import Final

# Before these words' full stop a name follows, so the stop is never the end: "Gen. Milley", "No. 10".
_TITLES: Final = frozenset(
    (
        "mr mrs ms mx dr prof gen lt col maj capt cmdr cpl sgt pvt adm rear brig sen rep reps sens gov pres "
        "hon rev fr st mt ft amb sec supt insp det atty msgr messrs mme mlle m no nos fig vs v al approx est "
        "ca cf eg ie e.g i.e lt.gen maj.gen vol art pp"
    ).split()
)
# These end a sentence only where the next word does not look like a continuation of a name.
_SOFT: Final = frozenset(
    (
        "inc ltd corp co cos llc plc bros jr sr ph.d u.s u.k u.n e.u u.a.e u.s.a d.c a.m p.m jan feb mar apr "
        "jun jul aug sept sep oct nov dec calif fla mass conn ariz ill mich minn tenn tex wash etc dept univ "
        "assn ave blvd rd"
    ).split()
)
_STARTERS: Final = frozenset(
    (
        "the a an he she it they we you i but and in on at for this that these those his her its their there "
        "after before when while as if however meanwhile since with by from who what why how one some many "
        "most according read click watch mr mrs ms dr both such also now then last earlier"
    ).split()
)
_MARKS: Final = ".!?…。！？؟"
_BREAKS: Final = r"\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
# One class of letters comes first, which the search skips to. A run of marks is tried from its first one only and never
# given back, so hostile runs stay linear.
_STOP: Final = re.compile(
    rf"[{_MARKS}{_BREAKS}](?:"
    rf"(?<=[{_MARKS}])(?<![{_MARKS}]{{2}})[{_MARKS}]*+[\"'”’»)\]]*+(?=\s)"
    rf"|(?<=[{_BREAKS}])[{_BREAKS}]*+)"
)
_LAST_WORD: Final = re.compile(r"[^\s(\[“\"‘']{1,24}+$")
_NEXT_WORD: Final = re.compile(r"\s*[\"'“‘«(\[]*([^\s\"'”’,;:.!?)\]]{0,24})")
_LOOKBACK: Final = 25
"""As far as the last word may reach, a line break behind it included."""
_INITIAL: Final = re.compile(r"(?:[A-Z]\.)*[A-Z]$")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return half-open character offsets of the sentences of ``text``, in order, disjoint and never blank.

    Each span is trimmed of white space; everything outside the spans is white space.
    Linear in the length of the text.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for stop in _STOP.finditer(text):
        if _is_boundary(text, stop):
            _append_trimmed(spans, text, start, stop.end())
            start = stop.end()
    _append_trimmed(spans, text, start, len(text))
    return spans


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    inner = piece.strip()
    if inner:
        offset = start + len(piece) - len(piece.lstrip())
        spans.append((offset, offset + len(inner)))


def _is_boundary(text: str, stop: re.Match[str]) -> bool:
    mark = stop.group()
    if mark.isspace():
        return True
    follow = _NEXT_WORD.match(text, stop.end())
    word = follow.group(1) if follow else ""
    # "What now?" she asked / "wait ... what": a lower-case word continues the sentence.
    if word[:1].islower():
        return False
    is_full_stop = mark[0] == "." and len(mark.rstrip("\"'”’»)]")) == 1
    return not is_full_stop or _ends_after_full_stop(_word_before(text, stop.start()), word)


def _word_before(text: str, position: int) -> str:
    found = _LAST_WORD.search(text[max(0, position - _LOOKBACK) : position])
    return found.group() if found else ""


def _ends_after_full_stop(before: str, after: str) -> bool:
    lowered = before.lower()
    if lowered in _TITLES and (before[:1].isupper() or not after[:1].isupper()):
        return False
    if lowered in _SOFT or _INITIAL.match(before):
        return after.lower() in _STARTERS and before != "I"
    return True
