"""The events of an analysed text, sentence by sentence; sentences without a word of supply or sanction cost a search."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import ahocorasick

from worker.enrich.events import breach, measure, stance, transfer
from worker.enrich.events.draft import Draft, Part, part
from worker.enrich.events.fillers import Sentence
from worker.enrich.events.learnt import Judge, Judgement, Question, by_rules
from worker.enrich.events.units import Unit, read_units
from worker.enrich.events.words import pairs, words
from worker.enrich.find import Sought, automaton, small_letters
from worker.model import Entity, Event, Span

_WORD: Final = re.compile(r"\w+")
_SELLING: Final = frozenset("sell sells sold selling".split())
_SPORT: Final = re.compile(
    r"\b(?:FIFA|UEFA|NCAA|WADA|USADA|IOC|CONCACAF|CONMEBOL|NBA|NFL|NHL|MLB|FIA|FINA|ITF|IAAF|IIHF|Premier League|La Liga)\b"
    r"|(?i:\b(?:football|soccer|rugby|cricket|basketball|tennis|athletics|olympics?|anti-doping|paralympic)\b)"
)
"""Bodies whose penalties are no sanctions of states."""
MOST_JUDGED: Final = 40
"""The learnt judgement costs some 10 ms an event; an article of nothing but sales must not hold up the others."""
_LONGEST: Final = 900
"""Characters of a sentence; what is longer is a list or broken, and is not read."""


@dataclass(frozen=True, slots=True)
class _Told:
    """An event that the rules have read, before its modality is judged."""

    question: Question
    trigger: Unit
    sentence: Sentence
    parts: tuple[Part, ...]


def extract(
    text: str,
    sentences: Sequence[tuple[int, int]],
    entities: Sequence[Entity],
    judge: Judge = by_rules,
    cues: Iterable[tuple[int, int]] | None = None,
) -> tuple[Event, ...]:
    """The events that `text` tells; `entities` in order of their place, offsets of both into `text`.

    `judge` has the last word on the first `MOST_JUDGED` triggers, those that it drops among them, the rules on the others.
    `cues` are the last letters and the lengths of all `event_cues` in the text, where these are known.
    """
    told: list[_Told] = []
    before: Sequence[Unit | Entity] = ()
    passed = 0
    for number in _telling(text, sentences, entities, cues):
        before = _last_parties(sentences[passed:number], entities) or before
        start, end = sentences[number]
        units = read_units(text, start, end, _inside(entities, start, end))
        told += _read(text, units, before)
        before = [unit for unit in units if unit.kind == "party"] or before
        passed = number + 1
    questions = [one.question for one in told]
    judged = [*judge(questions[:MOST_JUDGED]), *by_rules(questions[MOST_JUDGED:])] if told else []
    return tuple(_event(text, one, said) for one, said in zip(told, judged, strict=True) if said is not None)


def may_tell(
    text: str,
    sentences: Sequence[tuple[int, int]],
    found: Sequence[Entity],
    cues: Iterable[tuple[int, int]] | None = None,
) -> bool:
    """Whether `extract` can find any event once names are known; `found` holds the weapons and vessels, in order."""
    return any(True for _ in _telling(text, sentences, found, cues))


def _telling(
    text: str,
    sentences: Sequence[tuple[int, int]],
    entities: Sequence[Entity],
    places: Iterable[tuple[int, int]] | None,
) -> Iterator[int]:
    """The numbers of the sentences that hold the words without which no reader finds an event in them."""
    starts = [start for start, _ in sentences]
    places = _cue_places(small_letters(text)) if places is None else places
    cues = {bisect_right(starts, last) - 1 for last, _ in places}
    armed = {bisect_right(starts, one.start) - 1 for one in entities if one.label in ("WEAPON", "VESSEL")}
    for number in sorted((cues | armed) - {-1}):
        start, end = sentences[number]
        if end - start <= _LONGEST and _may_tell(text[start:end], has_goods=number in armed):
            yield number


def _cue_places(lower: str) -> Iterator[tuple[int, int]]:
    """Where cues end in a text in small letters, and how long they are, those within longer words left out."""
    for last, length in _cues().iter(lower):
        before = lower[last - length] if last >= length else ""
        # in small letters the dotted capital I is two signs, the second of which parts words
        if not lower[last + 1 : last + 2].isalnum() and (not before.isalnum() or before == "İ"):
            yield last, length


def _may_tell(sentence: str, *, has_goods: bool) -> bool:
    found = set(_WORD.findall(sentence.lower()))
    if not _measures().isdisjoint(found) or _holds_pair("measure_nouns", found) or _holds_pair("aid_goods", found):
        return True
    return (has_goods or not _matters().isdisjoint(found)) and not _deeds().isdisjoint(found)


def _holds_pair(name: str, found: set[str]) -> bool:
    return not _seconds(name).isdisjoint(found) and any(set(pair) <= found for pair in pairs(name))


@cache
def _seconds(name: str) -> frozenset[str]:
    return frozenset(second for _, second in pairs(name))


@cache
def event_cues() -> tuple[Sought, ...]:
    """Return the rarer of the words by which a sentence may tell an event, each with its length."""
    return tuple(Sought(word, len(word)) for word in sorted(_measures() | _matters()))


@cache
def _cues() -> ahocorasick.Automaton:
    """Finds the cues, within other words too."""
    return automaton(event_cues())


@cache
def _measures() -> frozenset[str]:
    return words("sanction_nouns", "sanction_verbs") | _SELLING


@cache
def _matters() -> frozenset[str]:
    """What passes, is forbidden or broken."""
    return words("goods", "regime_nouns") | _seconds("measure_nouns") | _seconds("aid_goods")


@cache
def _deeds() -> frozenset[str]:
    """What is done with goods and with sanctions: the words that `transfer.find` and `breach.find` start from."""
    return transfer.telling_words() | words("violate", "violation_nouns")


def _last_parties(sentences: Sequence[tuple[int, int]], entities: Sequence[Entity]) -> list[Entity]:
    """The parties of the last of the sentences that names any."""
    return next((named for start, end in reversed(sentences) if (named := _named(entities, start, end))), [])


def _named(entities: Sequence[Entity], start: int, end: int) -> list[Entity]:
    if end - start > _LONGEST:
        return []
    return [e for e in _inside(entities, start, end) if e.label in ("GPE", "ORG", "PERSON")]


def _inside(entities: Sequence[Entity], start: int, end: int) -> list[Entity]:
    first = bisect_left(entities, start, key=_start)
    return [e for e in entities[first : bisect_left(entities, end, key=_start)] if e.end <= end]


def _start(entity: Entity) -> int:
    return entity.start


def _read(text: str, units: Sequence[Unit], before: Sequence[Unit | Entity]) -> Iterator[_Told]:
    transfers = list(transfer.find(units))
    drafts = _distinct([*transfers, *measure.find(units), *breach.find(units, transfers)])
    drafts = [draft for draft in drafts if not _is_sport(text, draft)]
    if not drafts:
        return
    said = stance.claims(units)
    sentence = Sentence(text, units, before)
    first, last = units[0].start, units[-1].end
    for draft in drafts:
        modality, who = stance.judge(units, draft, said)
        trigger = units[draft.at]
        asked = Question(draft.type, text[first:last], trigger.start - first, trigger.end - first, modality)
        parts = (*draft.parts, *(part("claimant", units, i) for i in who))
        yield _Told(asked, trigger, sentence, parts)


def _event(text: str, told: _Told, judged: Judgement) -> Event:
    fillers = [filler for one in told.parts for filler in told.sentence.fill(one)]
    start, end = told.trigger.start, told.trigger.end
    return Event(
        told.question.type,
        judged.modality,
        Span(start, end, text[start:end]),
        tuple(sorted(fillers, key=lambda filler: (filler.start, filler.role))),
        judged.probability,
    )


def _is_sport(text: str, draft: Draft) -> bool:
    """Whether the measure is a penalty of a federation or league, which is no sanction."""
    owners = (one for one in draft.parts if one.role in ("imposer", "regime"))
    return any(_SPORT.search(text, one.start, one.end) for one in owners)


def _distinct(drafts: Sequence[Draft]) -> list[Draft]:
    """Without those that say no more than another of their type does."""
    kept: list[Draft] = []
    for draft in sorted(drafts, key=lambda draft: (-len(draft.spans()), draft.at)):
        if not any(_is_within(draft, other) for other in kept):
            kept.append(draft)
    return sorted(kept, key=lambda draft: draft.at)


def _is_within(draft: Draft, other: Draft) -> bool:
    if draft.type != other.type:
        return False
    goods = {part.unit for part in draft.parts if part.role == "item"} & {
        p.unit for p in other.parts if p.role == "item"
    }
    return bool(goods) or draft.spans() <= other.spans()
