"""How an article stands to an event: who claims it, and whether it happened, is planned, asked for, denied or imagined."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from worker.enrich.events.around import around
from worker.enrich.events.clause import QUOTES, subjects, verb_group
from worker.enrich.events.draft import Draft
from worker.enrich.events.measure import LIFTING
from worker.enrich.events.modality import compose, operator_of
from worker.enrich.events.reach import reach
from worker.enrich.events.units import Unit
from worker.enrich.events.words import words
from worker.model import Modality

_PARTY: Final = ("party", "pronoun")
_MAY: Final = frozenset(("may", "might", "could"))
_DONE: Final = frozenset("announced announce announces agree agreed agrees approve approved approves".split())
"""For a measure these mean that it is there; goods that were announced are still to come."""
_FIRST_UNITS: Final = 4
_SPOKEN_OF: Final = frozenset(
    "accused charged suspected blamed condemned found said believed thought reported alleged known".split()
)
_SEEN: Final = frozenset("seen described considered regarded viewed".split())
_INVERTED: Final = frozenset(
    "say says said adds added confirms confirmed reports reported claims claimed warns warned".split()
)
_ASIDE: Final = frozenset("who which whose whether if when because as after".split())
_SPEAKERS: Final = frozenset(("we", "i", "us", "me", "our", "my"))
"""In a quotation, whoever says it."""
_OURS: Final = frozenset(
    "country nation state republic kingdom government ministry army military forces navy company firm industry side".split()
)
"""Whose "our" somebody speaks for: "our country" is a speaker's own, "our ally" is another."""
_OFFICES: Final = frozenset("minister secretary president ministry government chancellor premier pm spokesman".split())
_NOT: Final = frozenset(("not", "n't", "never"))
_CLAIMED: Final = frozenset(
    "claims claim reports report allegations allegation accusations suggestions suggestion that".split()
)
_PERMITTING: Final = frozenset("permission approval licence license leave".split())
_WOULD: Final = frozenset("would could might".split())
_AHEAD: Final = frozenset("will would wo 'll to going".split())
_FORETELLING: Final = frozenset(
    "announced announces announcement statement deal agreement pledge pledged promise promised plan plans agreed decision decided".split()
)
"""What "would" that follows tells of as still to come."""
_TRYING: Final = frozenset(
    "attempt attempts try tries trying tried effort efforts seek seeks sought seeking aim aims to".split()
)
"""An attempt to evade sanctions is a violation."""
_TALKING: Final = frozenset("discuss discusses discussing discussed talks".split())
_WARNING: Final = frozenset("warn warns warned warning".split())
_TELLING: Final = frozenset(("tell", "tells", "told", "telling"))
_FACTUAL: Final = frozenset("managed manages found known used failed seen".split())
_ANNOUNCING: Final = frozenset(("announce", "announces", "announced"))
_NOT_SAYING: Final = frozenset((("report", "on"), ("plead", "guilty"), ("pleads", "guilty"), ("pleade", "guilty")))
"""The first six letters of a verb of saying, and the word after it that makes it another verb."""
_ARTICLES: Final = frozenset(("a", "an", "the"))
_NOUNS: Final = frozenset(
    "call calls report reports claim claims fear fears charge charges appeal appeals urge state note notes".split()
)
_ASKING: Final = frozenset("what which who whose when where how why".split())
"""A question that begins with one of these takes the event for granted."""
_QUESTIONS: Final = frozenset("about whether if why how what who which when where".split())
_CALLING: Final = frozenset("call calls called calling".split())
_FEWEST: Final = 4
_ATTEMPTS: Final = frozenset("attempt attempts effort efforts".split())
_FIGHTING: Final = frozenset(
    "crack cracks cracking crackdown clamp clamps clamping combat counter tackle fight fights fighting curb curbs monitor monitors "
    "monitoring against".split()
)
_BEING: Final = frozenset("is are was were be been am".split())
_FEW: Final = frozenset("two three four five six seven eight nine ten".split())
_EVIDENCE: Final = frozenset(
    "evidence indication indications signs proof suspicions fears concerns claims allegations".split()
)
_HAVING: Final = frozenset(
    "has have had find finds found see sees seen saw cites cited shares shared releases released".split()
)
_NEAR: Final = 6
_WHEN: Final = frozenset("on in at late early last this week month year night morning evening earlier later".split())
_FINDING: Final = frozenset("find finds found show shows showed conclude concluded".split())
_NAMED_FIRST: Final = frozenset(("US", "GB", "UN", "EU"))
_STOPPING: Final = ("bar", "cease", "fail")
_SELVES: Final = frozenset(("supplier", "recipient", "imposer", "violator"))


