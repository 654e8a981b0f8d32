"""Finding one's way in a clause: who is its subject, what belongs to its verb, which mentions are joined.

A shallow reading: prepositions, commas and a few verbs decide; there is no parse tree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.enrich.events.units import Unit
from worker.enrich.events.words import words

_NOMINAL: Final = frozenset(("party", "goods", "pronoun"))
_RELATIVES: Final = frozenset(("who", "which", "that"))
_BE: Final = frozenset("is are was were be been being get gets got".split())
AND: Final = frozenset(("and", "or", "&", "as-well-as"))
_PAIRS: Final = {"(": ")", "–": "–", "—": "—", "-": "-", "‘": "’"}
QUOTES: Final = frozenset("\"“”‘’'")
_CONTROL: Final = ("planned", "requested", "negated", "hypothetical", "hedged", "denied", "help", "say")
_CAUSES: Final = frozenset(("for", "by", "with", "in"))
"""Before a gerund these part it from the verb before: one "will pay for selling" what was sold."""
LONGEST_ASIDE: Final = 14
_FURTHEST: Final = 30


@dataclass(frozen=True, slots=True)
class VerbGroup:
    """A verb with what belongs to it on its left: `start` is its first unit, `cues` the words passed, nearest first."""

    start: int
    at: int
    cues: tuple[str, ...]
    is_participle: bool = True

    @property
    def is_passive(self) -> bool:
        """Whether a form of be stands nearest among the auxiliaries of a participle."""
        near = next((cue for cue in self.cues if cue in _BE or cue in ("have", "has", "had", "to", "will")), "")
        return near in _BE and self.is_participle


def verb_group(units: Sequence[Unit], at: int) -> VerbGroup:
    """The verb at `at` with its auxiliaries, adverbs and the verbs and nouns that control it."""
    cues: list[str] = []
    is_gerund = units[at].word.endswith("ing")
    is_cause = False
    i = at - 1
    while i >= 0:
        word = units[i].word
        if units[i].kind == "mark" and word in QUOTES:
            i -= 1
            continue
        if cues and cues[-1] == "to" and (units[i].kind == "date" or units[i + 1].kind == "date"):
            i -= 1
            continue
        if units[i].kind != "word":
            break
        is_led = bool(cues and cues[-1] in ("to", "not")) or is_gerund
        if word in words("auxiliaries") or word.endswith("ly"):
            pass
        elif is_led and any(word in words(name) for name in _CONTROL):
            is_gerund = word.endswith("ing")
        elif is_gerund and word in ("of", "for", "in", "by", "about", "with", "from", "up", "on", "over", "against"):
            pass
        elif is_led and (word in ("up", "in", "out", "on") or word in words("aspect")):
            is_gerund = word.endswith("ing")
        else:
            break
        if not is_cause or word in words("hedged"):
            cues.append(word)
        is_cause = is_cause or (is_gerund and word in _CAUSES)
        i -= 1
    return VerbGroup(i + 1, at, tuple(cues), is_participle=not units[at].word.endswith("ing"))


def subjects(units: Sequence[Unit], start: int) -> tuple[int, ...]:
    """The units (coordinated ones all) that are the subject of the verb group which begins at `start`."""
    if (controlled := _controlled(units, start)) >= 0:
        return coordinated(units, controlled)
    if start and units[start - 1].kind == "word" and units[start - 1].word in words("say"):
        return ()
    i = _before_aside(units, start - 1)
    fallback = -1
    steps = 0
    while i >= 0 and steps < _FURTHEST:
        steps += 1
        unit = units[i]
        if unit.kind == "word" and unit.word in _RELATIVES and i + 1 >= start - 2 and fallback < 0:
            i = i - 2 if units[i - 1].word == "," else i - 1
            if i >= 0 and units[i].kind == "word" and units[i].word not in words("say"):
                return ()
            continue
        if unit.kind in _NOMINAL:
            prep = preposition(units, i)
            if prep < 0:
                return coordinated(units, i)
            fallback = i if fallback < 0 or (units[i].kind == "party" and units[fallback].kind == "goods") else fallback
            i = prep - 1
            continue
        if unit.kind == "mark" and (unit.word in ";:" or (unit.word == "," and fallback >= 0 and i < start - 2)):
            break
        if unit.kind == "word" and unit.word in words("boundaries") and fallback >= 0:
            break
        i = _before_aside(units, i) if unit.word == "," and fallback < 0 else i - 1
    return coordinated(units, fallback) if fallback >= 0 else ()


def _controlled(units: Sequence[Unit], start: int) -> int:
    """As in "calls on X to send", "countries re-exporting": the mention right before an infinitive or participle; else -1."""
    i = start - 1
    if i > 0 and units[i].kind == "goods" and units[i - 1].word == "for" and units[start].word == "to":
        return i
    if i < 1 or units[i].kind not in ("party", "pronoun") or start >= len(units):
        return -1
    if units[start].word.endswith("ing"):
        return i
    before = units[preposition(units, i) - 1].word if preposition(units, i) > 0 else ""
    return i if units[start].word == "to" and before in words("requested") else -1


def coordinated(units: Sequence[Unit], last: int) -> tuple[int, ...]:
    """`last` and the mentions joined to it by commas and "and" on its left, in the order of the text."""
    found = [last]
    i = last - 1
    while i > 0:
        if (units[i].word in AND and units[i - 1].kind == units[last].kind) or (
            units[i].word == ","
            and units[i - 1].kind == units[last].kind
            and (len(found) > 1 or _is_listed(units, last))
        ):
            i -= 1
        else:
            break
        found.insert(0, i)
        i -= 1
    return tuple(found)


def _is_listed(units: Sequence[Unit], last: int) -> bool:
    return last + 1 < len(units) and (units[last + 1].word in AND or units[last + 1].word == ",")


def preposition(units: Sequence[Unit], i: int) -> int:
    """The preposition that governs the mention at `i`, coordination included; -1 where there is none."""
    first = coordinated(units, i)[0]
    before = units[first - 1] if first else None
    if (
        before is not None
        and before.kind == "word"
        and before.word in words("prepositions")
        and before.word not in _SUBORDINATING
    ):
        return first - 1
    if before is not None and before.word == "'s" and first > 1:
        return -1
    return -1


_SUBORDINATING: Final = frozenset(("after", "before", "since", "until", "as", "than", "amid"))


def _before_aside(units: Sequence[Unit], i: int) -> int:
    """Skip what stands between commas, dashes or brackets right before a verb."""
    if i < 0 or units[i].kind != "mark":
        return i
    closing = units[i].word
    for j in range(i - 1, max(-1, i - LONGEST_ASIDE), -1):
        word = units[j].word
        if units[j].kind == "mark" and (word == closing == "," or _PAIRS.get(word) == closing):
            return j - 1
    return i - 1
