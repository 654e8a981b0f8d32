"""The events of an analysed text, sentence by sentence; sentences without a word of supply or sanction cost a search."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from worker.enrich.events import breach, measure, stance, transfer
from worker.enrich.events.draft import Draft, part
from worker.enrich.events.fillers import Sentence
from worker.enrich.events.units import Unit, read_units
from worker.enrich.events.words import HYPHENED, pairs, words
from worker.model import Entity, Event, Span

_WORD: Final = re.compile(r"\w+")
_SELLING: Final = frozenset("sell sells sold selling".split())
_LONGEST: Final = 900
"""Characters of a sentence; what is longer is a list or broken, and is not read."""


def extract(text: str, sentences: Sequence[tuple[int, int]], entities: Sequence[Entity]) -> tuple[Event, ...]:
    """The events that `text` tells; `entities` in order of their place, offsets of both into `text`."""
    starts = [entity.start for entity in entities]
    found: list[Event] = []
    before: list[Unit] = []
    for start, end in sentences:
        inside = [e for e in entities[bisect_left(starts, start) : bisect_left(starts, end)] if e.end <= end]
        if end - start > _LONGEST:
            continue
        if not _may_tell(text, start, end, inside):
            before = [_as_unit(entity) for entity in inside if entity.label in ("GPE", "ORG", "PERSON")] or before
            continue
        units = read_units(text, start, end, inside)
        found += _read(text, units, before)
        before = [unit for unit in units if unit.kind == "party"] or before
    return tuple(found)


def may_tell(text: str, sentences: Sequence[tuple[int, int]], found: Sequence[Entity]) -> bool:
    """Whether `extract` can find any event once names are known; `found` holds the weapons and vessels, in order."""
    starts = [entity.start for entity in found]
    return any(
        _may_tell(text, start, end, found[bisect_left(starts, start) : bisect_left(starts, end)])
        for start, end in sentences
    )


def _may_tell(text: str, start: int, end: int, inside: Sequence[Entity]) -> bool:
    """Whether a sentence holds the words without which no reader finds an event in it."""
    found = set(_WORD.findall(text[start:end].lower()))
    if not _measures().isdisjoint(found) or not _SELLING.isdisjoint(found):
        return True
    has_goods = any(e.label in ("WEAPON", "VESSEL") for e in inside) or not _goods().isdisjoint(found)
    return has_goods and not _passing().isdisjoint(found)


@cache
def _measures() -> frozenset[str]:
    nouns = {noun for _, noun in pairs("measure_nouns")}
    return words("sanction_nouns") | words("sanction_verbs") | words("regime_nouns") | nouns


@cache
def _goods() -> frozenset[str]:
    return words("goods") | {noun for _, noun in pairs("aid_goods")}


@cache
def _passing() -> frozenset[str]:
    asked = words("requested") | words("carry") | {"arms"}
    return words("give") | words("get") | words("nouns_give") | words("nouns_get") | words("aid") | asked | HYPHENED


def _read(text: str, units: Sequence[Unit], before: Sequence[Unit]) -> Iterator[Event]:
    transfers = list(transfer.find(units))
    drafts = _distinct([*transfers, *measure.find(units), *breach.find(units, transfers)])
    if not drafts:
        return
    said = stance.claims(units)
    sentence = Sentence(text, units, before)
    for draft in drafts:
        modality, who = stance.judge(units, draft, said)
        claimants = [part("claimant", units, i) for i in who]
        fillers = [filler for one in (*draft.parts, *claimants) for filler in sentence.fill(one)]
        trigger = units[draft.at]
        yield Event(
            draft.type,
            modality,
            Span(trigger.start, trigger.end, text[trigger.start : trigger.end]),
            tuple(sorted(fillers, key=lambda filler: (filler.start, filler.role))),
        )


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


def _as_unit(entity: Entity) -> Unit:
    return Unit(
        "party",
        (entity.text.split() or [""])[-1].lower(),
        entity.start,
        entity.end,
        entity.label,
        entity.id,
    )