@dataclass(frozen=True, slots=True)
class Claim:
    """Unit `who` says what stands in [start, stop) of the sentence's units; `verb` is the word it is said with."""

    who: tuple[int, ...]
    start: int
    stop: int
    verb: str


def claims(units: Sequence[Unit]) -> list[Claim]:
    """Everything that somebody says in the sentence."""
    found = [*_by_verb(units), *_by_evidence(units), *_according(units), *_by_colon(units), *_by_dash(units)]
    breaks = [i for i, unit in enumerate(units) if unit.word in (";", "according")]
    return [_within(claim, breaks, units) for claim in found] if breaks else found


def _within(claim: Claim, breaks: Sequence[int], units: Sequence[Unit]) -> Claim:
    """The claim as far as the semicolons around its claimant, and the source that is named last."""
    at = claim.who[0]
    start = max((i + 1 for i in breaks if i < at and units[i].word == ";"), default=0)
    stop = min((i for i in breaks if i > at), default=claim.stop)
    return Claim(claim.who, max(claim.start, start), min(claim.stop, stop), claim.verb)


def judge(units: Sequence[Unit], draft: Draft, said: Sequence[Claim]) -> tuple[Modality, tuple[int, ...]]:
    """The event's modality and the units of its claimants."""
    claim = _innermost(draft, said)
    if claim and claim.verb in words("requested") and _PERMITTING & set(draft.cues):
        claim = _innermost(draft, [one for one in said if one is not claim])
    who = claim.who if claim else ()
    cues = _cues(units, draft, claim)
    is_own = bool(who) and _is_own(units, draft, who)
    is_foretold = claim is not None or any(unit.word in _FORETELLING for unit in units[: draft.at])
    if modality := around(units, draft, cues) or _marked(cues, draft, has_claim=is_foretold):
        is_denial = modality == "negated" and is_own and not _AHEAD & set(cues)
        return ("denied" if is_denial else modality), who
    if draft.type == "sanction" and not draft.cues:
        return "asserted", ()
    if _is_unreal(units, draft.at):
        return "hypothetical", who
    if units[-1].word == "?" and units[0].word not in _ASKING and not _is_apart(units, draft.at):
        return "hypothetical", who
    if draft.type != "violation" and not units[draft.at].word.endswith("ing") and _is_open(cues):
        return "planned", who
    return ("alleged" if who and not is_own else "asserted"), who


def _cues(units: Sequence[Unit], draft: Draft, claim: Claim | None) -> list[str]:
    """The cues that count for such an event, and what the verb of the claim adds."""
    void = {"sanction": _DONE, "violation": _TRYING | {"able", "ability"}}.get(draft.type, frozenset())
    if draft.type != "sanction" and not units[draft.at].word.endswith("ing"):
        void = void | _TALKING
    cues = [cue for cue in draft.cues if cue not in void]
    if "did" in cues and "hesitate" in cues and _NOT & set(cues):  # who did not hesitate to do it did it
        cues = [cue for cue in cues if cue not in _NOT | {"did", "hesitate", "to"}]
    if draft.type == "violation":  # who fights it says that there is one
        fought = any(operator_of(cue) in _STOPPING or cue in _FIGHTING for cue in draft.cues)
        tried = any(cue in _ATTEMPTS for cue in draft.cues)
        cues = [cue for cue in cues if operator_of(cue) not in _STOPPING]
        cues += ["allegedly"] if fought or tried else []
    if draft.type == "sanction":
        cues = [cue for cue in cues if cue not in LIFTING]
    if claim is None:
        return cues
    is_asked = claim.verb in words("requested") and not _PERMITTING & set(cues) and not _is_question(units, claim)
    if claim.verb in words("denied") or (is_asked and _is_complement(units, claim, draft)):
        cues.append(claim.verb)
    if claim.verb in _TELLING and cues[:1] == ["to"] and not words("planned") & set(cues):
        cues.append("urge")
    if claim.verb in _WARNING and {"against", "about"} & set(cues):
        cues.append("threaten")
    return cues


