"""Transfers: goods that pass from a supplier to a recipient, by verb ("sold X to Y") or noun ("X's arms sales to Y")."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from worker.enrich.events.clause import VerbGroup, coordinated, subjects, verb_group
from worker.enrich.events.control import controllers
from worker.enrich.events.draft import Draft, Part, part, parts
from worker.enrich.events.goods import TO, are_weapons, item, passed
from worker.enrich.events.mentions import is_number
from worker.enrich.events.nominal import by_aid, by_noun, draft_of, is_aid, is_noun
from worker.enrich.events.reach import reach
from worker.enrich.events.units import Unit
from worker.enrich.events.words import HYPHENED, words
from worker.model import Role

_PARTY: Final = ("party", "pronoun")
_CORE: Final = frozenset(("supplier", "recipient", "item"))
_ONLY_CARRYING: Final = words("carry") - words("give")
"""Verbs that tell of a transfer only where all of its roles are told, and weapons pass."""
_MODALS: Final = frozenset("would could may might can".split())
_FAR: Final = 14
_ARTICLES: Final = frozenset("a an the one and or its their".split())
_OWNING: Final = frozenset("its their his our my your".split())
_ARMING: Final = frozenset("arm arms armed arming".split())
"""Whose subject receives: "Chad needs a supply of shells"."""
_PARTICIPLE: Final = frozenset("sold sent given bought brought built flown shown got lent".split())


def find(units: Sequence[Unit]) -> Iterator[Draft]:
    """Every transfer of the sentence, those that say too little left out."""
    telling = telling_words() if any(unit.kind == "goods" for unit in units) else _telling_without_goods()
    for at, unit in enumerate(units):
        if unit.kind == "goods":
            draft = by_aid(units, at) if is_aid(unit) else None
        elif unit.kind != "word" or unit.word not in telling:
            continue
        elif is_noun(units, at):
            draft = by_noun(units, at)
        elif unit.word == "arms" or unit.word in words("give", "get", "carry"):
            draft = _by_verb(units, at)
        else:
            draft = _by_request(units, at) if unit.word in ASKING else None
        if draft and _says_enough(units, draft):
            yield draft


@cache
def telling_words() -> frozenset[str]:
    """The words that may tell of a transfer, beside aid."""
    return words("give", "get", "carry", "nouns_give", "nouns_get") | ASKING | {"arms"}


@cache
def _telling_without_goods() -> frozenset[str]:
    """Those that say enough where no goods are named: "exports to Peru", "sells to Peru", "arms Peru"."""
    return words("give", "get", "carry") - (words("goods_only_of", "dative") - _SELLING) | _ARMING


def _says_enough(units: Sequence[Unit], draft: Draft) -> bool:
    told = {one.role for one in draft.parts} & _CORE
    word = units[draft.at].word
    if word in _ONLY_CARRYING and (len(told) < len(_CORE) or not are_weapons(units, draft.parts)):
        return False
    if word in _ARMING and told == {"supplier", "recipient"}:
        return True
    if "item" not in told and (is_noun(units, draft.at) or word in words("goods_only_of") | words("dative") - _SELLING):
        return False
    if word in _SENDING | words("carry") and _is_attack(units, draft):
        return False
    if "item" not in told and not _is_plain_selling(units, draft):
        return False
    named = {(one.start, one.end) for one in draft.parts if one.role in told}
    return len(told) > 1 and len(named) > 1


_SELLING: Final = frozenset("sell sells sold selling".split())


def _is_plain_selling(units: Sequence[Unit], draft: Draft) -> bool:
    """As in "arms Peru", "sells to Peru": a country receives, and nothing is named that passes."""
    if not any(one.role == "recipient" and units[one.unit].id for one in draft.parts):
        return False
    return units[draft.at].word not in _SELLING or not _sells_other(units, draft.at)


def _sells_other(units: Sequence[Unit], at: int) -> bool:
    """Whether what is sold is named and no goods: "sold its stake to Peru", "the house was sold"; not "sold them", "sells to"."""
    group = verb_group(units, at)
    if group.is_passive:
        before = units[group.start - 1] if group.start else None
        return before is not None and before.kind == "word" and before.word not in words("boundaries") | {"and", "or"}
    owning = at + 1 < len(units) and units[at + 1].word in _OWNING
    named = units[at + 1 + owning] if at + 1 + owning < len(units) else None
    if named is not None and named.kind == "party" and (owning or named.is_owned or _has_recipient(units, at)):
        return True
    for unit in units[at + 1 :]:
        if unit.kind == "mark" or unit.word in words("prepositions", "boundaries") | {"and", "or"}:
            break
        closed = words("modifiers", "auxiliaries") | _ARTICLES
        if (
            unit.kind == "word"
            and unit.word not in closed
            and not is_number(unit.word)
            and not unit.word.endswith("ly")
        ):
            return True
    return False


_SENDING: Final = frozenset(
    "send sends sent sending ships fly flew flown flying launch launched deliver delivered".split()
)
_AT: Final = frozenset(("into", "toward", "towards", "at", "against", "over"))


def _is_attack(units: Sequence[Unit], draft: Draft) -> bool:
    """As in "sent drones into Crimea"."""
    return are_weapons(units, draft.parts) and any(
        prep in _AT and units[i].kind == "party" for prep, i in reach(units, draft.at)
    )


# --- by verb -----------------------------------------------------------------------------------------------


def _by_verb(units: Sequence[Unit], at: int) -> Draft | None:
    if _leads_to_verb(units, at) or (
        units[at].word == "ship" and units[at + 1 : at + 2] and units[at + 1].word in words("carry")
    ):
        return None
    if glued := _glued_supplier(units, at):
        return Draft("transfer", at, tuple(dict.fromkeys(glued)), (), min(one.unit for one in glued))
    group = verb_group(units, at)
    if _is_adjective(units, group):
        return None
    cues = (*group.cues, *controllers(units, group), *_modal_after(units, group))
    is_get = units[at].word in words("get")
    giver: Role = "recipient" if is_get else "supplier"
    if group.is_passive or _is_reduced(units, group):
        found = _passive(units, group, giver)
    else:
        found = _active(units, group, giver, is_get)
    if units[at].word in words("unload"):
        found += _unloaded_in(units, at, found)
    return draft_of(units, at, cues, found, group.start)


def _modal_after(units: Sequence[Unit], group: VerbGroup) -> tuple[str, ...]:
    """As in "sending jets could turn the war": a gerund that is the subject of a modal."""
    if not units[group.at].word.endswith("ing") or group.cues:
        return ()
    first = group.start
    if first and units[first - 1].kind == "party":
        first = coordinated(units, first - 1)[0]
    before = units[first - 1] if first else None
    if before is not None and before.kind != "mark" and before.word not in ("that", "and", "but"):
        return ()
    for unit in units[group.at + 1 : group.at + _FAR]:
        if unit.kind == "word" and unit.word in _MODALS:
            return ("could",)
        if unit.kind == "mark" or (
            unit.kind == "word" and unit.word in words("boundaries") | words("auxiliaries") - {"to"}
        ):
            break
    return ()


def _is_carrier(unit: Unit) -> bool:
    return unit.kind == "party" and unit.word in words("carriers")


def _with_carriers(units: Sequence[Unit], found: list[Part], carriers: Sequence[Part]) -> list[Part]:
    """A nation's ship stands for the nation as supplier where weapons are not said to come from elsewhere or go home."""
    is_other = any(one.role == "supplier" or (one.role == "item" and units[one.unit].origin) for one in found)
    if is_other or not are_weapons(units, found):
        return found
    home = {units[one.unit].id for one in found if one.role == "recipient"}
    return [*(one for one in carriers if units[one.unit].id not in home), *found]


