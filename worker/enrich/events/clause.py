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
_ADMITTING: Final = frozenset("admit admits admitted acknowledge acknowledged confirm confirms confirmed".split())
_CONTROL: Final = (
    "ceasing",
    "undoing",
    "planned",
    "requested",
    "negated",
    "hypothetical",
    "hedged",
    "denied",
    "rejecting",
    "help",
    "say",
)
_LEADING: Final = frozenset("of for in by about with from up on out over against into at short off to".split())
"""Prepositions and particles before a gerund: "ruled out on selling"."""
_PARTICLES: Final = frozenset(("up", "in", "out", "on"))
_THROUGH: Final = frozenset("would could may might interest interested".split())
_CAUSES: Final = frozenset(("for", "by", "with", "in"))
"""Before a gerund these part it from the verb before: one "will pay for selling" what was sold."""
_MODALS: Final = frozenset("will would 'll shall could can may might must should to".split())
_SPOKEN_OF: Final = frozenset("accused suspected charged convicted believed thought alleged guilty".split())
"""Participles that go with the mention right before: "firms accused of selling"."""
_APART: Final = frozenset(
    "because although though while when if unless since whereas but so who which whose where that".split()
)
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
    """The verb at `at` with its auxiliaries, adverbs and the verbs and nouns that control it.

    A second verb shares what the first is led by ("will build and sell", "plans to build and sell").
    """
    group = _led(units, at)
    if (first := _shared(units, group)) < 0:
        return group
    outer = _led(units, first)
    return VerbGroup(outer.start, at, (*group.cues, *outer.cues), group.is_participle)


def _shared(units: Sequence[Unit], group: VerbGroup) -> int:
    """The first of two coordinated verbs in the base form, which a modal or "to" leads; -1 where there is none."""
    verb = units[group.at].word
    before = units[group.start - 1].word if group.start else ""
    if before not in AND or any(cue in words("auxiliaries") for cue in group.cues) or not _is_base(verb):
        return -1
    for i in range(group.start - 2, max(-1, group.start - _FURTHEST), -1):
        word = units[i].word
        if units[i].kind == "mark" and word in ";:.":
            return -1
        if units[i].kind == "word" and word in _APART:
            return -1
        if units[i].kind == "word" and word in _MODALS:
            verb_at = i + 2 if units[i + 1].kind == "mark" and units[i + 1].word in QUOTES else i + 1
            return verb_at if units[verb_at].kind == "word" and not units[verb_at].word[0].isdigit() else -1
    return -1


def _is_base(verb: str) -> bool:
    forms = words("give", "get", "impose", "sanction_verbs", "violate")
    stems = (verb, verb[:-1], verb + verb[-1])
    return not verb.endswith(("ed", "ing")) and any(stem + "ing" in forms for stem in stems)


def _led(units: Sequence[Unit], at: int) -> VerbGroup:
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
        elif is_gerund and word in _LEADING:
            pass
        elif is_led and (word in _PARTICLES or word in words("aspect")):
            is_gerund = word.endswith("ing")
        else:
            break
        if not is_cause or word in words("hedged") or word in _THROUGH:
            cues.append(word)
        is_cause = is_cause or (is_gerund and word in _CAUSES)
        i -= 1
    return VerbGroup(i + 1, at, tuple(cues), is_participle=not units[at].word.endswith("ing"))


def subjects(units: Sequence[Unit], start: int) -> tuple[int, ...]:
    """The units (coordinated ones all) that are the subject of the verb group which begins at `start`."""
    near = _at_hand(units, start)
    return _searched(units, start) if near is None else near


def _at_hand(units: Sequence[Unit], start: int) -> tuple[int, ...] | None:
    """The subject where the words right before decide it; None where it has to be searched."""
    if (controlled := _controlled(units, start)) >= 0:
        return coordinated(units, controlled)
    before = units[start - 1] if start else None
    if before is None or before.kind != "word":
        is_spoken_of = before is not None and before.kind in _NOMINAL and units[start].word in _SPOKEN_OF
        return coordinated(units, start - 1) if is_spoken_of else None
    if before.word in words("say") - words("denied") - _ADMITTING:
        return ()
    if start > 1 and before.word == "'s" and units[start - 2].kind in _NOMINAL:
        return (start - 2,)
    if before.word == "for" and units[start].word in ("permission", "approval"):
        asked = next((i for i in range(start - 2, max(-1, start - 6), -1) if units[i].word in words("requested")), -1)
        return subjects(units, verb_group(units, asked).start) if asked > 0 else None
    return _antecedent(units, start - 1) if before.word in _RELATIVES else None


def _antecedent(units: Sequence[Unit], relative: int) -> tuple[int, ...] | None:
    """What a relative pronoun stands for; nothing where that is no mention."""
    i = relative - 2 if relative and units[relative - 1].word == "," else relative - 1
    if i < 0 or units[i].kind == "mark" or (units[i].kind == "word" and units[i].word in words("say")):
        return None
    return coordinated(units, i) if units[i].kind in _NOMINAL else ()


def _searched(units: Sequence[Unit], start: int) -> tuple[int, ...]:
    """The nearest mention on the left that no preposition governs, else the nearest of all."""
    i = _before_aside(units, start - 1)
    fallback = -1
    first = max(-1, start - _FURTHEST)
    while i > first:
        unit = units[i]
        if unit.kind in _NOMINAL:
            prep = preposition(units, i)
            if prep < 0:
                return coordinated(units, i)
            is_better = fallback < 0 or (unit.kind == "party" and units[fallback].kind == "goods")
            fallback = i if is_better else fallback
            i = prep - 1
        elif _parts(units, i, is_far=fallback >= 0 and i < start - 2, is_found=fallback >= 0):
            break
        else:
            is_aside = (unit.kind, unit.word) == ("mark", ",") and fallback < 0
            i = _before_aside(units, i) if is_aside else i - 1
    return coordinated(units, fallback) if fallback >= 0 else ()


def _parts(units: Sequence[Unit], i: int, *, is_far: bool, is_found: bool) -> bool:
    """Whether the clause begins after `i`."""
    if units[i].kind == "mark":
        return units[i].word in ";:" or (units[i].word == "," and is_far)
    return is_found and units[i].kind == "word" and units[i].word in words("boundaries")


def _controlled(units: Sequence[Unit], start: int) -> int:
    """As in "calls on X to send", "countries re-exporting": the mention right before an infinitive or participle; else -1."""
    i = start - 1
    if i > 0 and units[i].kind == "goods" and units[i - 1].word == "for" and units[start].word == "to":
        return i
    if i < 1 or units[i].kind not in ("party", "pronoun") or start >= len(units):
        return -1
    if units[start].word.endswith("ing") or units[start].word in ("for", "into", "from"):
        return i
    prep = preposition(units, i)
    if units[start].word == "to" and prep >= 0 and units[prep].word == "for":
        return i
    before = units[prep - 1].word if prep > 0 else ""
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
