"""What stands to the right of a verb or noun in its clause, each mention with the preposition that leads to it."""

from collections.abc import Iterator, Sequence
from typing import Final

from worker.enrich.events.clause import AND, LONGEST_ASIDE, QUOTES
from worker.enrich.events.units import Unit
from worker.enrich.events.words import words

_FINITE: Final = frozenset(
    "is are was were has have had will would could can may might must should constitute constitutes constituted".split()
)
_ABOUT: Final = frozenset("over about around up nearly almost some roughly".split())
_OWNING: Final = frozenset("its their his our my your".split())
_HANDING: Final = frozenset("hand hands handed handing turn turned turning".split())
_SMALL: Final = frozenset("'s both up out as at least".split())
_FARTHEST_BUT: Final = 10
_UNKNOWN: Final = "?"
"""Stands for the preposition of a mention behind a noun that is no mention: "in the wake of the 2015 deal"."""


def reach(units: Sequence[Unit], at: int) -> Iterator[tuple[str, int]]:
    """What follows `at` in its clause as (preposition, unit): goods, parties, pronouns, amounts and dates."""
    prep = ""
    i = at + 2 if units[at].word in _HANDING and at + 1 < len(units) and units[at + 1].word == "over" else at + 1
    last = -1
    while i < len(units):
        unit = units[i]
        if unit.word == "not" and i + 1 < len(units) and units[i + 1].word in words("prepositions"):
            i, prep = _past_contrast(units, i), ""
        elif unit.kind == "mark":
            step = _past_mark(units, i, last)
            if not step:
                return
            i = step
        elif unit.kind in ("word", "origin"):
            if _ends(units, i, last):
                return
            prep = _preposition_after(units, i, prep)
            i += 1
        else:
            if not (unit.word in _OWNING and i + 1 < len(units) and units[i + 1].kind != "mark"):
                yield prep, i
                last = i
                prep = prep if _leads_on(units, i) else ""
            i += 1


def _past_contrast(units: Sequence[Unit], i: int) -> int:
    """Behind the "but" of "not from Peru but from Chad"; the end where none follows."""
    for j in range(i + 2, min(len(units), i + _FARTHEST_BUT)):
        if units[j].word == "but":
            return j + 1
        if units[j].kind == "mark" and units[j].word in ".;:":
            break
    return len(units)


def _ends(units: Sequence[Unit], i: int, last: int) -> bool:
    """Whether the clause ends at the word `i`, the last mention having been `last`."""
    word = units[i].word
    if word in words("boundaries"):
        return not (word in ("since", "after", "before") and i + 1 < len(units) and units[i + 1].kind == "date")
    if word in AND:
        return not _goes_on(units, i, last)
    return last >= 0 and (word in words("say") or word in _FINITE or (word == "to" and _is_infinitive(units, i)))


def _preposition_after(units: Sequence[Unit], i: int, prep: str) -> str:
    unit = units[i]
    after = units[i + 1] if i + 1 < len(units) else None
    if unit.word in _ABOUT and after is not None and (after.quantity or after.word[0].isdigit()):
        return prep
    if unit.word == "at" and after is not None and after.word in ("least", "most"):
        return prep
    if unit.word in words("prepositions"):
        return unit.word
    is_noun = unit.kind == "word" and unit.word not in _SMALL | AND and not unit.word[0].isdigit()
    return _UNKNOWN if prep and is_noun else prep


def _leads_on(units: Sequence[Unit], i: int) -> bool:
    """Whether the preposition of the mention at `i` also leads to the next: a list goes on, or it is a possessor."""
    after = units[i + 1].word if i + 1 < len(units) else ""
    return after in AND or after in (",", "'s")


def _is_infinitive(units: Sequence[Unit], i: int) -> bool:
    after = units[i + 1] if i + 1 < len(units) else None
    is_noun = after is None or after.kind != "word" or after.word in ("the", "a", "an", "both", "its", "their")
    return not is_noun and after is not None and not after.word[0].isdigit()


def _past_mark(units: Sequence[Unit], i: int, last: int) -> int:
    """Where to go on after the mark at `i`; 0 where the clause ends there."""
    word = units[i].word
    if word in QUOTES or word in ("$", "#", "%", "•"):
        return i + 1
    if word == "(":
        return next((j + 1 for j in range(i, min(len(units), i + LONGEST_ASIDE)) if units[j].word == ")"), 0)
    if (
        word == "-"
        and i + 1 < len(units)
        and units[i].end == units[i + 1].start
        and i
        and units[i - 1].end == units[i].start
    ):
        return i + 1
    if word == "," and i + 1 < len(units):
        follows = units[i + 1]
        if last >= 0 and follows.kind == units[last].kind and _lists(units, i + 1):
            return i + 1
        if follows.word in ("including", "such") and last >= 0:
            return i + 2
    return 0


def _lists(units: Sequence[Unit], i: int) -> bool:
    """Whether the mention at `i` is one of a list and no clause of its own."""
    end = i + 1
    while (
        end + 1 < len(units)
        and (units[end].word in AND or units[end].word == ",")
        and units[end + 1].kind == units[i].kind
    ):
        end += 2
    if end < len(units) and units[end].word in words("say") | words("auxiliaries") - {"to", "not"}:
        return False
    after = units[i + 1].word if i + 1 < len(units) else ""
    return after in ("and", "or", ",", "", ".", "for", "over", "to")


def _goes_on(units: Sequence[Unit], i: int, last: int) -> bool:
    """Whether the "and" at `i` joins a further mention of the kind before it."""
    if last < 0 or i + 1 >= len(units):
        return False
    follows = units[i + 1]
    if follows.kind != units[last].kind:
        return follows.kind == "word" and follows.word in ("several", "other", "others")
    after = units[i + 2] if i + 2 < len(units) else None
    return (
        after is None
        or after.kind == "mark"
        or after.word not in words("auxiliaries", "say", "give")
        or after.word == "to"
    )
