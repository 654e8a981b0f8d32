"""Violations: who breaks, evades or helps evade whose sanctions, with whom and by what means."""

from collections.abc import Iterator, Sequence
from typing import Final

from worker.enrich.events.clause import VerbGroup, subjects, verb_group
from worker.enrich.events.draft import Draft, Part, part, parts
from worker.enrich.events.finish import words_before
from worker.enrich.events.measure import names
from worker.enrich.events.reach import reach
from worker.enrich.events.units import Unit
from worker.enrich.events.words import words

_PARTY: Final = ("party", "pronoun")
_NEAR: Final = 8
_DETERMINERS: Final = frozenset("a an the any this that in of without no such 's its their alleged".split())
_MEANS: Final = frozenset(("by", "through", "using", "via", "with"))
_LINKS: Final = frozenset(
    "for over with of in as to settle settles settled constitute constitutes constituted is was are were be been amounted "
    "amounts admit admits admitted deny denies denied commit committed after violate violates ' 's ” ’".split()
)
_LONGEST_MEANS: Final = 5


def find(units: Sequence[Unit], transfers: Sequence[Draft] = ()) -> Iterator[Draft]:
    """Every violation of the sentence that names who breaks sanctions, or whose they are.

    Where a transfer breaks them ("its arms sales violate …") its supplier does.
    """
    for at, unit in enumerate(units):
        if unit.kind != "word":
            continue
        draft = None
        if unit.word in words("violate") and not _is_noun(units, at):
            draft = _by_verb(units, at)
        if draft is None and unit.word in words("violation_nouns"):
            draft = _by_noun(units, at)
        draft = _with_supplier(draft, transfers) if draft else None
        if draft and (draft.has("violator") or draft.has("regime")):
            yield draft


def _is_noun(units: Sequence[Unit], at: int) -> bool:
    """As in "a breach of", "without any breach of"."""
    return units[at].word in words("violation_nouns") and at > 0 and units[at - 1].word in _DETERMINERS


def _with_supplier(draft: Draft, transfers: Sequence[Draft]) -> Draft:
    before = [one for one in transfers if one.at < draft.at and one.has("supplier")]
    if draft.has("violator") or draft.has("counterparty") or not before:
        return draft
    supplier = next(one for one in before[-1].parts if one.role == "supplier")
    return Draft(
        draft.type,
        draft.at,
        (*draft.parts, Part("violator", supplier.start, supplier.end, supplier.unit)),
        draft.cues,
        draft.first,
    )


def _regime(units: Sequence[Unit], start: int, stop: int) -> tuple[int, list[Part]] | None:
    """The noun of a regime in [start, stop) and the parts that say whose it is."""
    for at in range(start, min(stop, len(units))):
        unit = units[at]
        if unit.word in words("boundaries") or unit.word in (".", ";", ":"):
            return None
        if unit.kind == "word" and unit.word in words("regime_nouns") and units[at - 1].word != "to":
            if unit.word in (
                "controls",
                "measures",
                "caps",
                "cap",
                "restrictions",
                "resolution",
                "resolutions",
            ) and not _is_legal(units, at):
                continue
            return at, _named_regime(units, at)
    return None


def _is_legal(units: Sequence[Unit], at: int) -> bool:
    before = [unit.word for unit in units[max(0, at - 3) : at]]
    return any(word in ("export", "price", "council", "restrictive", "un", "import") for word in before)


def _named_regime(units: Sequence[Unit], at: int) -> list[Part]:
    i = at - 1
    while i >= 0 and units[i].word in ("export", "price", "import", "arms", "oil", "chip", "technology"):
        i -= 1
    if i >= 0 and units[i].kind == "goods" and units[at].word in ("controls", "embargo", "caps", "cap"):
        return [part("regime", units, i - 1)] if i and units[i - 1].kind == "party" else []
    name, _ = names(units, i + 1)
    if name >= 0:
        return [part("regime", units, name)]
    found = [part("regime", units, i) for prep, i in reach(units, at) if prep == "by" and units[i].kind == "party"]
    against = [
        part("regime", units, i)
        for prep, i in reach(units, at)
        if prep in ("on", "against") and units[i].kind == "party"
    ]
    return found[:1] or against[:1]


def _by_verb(units: Sequence[Unit], at: int) -> Draft | None:
    regime = _regime(units, at + 1, at + _NEAR)
    if regime is None and units[at].word.startswith("get"):
        return None
    if regime is None:
        return None
    noun, found = regime
    if units[at].word.startswith(("avoid", "escap")) and not found:  # a penalty that somebody was spared
        return None
    group, helped = _helped(units, verb_group(units, at))
    who = subjects(units, group.start) if not helped else ()
    if helped:
        violators, helpers = helped
        found = [*found, *parts("violator", units, violators, _PARTY), *parts("counterparty", units, helpers, _PARTY)]
    else:
        found = [*found, *_violators(units, who)]
    found += _means(units, noun)
    found += [
        part("counterparty", units, i)
        for prep, i in reach(units, noun)
        if prep in ("to", "with") and units[i].kind == "party"
    ][:1]
    return _draft(units, at, found, group.cues, group.start)