def _is_unreal(units: Sequence[Unit], at: int) -> bool:
    """As in "Had Peru sold rifles, Chad would have reacted"."""
    first = next((i for i in range(at, 0, -1) if units[i - 1].kind == "mark" and units[i - 1].word not in QUOTES), 0)
    is_led = units[first].word == "had" and units[first + 1].kind in _PARTY
    return is_led and any(unit.word in _WOULD for unit in units[at:])


def _is_apart(units: Sequence[Unit], at: int) -> bool:
    """Whether the question at the end of the sentence is a clause of its own: "Since Peru sold rifles, what if …?"."""
    return any(unit.kind == "mark" and unit.word in ",:;" for unit in units[at:-_FEWEST])


def _is_question(units: Sequence[Unit], claim: Claim) -> bool:
    """As in "asked Peru about rifles", "asked whether"."""
    return any(unit.word in _QUESTIONS for unit in units[claim.start : claim.start + _NEAR] if unit.kind == "word")


def _is_complement(units: Sequence[Unit], claim: Claim, draft: Draft) -> bool:
    """Whether what is asked for is the event, not something about it: "called on X to try a man who smuggled"."""
    between = units[claim.start : draft.at] if claim.start < draft.at else ()
    return not any(unit.word in _ASIDE for unit in between if unit.kind == "word")


def _marked(cues: Sequence[str], draft: Draft, *, has_claim: bool) -> Modality | None:
    """The modality that words mark: what several mean together, else what they make of the event one after the other."""
    if together := _together(set(cues), has_claim=has_claim):
        return together
    return compose(cues, goes_on=draft.type == "transfer")


def _together(cues: set[str], *, has_claim: bool) -> Modality | None:
    """As in "has yet to", "has not ruled out", "rejects claims", "said it would", "may have"."""
    if words("rejecting") & cues:
        return "denied" if _CLAIMED & cues else "negated"
    if "ruled" in cues and (_NOT & cues or "nothing" in cues):
        return "hypothetical"
    if "would" in cues and (has_claim or "bill" in cues) and not {"if", "could"} & cues:
        return "negated" if any(cue in words("negated") for cue in cues) else "planned"
    if _MAY & cues and "have" in cues and "to" not in cues:
        return "alleged"
    return "negated" if {"yet", "to"} <= cues else None


def _is_open(cues: Sequence[str]) -> bool:
    """Whether an infinitive leaves open if it comes to pass: "a fund to buy arms", not "continues to buy"."""
    leading = [cue for cue in cues if cue != "be"]
    return leading[:1] == ["to"] and not any(cue in words("aspect") | words("help") | _FACTUAL for cue in cues)


def _innermost(draft: Draft, said: Sequence[Claim]) -> Claim | None:
    """The nearest claim whose content holds the event."""
    over = [claim for claim in said if claim.start <= draft.at < claim.stop]
    return min(over, key=lambda claim: claim.stop - claim.start, default=None)