def _unloaded_in(units: Sequence[Unit], at: int, found: Sequence[Part]) -> list[Part]:
    """As in "unloaded shells in Syria"."""
    if any(one.role == "recipient" for one in found):
        return []
    places = [i for prep, i in reach(units, at) if prep in ("in", "at") and units[i].label in ("GPE", "LOC", "FAC")]
    return parts("recipient", units, places[:1], _PARTY)


def _is_adjective(units: Sequence[Unit], group: VerbGroup) -> bool:
    """As in "offering smuggled goods": a participle before goods that nobody is the subject of."""
    at = group.at
    if not units[at].word.endswith("ed") or group.cues or at + 1 >= len(units) or units[at + 1].kind != "goods":
        return False
    before = units[at - 1] if at else None
    return (
        before is None
        or before.kind == "mark"
        or (before.kind == "word" and before.word not in words("carriers") | {"and", "which", "who", "that"})
    )


def _leads_to_verb(units: Sequence[Unit], at: int) -> bool:
    """As in "pledged to send": the second verb tells the event."""
    after = [unit.word if unit.kind == "word" else "" for unit in units[at + 1 : at + 4]]
    both = words("give", "get")
    return bool(after) and (after[0] in both or (after[0] == "to" and any(word in both for word in after[1:])))


def _glued_supplier(units: Sequence[Unit], at: int) -> list[Part]:
    """As in "Iranian-supplied drones"."""
    if units[at].word not in HYPHENED or at < 1 or at + 1 >= len(units):
        return []
    before = at - 2 if units[at - 1].word == "-" else -1
    if before < 0 or units[before].kind not in ("party", "origin") or units[at + 1].kind != "goods":
        return []
    return [part("supplier", units, before), *item(units, at + 1)]