def _helped(
    units: Sequence[Unit], group: VerbGroup
) -> tuple[VerbGroup, tuple[tuple[int, ...], tuple[int, ...]] | None]:
    """As in "X helped Y evade": the outer verb group, and (Y, X); None where nobody helps."""
    i = group.start - 1
    while i >= 0 and units[i].word == "to":
        i -= 1
    if i < 1 or units[i].kind not in _PARTY:
        return group, None
    verb = next((j for j in range(i - 1, max(-1, i - _NEAR), -1) if units[j].word in words("help")), -1)
    if verb < 0 or any(units[j].kind == "mark" for j in range(verb, i)):
        return group, None
    outer = verb_group(units, verb)
    first = next(j for j in range(verb + 1, i + 1) if units[j].kind in _PARTY or units[j].kind == "word")
    violators = tuple(j for j in range(first, i + 1) if units[j].kind in _PARTY)[:1]
    return VerbGroup(outer.start, group.at, (*group.cues, *outer.cues)), (violators, subjects(units, outer.start))


def _violators(units: Sequence[Unit], who: Sequence[int]) -> list[Part]:
    ships = [i for i in who if units[i].kind == "goods" and units[i].word in words("carriers")]
    return [*parts("violator", units, who, _PARTY), *(part("violator", units, i) for i in ships)]


def _by_noun(units: Sequence[Unit], at: int) -> Draft | None:
    compound = at and units[at - 1].word in words("regime_nouns")
    if compound:
        found = _named_regime(units, at - 1)
        noun, left = at, at - 1
    else:
        if at + 1 >= len(units) or units[at + 1].word not in ("of", "in"):
            return None
        regime = _regime(units, at + 1, at + _NEAR)
        if regime is None:
            return None
        noun, found = regime
        left = at
    if units[at].word.startswith(("evader", "violator")):
        return None
    before = tuple(unit.word for unit in reversed(units[max(0, left - 6) : left]) if unit.kind == "word")
    violators = [
        part("violator", units, i) for prep, i in reach(units, noun) if prep == "by" and units[i].kind in _PARTY
    ][:1]
    if not violators and _is_linked(units, left, found):
        group = verb_group(units, left)
        violators = _violators(units, _owner_or_subject(units, group.start, found))
    return _draft(units, at, [*found, *violators, *_means(units, noun)], before, left)


def _is_linked(units: Sequence[Unit], left: int, found: Sequence[Part]) -> bool:
    """Whether the words before the noun make its breaker of the subject: "charged with", not "investigates"."""
    i = min([left, *(one.unit for one in found if 0 <= one.unit < left)]) - 1
    while i >= 0 and units[i].kind == "word" and units[i].word in words("modifiers") | {"a", "an", "the", "alleged"}:
        i -= 1
    return i >= 0 and units[i].word in _LINKS


def _owner_or_subject(units: Sequence[Unit], start: int, found: Sequence[Part]) -> tuple[int, ...]:
    taken = {one.unit for one in found}
    return tuple(i for i in subjects(units, min([start, *(i for i in taken if i >= 0)])) if i not in taken)


def _is_means(unit: Unit) -> bool:
    """Whether it may be part of a means: words, goods, companies that are not named."""
    return unit.kind in ("word", "goods") or (unit.kind == "party" and not unit.label)


def _means(units: Sequence[Unit], noun: int) -> list[Part]:
    for i in range(noun + 1, min(len(units), noun + _NEAR)):
        if units[i].word in _MEANS and i + 1 < len(units) and _is_means(units[i + 1]):
            stop = i + 1
            while stop + 1 < len(units) and stop - i < _LONGEST_MEANS and _is_means(units[stop + 1]):
                if units[stop + 1].word in words("boundaries", "prepositions"):
                    break
                stop += 1
            return [Part("means", units[i + 1].start, units[stop].end)]
        if units[i].kind == "mark" or units[i].word in words("boundaries"):
            break
    return []


def _draft(units: Sequence[Unit], at: int, found: Sequence[Part], cues: tuple[str, ...], first: int) -> Draft:
    known = [one.unit for one in found if one.unit >= 0]
    left = min([at, first, *known])
    before = words_before(units, left)[:3]
    return Draft("violation", at, tuple(dict.fromkeys(found)), (*cues, *before), left)