def _is_own(units: Sequence[Unit], draft: Draft, who: Sequence[int]) -> bool:
    """Whether a claimant takes part in the event; of its officials too, by the id of their country."""
    numbers = [one.unit for one in draft.parts if one.role in _SELVES and one.unit >= 0]
    if who and any(_is_ours(units, number) for number in numbers):
        return True
    mine = [units[number] for number in numbers]
    for i in who:
        if units[i].id is None and not units[i].label and units[i].word in _OFFICES and any(unit.id for unit in mine):
            return True
        for unit in mine:
            is_same = units[i].start == unit.start or (unit.id and unit.id == units[i].id)
            is_same = is_same or (unit.kind == "pronoun" and unit.word in _SPEAKERS)
            is_same = is_same or (unit.is_owned and unit.start > units[i].start)
            if is_same or (unit.kind == "pronoun" and unit.start > units[i].start and units[i].kind == "party"):
                return True
    return False


def _is_ours(units: Sequence[Unit], at: int) -> bool:
    """As in "Our country has not supplied weapons", whoever says it."""
    before = units[at - 1] if at else None
    return before is not None and before.word in ("our", "my") and units[at].word in _OURS


def _by_verb(units: Sequence[Unit]) -> Iterator[Claim]:
    for i, unit in enumerate(units):
        after = units[i + 1] if i + 1 < len(units) else None
        if after is not None and after.word == "by" and unit.word in words("say") | _SEEN:
            who = tuple(j for prep, j in reach(units, i) if prep == "by" and units[j].kind == "party")
            yield from [Claim(who, who[-1] + 1, len(units), unit.word)] if who else ()
            continue
        if unit.kind != "word" or unit.word not in _claiming():
            continue
        if unit.word in _ANNOUNCING | _FINDING and not (after and (after.word == "that" or after.kind in _PARTY)):
            continue
        if after is not None and (unit.word[:6], after.word) in _NOT_SAYING:
            continue
        if unit.word in _CALLING and (after is None or after.word not in ("on", "for", "upon", "to")):
            continue
        if _is_inverted(units, i):
            yield Claim((i + 1,), 0, i, unit.word)
            continue
        if _is_accused(units, i) or _is_reduced(units, i) or _is_noun(units, i):
            continue
        who = tuple(j for j in subjects(units, verb_group(units, i).start) if units[j].kind in _PARTY and j < i)
        if not who:
            continue
        who = _titled(units, _after_comma(units, who, i), i)
        is_last = _is_closing(units, who[0], i)
        yield Claim(who, 0, who[0], unit.word) if is_last else Claim(who, i + 1, len(units), unit.word)


@cache
def _claiming() -> frozenset[str]:
    return words("say") | _ANNOUNCING | _FINDING


def _is_accused(units: Sequence[Unit], i: int) -> bool:
    """As in "X is believed to", "X charged with": X is spoken of and does not speak; "an estimated" neither."""
    after = units[i + 1].word if i + 1 < len(units) else ""
    is_participle = units[i].word in _SPOKEN_OF and after in ("of", "with", "over", "for", "to")
    return is_participle or verb_group(units, i).is_passive


def _is_reduced(units: Sequence[Unit], i: int) -> bool:
    """As in "against those calling for": a participle that goes with the noun before it."""
    is_joined = i > 0 and units[i - 1].kind != "mark"
    return is_joined and units[i].word.endswith("ing") and not _BEING & set(verb_group(units, i).cues)


def _is_noun(units: Sequence[Unit], i: int) -> bool:
    """As in "faces calls to", "growing fears": a word that may be noun or verb, right after a word that leads no verb."""
    before = units[i - 1] if i else None
    if units[i].word not in _NOUNS or before is None or before.kind != "word":
        return False
    return before.word not in words("auxiliaries") | {"who", "which", "that", "also"} and not before.word.endswith("ly")


def _after_comma(units: Sequence[Unit], who: tuple[int, ...], verb: int) -> tuple[int, ...]:
    """Of "to Russia, the US and Japan say" only those who say it: a list that follows a comma and ends the sentence."""
    for k in range(len(who) - 1, 0, -1):
        if units[who[k] - 1].word == "," and _is_closing(units, who[k], verb):
            return who[k:]
    return who


