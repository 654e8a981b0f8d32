"""What stands around an event beyond its verb group and decides its modality: "the risks of …", "a choice over …", "…, which X denies"."""

from collections.abc import Sequence
from typing import Final

from worker.enrich.events.draft import Draft
from worker.enrich.events.modality import operator_of
from worker.enrich.events.units import Unit
from worker.enrich.events.words import words
from worker.model import Modality

_OUTCOMES: Final = frozenset("cost costs consequence consequences risk risks danger dangers".split())
_CHOICES: Final = frozenset("choice choices vote decision dilemma shift off".split())
_PROSPECTIVE: Final = frozenset("possible potential prospective".split())
_WOULD: Final = frozenset("would could may might".split())
_DENYING: Final = frozenset("denies denied deny rejects rejected".split())
_HEARSAY: Final = frozenset(
    "reports allegations allegation accusations accusation claims estimates suspicions concern concerns".split()
)
_HEARSAY_LEADS: Final = frozenset("that of over saying by a".split())
_MAY: Final = frozenset(("may", "might"))
_FAILING: Final = frozenset("fail fails failed failing unable".split())
_AGREEING: Final = frozenset("agree agreement deal dispute decision consensus".split())
_LEADS: Final = frozenset("on over about to".split())
_CRIMES: Final = frozenset("conspiracy conspiring conspired".split())
_CHARGED: Final = frozenset("charged charges accused accuses indicted prosecuted".split())


def around(units: Sequence[Unit], draft: Draft, cues: Sequence[str]) -> Modality | None:
    """The modality that the event's surroundings give it; None where its own words decide. `cues` stand nearest first."""
    at = draft.at
    if draft.type != "sanction" and _is_denied(units, at):
        return "denied"
    is_prospect = draft.type == "sanction" and bool(_PROSPECTIVE & {_word(units, at - 1), _word(units, at - 2)})
    if is_prospect or _is_outcome(units, at):
        return "hypothetical"
    return _by_lead(units, at, cues) if any(operator_of(cue) for cue in cues) else _of_bare(units, draft)


def _of_bare(units: Sequence[Unit], draft: Draft) -> Modality | None:
    """What stands around an event that no word next to it bears on."""
    at = draft.at
    if _word(units, at - 1) in ("on", "over") and _word(units, at - 2) in _CHOICES:
        return "planned"
    if _is_subject(units, at):
        return "hypothetical"
    if draft.type != "sanction" and _is_hearsay(units, at):
        return "alleged"
    return _by_lead(units, at, draft.cues)


def _by_lead(units: Sequence[Unit], at: int, cues: Sequence[str]) -> Modality | None:
    """What leads the event's verb: "time to", "charged with conspiracy to", "failed to agree on", "may be", "said to have"."""
    led_by = _word(units, at - 2) if "to" in cues[:1] else ""
    if led_by == "time":
        return "requested"
    if led_by in _CRIMES and any(unit.word in _CHARGED for unit in units[:at]):
        return "alleged"
    if not any(operator_of(cue) in ("not", "bar", "cease") for cue in cues) and _has_failed(units, at):
        return "negated"
    is_under_way = units[at].word.endswith("ing") and "be" in cues and bool(_MAY & set(cues))
    is_told = {"said", "to"} <= set(cues[:4]) and "have" in cues
    return "alleged" if is_under_way or is_told else None


def _word(units: Sequence[Unit], i: int) -> str:
    return units[i].word if i >= 0 and units[i].kind == "word" else ""


def _is_outcome(units: Sequence[Unit], at: int) -> bool:
    """As in "risks of Peru being blacklisted", "consequences of helping X evade"."""
    for i in range(at - 1, max(0, at - 6), -1):
        if units[i].kind == "mark" and units[i].word in ",;:":
            return False
        if _word(units, i) == "of":
            outcome = i - 1
            while outcome > 0 and units[outcome].kind == "mark":
                outcome -= 1
            return _word(units, outcome) in _OUTCOMES
    return False


def _is_subject(units: Sequence[Unit], at: int) -> bool:
    """As in "sending X jets would …": a gerund with a verb of its own that leaves it open."""
    is_gerund = units[at].word.endswith("ing")
    if not is_gerund and _word(units, at) not in words("nouns_give"):
        return False
    for unit in units[at + 1 :]:
        if unit.kind == "mark" and unit.word in ",;:.":
            return False
        if unit.kind == "word" and unit.word in _WOULD:
            return is_gerund or unit.word == "would"
        if unit.kind == "word" and unit.word in words("boundaries"):
            return False
    return False


def _has_failed(units: Sequence[Unit], at: int) -> bool:
    """As in "failed to reach agreement with Peru on sending", "unable to resolve a dispute over sending"."""
    if _word(units, at - 1) not in _LEADS:
        return False
    for i in range(at - 1, -1, -1):
        if units[i].kind == "mark" and units[i].word in ",;:":
            return False
        if _word(units, i) in _FAILING and _word(units, i + 1) == "to":
            return any(unit.word in _AGREEING for unit in units[i:at])
    return False


def _is_denied(units: Sequence[Unit], at: int) -> bool:
    """As in "…, which Peru denies", "…, a charge that Peru denies", "…; Peru denies it"."""
    for i in range(at + 1, len(units) - 1):
        if units[i].kind in ("party", "pronoun") and _word(units, i + 1) in _DENYING:
            return _word(units, i - 1) in ("which", "that") or (i > 0 and units[i - 1].word in ";,")
    return False


def _is_hearsay(units: Sequence[Unit], at: int) -> bool:
    """As in "amid allegations that Peru sold rifles": nobody is named who says it."""
    for i in range(at - 1, -1, -1):
        if units[i].kind == "mark" and units[i].word in ",;:":
            return False
        is_claimed = _word(units, i) in _HEARSAY and _word(units, i + 1) in _HEARSAY_LEADS
        if is_claimed or _word(units, i) == "reportedly":
            return True
    return False