def _is_reduced(units: Sequence[Unit], group: VerbGroup) -> bool:
    """As in "weapons supplied by X", "missiles sent to Y": a participle right after goods."""
    word = units[group.at].word
    if not (word.endswith("ed") or word in _PARTICIPLE) or any(c in ("have", "has", "had") for c in group.cues):
        return False
    follows = units[group.at + 1].word if group.at + 1 < len(units) else "."
    before = units[group.start - 1] if group.start else None
    is_after_goods = before is not None and before.kind == "goods"
    return is_after_goods and (
        follows in ("by", "to", "from", "in", ".", ",", "with", "through", "over") or not follows.isalpha()
    )


def _passive(units: Sequence[Unit], group: VerbGroup, giver: Role) -> list[Part]:
    found: list[Part] = []
    carriers: list[Part] = []
    for i in subjects(units, group.start):
        found += item(units, i) if units[i].kind == "goods" else []
        if units[i].kind in _PARTY and units[group.at].word in words("dative"):
            found.append(part("recipient", units, i))
    for prep, i in reach(units, group.at):
        if prep == "by" and units[i].kind in _PARTY:
            (carriers if _is_carrier(units[i]) else found).append(part(giver, units, i))
        else:
            found += passed(units, prep, i, found, is_get=giver == "recipient")
    return _with_carriers(units, found, carriers)


def _active(units: Sequence[Unit], group: VerbGroup, giver: Role, is_get: bool) -> list[Part]:
    acting = parts(giver, units, subjects(units, group.start), _PARTY)
    carriers = [one for one in acting if _is_carrier(units[one.unit])]
    found = [one for one in acting if one not in carriers]
    if found and units[group.at].word in _ONLY_CARRYING:
        return []
    is_first = True
    for prep, i in reach(units, group.at):
        unit = units[i]
        is_dative = is_first and not prep and unit.kind in _PARTY and units[group.at].word in words("dative")
        is_dative = is_dative and not (i + 1 < len(units) and units[i + 1].word == "of")
        if (
            is_dative
            and unit.word not in _OWNING
            and not _names_goods(units, i)
            and not (_takes_goods(units, i) == "goods" and _has_recipient(units, group.at))
        ):
            found.append(part("recipient", units, i))
        else:
            found += passed(units, prep, i, found, is_get=is_get)
        is_first = False
    if not any(one.role == "item" for one in found):
        found += _led_by_goods(units, group)
    return _with_carriers(units, found, carriers)


def _led_by_goods(units: Sequence[Unit], group: VerbGroup) -> list[Part]:
    """As in "the rockets (that) Iran sent to Chad": goods whose relative clause it is."""
    i = group.start - 1
    if i < 1 or units[i].kind not in _PARTY:
        return []
    i = coordinated(units, i)[0] - 1
    i -= i > 0 and units[i].word in ("that", "which")
    return item(units, i) if i >= 0 and units[i].kind == "goods" else []


def _names_goods(units: Sequence[Unit], i: int) -> bool:
    """As in "sell US naval secrets": the party before an unknown noun says whose it is, not who gets it."""
    after = units[i + 1] if i + 1 < len(units) else None
    if after is None or after.kind != "word":
        return False
    closed = words("prepositions", "boundaries", "modifiers", "auxiliaries") | _ARTICLES
    return after.word not in closed and not after.word[0].isdigit()


def _takes_goods(units: Sequence[Unit], i: int) -> str:
    return units[i + 1].kind if i + 1 < len(units) else ""


def _has_recipient(units: Sequence[Unit], at: int) -> bool:
    return any(prep in TO and units[i].kind in _PARTY for prep, i in reach(units, at))


ASKING: Final = frozenset(
    "plead pleads pleaded call calls called appeal appeals appealed ask asks asked asking request requests requested requesting seek seeks sought seeking".split()
)


def _by_request(units: Sequence[Unit], at: int) -> Draft | None:
    """As in "X asked Y for goods", "X sought goods from Y"."""
    group = verb_group(units, at)
    found = parts("recipient", units, subjects(units, group.start), _PARTY)
    for prep, i in reach(units, at):
        if units[i].kind == "goods" and prep in ("for", ""):
            found += item(units, i)
        elif units[i].kind == "party" and prep in ("", "from"):
            found.append(part("supplier", units, i))
    has_both = {"item", "supplier"} <= {one.role for one in found}
    return draft_of(units, at, (units[at].word, "request", *group.cues), found, group.start) if has_both else None
