"""The verb or noun that leads an event's verb from beyond a mention: "persuaded Peru to sell", "calls for shells to be sent"."""

from collections.abc import Sequence
from typing import Final

from worker.enrich.events.clause import VerbGroup, coordinated, verb_group
from worker.enrich.events.modality import operator_of
from worker.enrich.events.units import Unit
from worker.enrich.events.words import words

_NOMINAL: Final = ("party", "pronoun", "goods")
_LED_BY: Final = frozenset(("to", "into", "from"))
_BEFORE: Final = frozenset(("on", "upon", "for", "with", "at", "of", "by", "from"))
_LEADING: Final = frozenset(("ask", "plan", "grant", "bar", "cease", "may", "undo", "deny", "leave", "try", "fail"))
_NOUNS: Final = frozenset(
    "refusal reluctance hesitation threat threats plea pleas call calls request requests demand demands permission approval plan plans decision pledge promise plans proposals offers bids decisions promises pledges agreements debate talks "
    "commitment offer proposal bid idea possibility prospect option ability ban pressure deal agreement intention".split()
)
_SUPPORTING: Final = frozenset("make makes made making take takes took taken reach reaches reached reaching".split())
"""As in "failed to make a decision on": what counts is what leads the verb."""
_DETERMINERS: Final = frozenset("a an the his her its their our any all further growing 's".split())
_NEAR: Final = 4


def controllers(units: Sequence[Unit], group: VerbGroup) -> tuple[str, ...]:
    """The words that lead the verb group from beyond the mention on its left, nearest first; most have none."""
    edge = group.start - 1
    if edge > 0 and group.cues[-1:] == ("to",) and units[edge].is_ranked:
        return ("first",)
    if not group.cues or edge < 0:
        return ()
    is_beyond = group.cues[-1] == "to" and units[edge].word in _NOUNS
    if is_beyond or group.cues[-1] in _NOUNS:
        return _over_noun(units, edge - is_beyond)
    if group.cues[-1] not in _LED_BY or edge < 1 or units[edge].kind not in _NOMINAL:
        return ()
    i = coordinated(units, edge)[0] - 1
    while i > 0 and units[i].kind == "word" and units[i].word in words("modifiers") | {"the", "a", "an", "other"}:
        i -= 1
    if i >= 0 and units[i].kind == "word" and units[i].word in _BEFORE:
        return _before_preposition(units, i)
    return _at(units, i)


def _over_noun(units: Sequence[Unit], i: int) -> tuple[str, ...]:
    """What governs a controlling noun: "rejects | new | pleas to sell"."""
    if no := next((k for k in (i, i - 1) if k >= 0 and units[k].word == "no"), -1) + 1:
        return ("no",) if all(unit.kind == "word" for unit in units[no : i + 1]) else ()
    while i > 0 and (units[i].word in _DETERMINERS | words("modifiers") or _is_compound(units[i])):
        i -= 1
    if i > 0 and units[i].word in ("for", "under"):
        i -= units[i].word == "for"
    return _at(units, i)


def _is_compound(unit: Unit) -> bool:
    """As in "billion-dollar", not the "called-off" that two words are read as."""
    return "-" in unit.word[1:] and operator_of(unit.word) is None


def _before_preposition(units: Sequence[Unit], preposition: int) -> tuple[str, ...]:
    for i in range(preposition - 1, max(-1, preposition - _NEAR), -1):
        if units[i].kind != "word" or units[i].word in words("boundaries"):
            break
        if found := _at(units, i):
            return found
    return ()


def _at(units: Sequence[Unit], i: int) -> tuple[str, ...]:
    """The controlling word at `i` with what stands around it."""
    if i < 0 or units[i].kind != "word":
        return ()
    word = units[i].word
    if operator_of(word) not in _LEADING and word not in words("help") and word not in _SUPPORTING:
        return ()
    outer = verb_group(units, i)
    return (word, *outer.cues, *(controllers(units, outer) if outer.cues else ()))
