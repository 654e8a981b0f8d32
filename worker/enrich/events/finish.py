"""What the rest of a sentence adds to a transfer: where its goods come from, when, and words that bear on it from outside."""

from collections.abc import Sequence
from typing import Final

from worker.enrich.events.clause import coordinated
from worker.enrich.events.draft import Draft, Part, is_outer, part
from worker.enrich.events.units import Unit
from worker.enrich.events.words import words

_APART: Final = frozenset("after because while when since before although though despite amid".split())
_DEALS: Final = frozenset(
    "deal deals contract contracts sale sales package packages order orders agreement purchase".split()
)
_NEAR, _FAR = 6, 14


def finish(  # noqa: PLR0913 - what a transfer is made of
    units: Sequence[Unit],
    at: int,
    cues: tuple[str, ...],
    found: Sequence[Part],
    first: int | None,
    *,
    is_verb: bool,
) -> Draft:
    """The draft of a transfer told by the verb or noun `at`, whose first unit is `first` where that is known."""
    known = [one.unit for one in found if one.unit >= 0]
    left = min([at if first is None else first, *known])
    found = [*found, *_from_origin(units, found), *_date_before(units, left, at, found), *_price(units, at, found)]
    if _is_future(units, at):
        cues = ("will", *cues)
    if any(one.role == "item" and one.unit > 0 and units[one.unit - 1].word == "no" for one in found):
        cues = ("no", *cues)
    if is_verb:
        outer = tuple(
            "urge" if cue.startswith("want") else cue
            for cue in _leading(words_before(units, left)[:3])
            if is_outer(cue)
        )
        return Draft("transfer", at, tuple(dict.fromkeys(found)), (*_own_cue(units, at), *cues, *outer), left)
    cues = (*cues, *words_before(units, left)[:3])
    known_of = next((i for i, cue in enumerate(cues) if cue in words("factive")), len(cues))
    return Draft("transfer", at, tuple(dict.fromkeys(found)), cues[:known_of], left)


def _leading(cues: Sequence[str]) -> Sequence[str]:
    """The words that lead the clause: none beyond "about", as in "asked about the shells it sends"."""
    return cues[: cues.index("about")] if "about" in cues else cues


def words_before(units: Sequence[Unit], first: int) -> tuple[str, ...]:
    """Up to five words left of `first` in its clause, nearest first."""
    found: list[str] = []
    for unit in reversed(units[max(0, first - 5) : first]):
        if unit.kind == "mark" or unit.word in _APART:
            break
        if unit.kind == "word" or unit.word in words("hedged"):
            found.append(unit.word)
    return tuple(found)


def _own_cue(units: Sequence[Unit], at: int) -> tuple[str, ...]:
    """Verbs that are plans themselves: "promised tanks to Ukraine"."""
    return (units[at].word,) if units[at].word.startswith(("promis", "pledg", "offer")) else ()


def _from_origin(units: Sequence[Unit], found: Sequence[Part]) -> list[Part]:
    """Where no supplier is named, the people after whom the goods are."""
    if any(one.role == "supplier" for one in found):
        return []
    owned = [origin for one in found if one.role == "item" and (origin := units[one.unit].origin)]
    taken = {(units[one.unit].start, units[one.unit].id) for one in found if one.unit >= 0}
    return [
        Part("supplier", origin.start, origin.end, -2)
        for origin in owned[:1]
        if origin.id not in {id_ for _, id_ in taken}
    ]


def _date_before(units: Sequence[Unit], first: int, at: int, found: Sequence[Part]) -> list[Part]:
    if any(one.role == "date" for one in found):
        return []
    leading = [i for i in range(first) if units[i].kind == "date" and _is_leading(units, i)]
    return [part("date", units, i) for i in (*leading, *range(first, at)) if units[i].kind == "date"][:1]


def _is_leading(units: Sequence[Unit], i: int) -> bool:
    """Whether a date opens its clause: "Last week, …", "…: in March, …"."""
    at = i - 1 if i and units[i - 1].word in ("on", "in", "since") else i
    is_open = at == 0 or units[at - 1].kind == "mark"
    return is_open and i + 1 < len(units) and (units[i + 1].word == "," or units[i + 1].kind in ("party", "pronoun"))


def _price(units: Sequence[Unit], at: int, found: Sequence[Part]) -> list[Part]:
    """An amount that is said of the deal, not of the goods: "a $2 billion deal to buy", "in a contract worth $2 billion"."""
    if any(one.role == "price" for one in found):
        return []
    for i in range(max(0, at - _NEAR), min(len(units), at + _FAR)):
        if units[i].kind != "money":
            continue
        before = units[i - 1].word if i else ""
        after = {unit.word for unit in units[i + 1 : i + 3] if unit.kind == "word"}
        if before in ("worth", "valued", "costing") or (before == "at" and i > 1 and units[i - 2].word == "valued"):
            return [part("price", units, i)]
        if after & _DEALS:
            return [part("price", units, i)]
    return []


def _is_future(units: Sequence[Unit], at: int) -> bool:
    """As in "Iran to send Russia drones": a headline's future, the infinitive right after its subject."""
    if at < 2 or units[at - 1].word != "to" or units[at - 2].kind != "party":  # noqa: PLR2004
        return False
    first = coordinated(units, at - 2)[0]
    return first == 0 or units[first - 1].kind == "mark" or units[first - 1].word in words("boundaries")