def _is_closing(units: Sequence[Unit], who: int, verb: int) -> bool:
    """Whether "…, X told Reuters on Monday" ends what is said: a mark stands before X, and nothing but whom and when after."""
    while who > 0 and units[who - 1].kind == "word" and units[who - 1].word in _ARTICLES | _FEW | words("modifiers"):
        who -= 1
    if who == 0 or units[who - 1].kind != "mark" or units[who - 1].word in ":;":
        return False
    i = verb + 1
    if units[verb].word in _TELLING and i < len(units):
        i += 1
    while i < len(units) and (units[i].kind == "date" or units[i].word in _WHEN or units[i - 1].word == "in"):
        i += 1
    return i >= len(units) or units[i].kind == "mark"


def _is_inverted(units: Sequence[Unit], i: int) -> bool:
    """As in ", said X": the speaker follows."""
    before = units[i - 1] if i else None
    after = units[i + 1] if i + 1 < len(units) else None
    if units[i].word not in _INVERTED:
        return False
    is_end = i + 2 >= len(units) or units[i + 2].kind == "mark"
    return (
        is_end
        and before is not None
        and before.kind == "mark"
        and before.word in ',"”’–'
        and after is not None
        and after.kind == "party"
    )


def _by_evidence(units: Sequence[Unit]) -> Iterator[Claim]:
    """As in "X has found strong evidence that": whose it is."""
    for i in range(2, len(units) - 1):
        if units[i].word not in _EVIDENCE or units[i + 1].word not in ("that", "of"):
            continue
        verb = next((j for j in range(i - 1, max(0, i - _NEAR), -1) if units[j].word in _HAVING), 0)
        if verb and (
            who := tuple(j for j in subjects(units, verb_group(units, verb).start) if units[j].kind in _PARTY)
        ):
            yield Claim(_titled(units, who, verb), i + 2, len(units), "evidence")


def _titled(units: Sequence[Unit], who: tuple[int, ...], verb: int) -> tuple[int, ...]:
    """Of "Secretary of State Antony Blinken said" the person, where only the office was found."""
    last = verb_group(units, verb).start - 1
    is_office = (
        len(who) == 1
        and last > who[0] + 1
        and units[who[0]].label != "PERSON"
        and units[who[0] + 1].word in ("of", "for")
    )
    return (last,) if is_office and units[last].label == "PERSON" and last - who[0] <= _NEAR else who


def _according(units: Sequence[Unit]) -> Iterator[Claim]:
    for i in range(len(units) - 2):
        if units[i].word == "according" and units[i + 1].word == "to":
            who = next((j for j in range(i + 2, min(i + 6, len(units))) if units[j].kind == "party"), -1)
            if who >= 0:
                is_before = i and units[i - 1].word == "," and all(unit.word != "," for unit in units[who:])
                yield Claim((who,), 0, i if is_before else len(units), "according")


def _by_dash(units: Sequence[Unit]) -> Iterator[Claim]:
    """As in "X supplied arms to Y – US ambassador": a headline that ends in its source."""
    last = len(units) - 1
    last -= last > 0 and units[last].word == "."
    if last > 1 and units[last].kind == "party" and units[last - 1].word in ("-", "–", "—", ":"):
        is_apart = units[last].start - units[last - 1].end == 1
        yield from [Claim((last,), 0, last - 1, "-")] if is_apart else ()


def _by_colon(units: Sequence[Unit]) -> Iterator[Claim]:
    """As in "UN report: weapons smuggled"."""
    for i in range(1, min(_FIRST_UNITS, len(units))):
        if (
            units[i].word == ":"
            and units[i - 1].kind == "party"
            and i == 1
            and (units[0].label not in ("GPE", "LOC") or units[0].id in _NAMED_FIRST)
        ):
            yield Claim((i - 1,), i + 1, len(units), ":")
