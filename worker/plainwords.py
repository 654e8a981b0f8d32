"""The words of a text without a pattern, for most texts: those of ASCII letters and usual typographic marks."""

_MARKS = (
    "\u2019\u2018\u201c\u201d\u2013\u2014\u2026\u00a0\u2022\u00b7\u00b4\u00a3\u20ac\u00a9\u00ae\u2122\u00ad\u2010\u2011"
)
"""Beyond ASCII what texts have most of; none is a letter, a digit or an underscore."""
_ALONE = bytes(code if chr(code).isalnum() else ord(" ") for code in range(128)).ljust(256)
_WITH_UNDERSCORE = bytes(code if chr(code).isalnum() or chr(code) == "_" else ord(" ") for code in range(128)).ljust(
    256
)


def spread_words(text: str, *, has_underscores: bool = False) -> bytes | None:
    r"""The runs of letters and digits, in order, with blanks between: what `[^\W_]+` finds (with underscores: `\w+`).

    None where the text has other letters or marks, so that only a pattern can tell.
    """
    if not text.isascii():
        for mark in _MARKS:
            text = text.replace(mark, " ")
        if not text.isascii():
            return None
    return text.encode().translate(_WITH_UNDERSCORE if has_underscores else _ALONE)
