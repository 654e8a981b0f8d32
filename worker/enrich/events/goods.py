"""The goods of a transfer, and the part that each mention about them plays: item, price, date, recipient, source, route."""

from collections.abc import Sequence
from typing import Final

from worker.enrich.events.clause import coordinated
from worker.enrich.events.draft import Part, part
from worker.enrich.events.mentions import is_container, is_number
from worker.enrich.events.units import Unit
from worker.enrich.events.words import words
from worker.model import Role

TO: Final = frozenset(("to", "into", "toward", "towards"))
_VIA: Final = frozenset(("through", "via", "across", "over", "along"))
_COLLECTIVE: Final = frozenset(
    (
        "hundreds thousands dozens tens millions billions tonnes tons company consignment consignments batch batches number "
        "range quantity quantities package packages shipment shipments worth load loads variety supplies supply dollars euros "
        "barrels stocks types kinds amounts amount rounds provision purchase supplying providing delivering sending "
        "donating exporting selling set sets squadron brigade battalion lot tranche instalment"
    ).split()
)


def passed(units: Sequence[Unit], prep: str, i: int, found: Sequence[Part], *, is_get: bool) -> list[Part]:
    """The part that a mention plays in the reach of a transfer's verb or noun; none where it plays no part.

    `found` are the parts so far; `is_get` says that the word tells of receiving.
    """
    have = {one.role for one in found}
    match units[i].kind:
        case "goods" if _contains_goods(units, i):
            return []
        case "goods" if _is_object(units, prep, i) and ("item" not in have or _is_further(units, i, found)):
            return item(units, i)
        case "money" if prep in ("", "of", "for", "worth"):
            return [part("price", units, i)]
        case "date":
            return [part("date", units, i)]
        case "party" | "pronoun" if role := _party_role(units, prep, i, found, is_get=is_get):
            return [part(role, units, i)]
    return []


def _party_role(units: Sequence[Unit], prep: str, i: int, found: Sequence[Part], *, is_get: bool) -> Role | None:
    have = {one.role for one in found}
    if prep in TO and not is_get and ("recipient" not in have or _is_joined(units, i, found)):
        return "recipient"
    if units[i].kind == "pronoun":
        return None
    if prep == "for" and not is_get and "recipient" not in have and units[i].label in ("GPE", "NORP", "ORG"):
        return "recipient"
    if prep == "from":
        return "via" if "supplier" in have and not is_get else "supplier"
    return "via" if prep in _VIA else None


def _is_object(units: Sequence[Unit], prep: str, i: int) -> bool:
    """Whether goods after a preposition are what passes: "billions in military aid", "hundreds of rockets"."""
    if prep in ("", "with"):
        return True
    first = coordinated(units, i)[0]
    head = units[first - 2] if first > 1 and units[first - 1].word == prep else None
    if head is None or prep not in ("of", "in"):
        return False
    return (
        head.kind == "money"
        or head.word in _COLLECTIVE
        or is_container(head.word)
        or head.word in words("nouns_give", "nouns_get")
    )


def _is_joined(units: Sequence[Unit], i: int, found: Sequence[Part]) -> bool:
    return any(one.unit in coordinated(units, i) for one in found if one.role == "recipient" and one.unit != i)


def _is_further(units: Sequence[Unit], i: int, found: Sequence[Part]) -> bool:
    return any(one.unit in coordinated(units, i) for one in found if one.role == "item" and one.unit != i)


def _contains_goods(units: Sequence[Unit], i: int) -> bool:
    """As in "a cargo of shells": what passes comes after."""
    return (
        is_container(units[i].word)
        and i + 2 < len(units)
        and units[i + 1].word == "of"
        and units[i + 2].kind == "goods"
    )


def item(units: Sequence[Unit], i: int) -> list[Part]:
    """The goods at `i`, and how many: their own number, or that of what they come in."""
    counted = units[i].quantity or _contained(units, i)
    return [part("item", units, i), *([Part("quantity", *counted)] if counted else [])]


def _contained(units: Sequence[Unit], i: int) -> tuple[int, int] | None:
    """As in "12,000 containers of munitions"; None where no number stands before the container."""
    if i < 2 or units[i - 1].word != "of" or not is_container(units[i - 2].word):  # noqa: PLR2004
        return None
    if units[i - 2].quantity:
        return units[i - 2].quantity
    at = i - 3
    while at >= 0 and units[at].kind == "word" and (units[at].word == "of" or units[at].word in words("modifiers")):
        at -= 1
    first = at
    while first > 0 and units[first - 1].kind == "word" and is_number(units[first - 1].word):
        first -= 1
    is_counted = at >= 0 and units[at].kind == "word" and is_number(units[at].word)
    return (units[first].start, units[i - 2].end) if is_counted else None


def are_weapons(units: Sequence[Unit], found: Sequence[Part]) -> bool:
    """Whether any of what passes is a weapon."""
    return any(one.role == "item" and units[one.unit].label == "WEAPON" for one in found)
