"""Counted nouns for people: 1 watch, 2 watches, no "1 watches"."""

_ES = ("s", "x", "ch", "sh")


def counted(number: int, noun: str) -> str:
    """The number with its noun, whose plural is regular."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {_plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(_ES) else "s")
