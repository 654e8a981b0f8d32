"""Transfers: goods that pass from a supplier to a recipient, by verb ("sold X to Y") or noun ("X's arms sales to Y")."""

from collections.abc import Iterator, Sequence
from typing import Final

from worker.enrich.events.clause import VerbGroup, coordinated, subjects, verb_group
from worker.enrich.events.control import controllers
from worker.enrich.events.draft import Draft, Part, part, parts, predicate, words_after
from worker.enrich.events.finish import finish, words_before
from worker.enrich.events.goods import TO, are_weapons, item, passed
from worker.enrich.events.modality import operator_of
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
_LIGHT: Final = frozenset(
    (
        "make makes made making approve approves approved announce announces announced deny denies denied halt halts "
        "halted suspend suspends suspended resume resumes resumed begin begins began start starts started continue "
        "continues continued increase increases increased plan plans planned step speed speeds speeding reject rejects "
        "rejected conduct conducts conducted complete completed confirm confirms confirmed defend defends defended "
        "pledge pledges pledged promise promised promises sign signed signs reshuffles reshuffle boost boosts boosted stop "
        "stops stopped block blocks blocked secure secures secured get gets got sees see involved "
        "offer offers offered unveil unveils unveiled send sends sent provide provides provided authorize authorized "
        "authorizes authorise authorised announcing allocate allocates authorised need needs seek seeks sought request requests"
    ).split()
)
_FURTHEST_LIGHT: Final = 9
_CRIMES: Final = frozenset(("smuggling", "trafficking"))
_ARMING: Final = frozenset("arm arms armed arming".split())
_WANTING: Final = frozenset(
    "need needs needed seek seeks sought request requests get gets got secure secured secures expect expects await awaits".split()
)
"""Whose subject receives: "Chad needs a supply of shells"."""
_TAKING: Final = frozenset("take takes took taking taken".split())
_ALLOWING: Final = frozenset("allow allows allowed allowing permit permits permitted permitting".split())
_PARTICIPLE: Final = frozenset("sold sent given bought brought built flown shown got lent".split())


def find(units: Sequence[Unit]) -> Iterator[Draft]:
    """Every transfer of the sentence, those that say too little left out."""
    for at, unit in enumerate(units):
        if unit.kind == "goods":
            draft = _by_aid(units, at) if _is_aid(unit) else None
        elif unit.kind != "word":
            draft = None
        elif _is_noun(units, at):
            draft = _by_noun(units, at)
        elif unit.word == "arms" or unit.word in words("give", "get", "carry"):
            draft = _by_verb(units, at)
        elif unit.word in ASKING:
            draft = _by_request(units, at)
        else:
            draft = None
        if draft and _says_enough(units, draft):
            yield draft


def _says_enough(units: Sequence[Unit], draft: Draft) -> bool:
    told = {one.role for one in draft.parts} & _CORE
    word = units[draft.at].word
    if word in _ONLY_CARRYING and (len(told) < len(_CORE) or not are_weapons(units, draft.parts)):
        return False
    if word in _ARMING and told == {"supplier", "recipient"}:
        return True
    if "item" not in told and (
        _is_noun(units, draft.at) or word in words("goods_only_of") | words("dative") - _SELLING
    ):
        return False
    if word in _SENDING | words("carry") and _is_attack(units, draft):
        return False
    if "item" not in told and not any(one.role == "recipient" and units[one.unit].id for one in draft.parts):
        return False
    named = {(one.start, one.end) for one in draft.parts if one.role in told}
    return len(told) > 1 and len(named) > 1


_BEFORE_NOUN: Final = frozenset("an his any this that further more no such over on".split())
_SELLING: Final = frozenset("sell sells sold selling".split())


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
    return _draft(units, at, cues, found, group.start)


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
    return _draft(units, at, (units[at].word, "request", *group.cues), found, group.start) if has_both else None


# --- by noun -----------------------------------------------------------------------------------------------


def _is_noun(units: Sequence[Unit], at: int) -> bool:
    word = units[at].word
    if word not in words("nouns_give", "nouns_get"):
        return False
    if at + 1 < len(units) and units[at + 1].word in words("not_goods_before", "parties"):
        return False
    if word not in words("give", "get"):
        return True
    before = units[at - 1] if at else None
    after = units[at + 1] if at + 1 < len(units) else None
    if before is None or before.word == "to" or before.word in words("auxiliaries") - {"'s"}:
        return False
    follows_noun = before.kind in ("goods", "origin") or before.word in (
        "'s",
        "the",
        "a",
        "its",
        "their",
        "of",
        "potential",
        "new",
        *_BEFORE_NOUN,
    )
    if after is not None and after.word == "of" and not word.endswith("ing"):
        return True
    return follows_noun and (after is None or after.kind in ("word", "mark"))


def _by_noun(units: Sequence[Unit], at: int) -> Draft | None:
    is_taken = at > 0 and units[at - 1].word in _TAKING
    is_get = is_taken or units[at].word in words("nouns_get")
    giver: Role = "recipient" if is_get else "supplier"
    found: list[Part] = []
    if is_taken:
        group = verb_group(units, at - 1)
        found = parts(giver, units, subjects(units, group.start), _PARTY)
        return _draft(units, at, group.cues, [*found, *_noun_reach(units, at, giver, found)], group.start)
    first = at
    i = at - 1
    if prices := [
        k for k in (i, i - 1) if k >= 0 and units[k].kind == "money" and (k == i or units[i].kind == "goods")
    ]:
        found.append(part("price", units, prices[0]))
        i -= prices[0] == i
    while (
        i >= 0
        and units[i].kind == "word"
        and (units[i].word in words("modifiers") or units[i].word in ("own", "potential"))
    ):
        i -= 1
    prospect: tuple[str, ...] = ()
    if i >= 0 and units[i].kind == "goods":
        found += item(units, i)
        prospect = (units[i].prospect,) if units[i].prospect else ()
        first = i
        i -= 1
    owner = _owner(units, i)
    if owner >= 0:
        found.append(part(giver, units, owner))
        first = owner
    found += _noun_reach(units, at, giver, found)
    cues: tuple[str, ...] = ()
    after = (*words_after(units, at), *predicate(units, max([at, *(one.unit for one in found)])))
    if swapped := _as_buyer(units, owner, first, found):
        return _draft(units, at, *swapped)
    if not any(one.role == giver for one in found):
        by_light, cues, first = _light_subject(units, first, giver)
        found += by_light
    else:
        cues = words_before(units, first)
    return _draft(units, at, (*prospect, *cues, *after), found, first)


def _as_buyer(
    units: Sequence[Unit], owner: int, first: int, found: Sequence[Part]
) -> tuple[tuple[str, ...], list[Part], int] | None:
    """As in "the US approves a Taiwan arms sale": the country named before the goods is who gets them."""
    is_plain = owner >= 0 and units[owner].label == "GPE" and units[owner + 1].word != "'s"
    if not is_plain or any(one.role == "recipient" for one in found):
        return None
    by_light, cues, left = _light_subject(units, first, "supplier")
    if not by_light:
        return None
    rest = [one for one in found if one.unit != owner]
    return cues, [*by_light, *rest, part("recipient", units, owner)], left


def _noun_reach(units: Sequence[Unit], at: int, giver: Role, before: Sequence[Part]) -> list[Part]:
    found: list[Part] = []
    for prep, i in reach(units, at):
        if prep == "by" and units[i].kind in _PARTY:
            found.append(part(giver, units, i))
        elif prep != "":
            found += passed(units, prep, i, [*before, *found], is_get=giver == "recipient")
    return found


def _owner(units: Sequence[Unit], i: int) -> int:
    """Whose sale it is: a possessive, a people or a country right before; -1 where nobody is named."""
    while i >= 0 and units[i].kind == "word" and (units[i].word in words("modifiers") or units[i].word == "'s"):
        i -= 1
    if i < 0 or units[i].kind not in ("party", "origin", "pronoun"):
        return -1
    if units[i].kind == "pronoun" and units[i].word not in ("its", "their", "his", "her", "our"):
        return -1
    return i


def _light_subject(units: Sequence[Unit], first: int, giver: Role) -> tuple[list[Part], tuple[str, ...], int]:
    """The subject of the verb that governs the noun: "the government approved a sale of …"."""
    is_crime = first < len(units) and any(unit.word in _CRIMES for unit in units[first : first + 2])
    for i in range(first - 1, max(-1, first - _FURTHEST_LIGHT), -1):
        if units[i].word in words("sanction_nouns"):
            break
        if is_crime and operator_of(units[i].word) in ("bar", "cease"):
            break
        if units[i].kind == "word" and (units[i].word in _LIGHT or units[i].word in _ALLOWING):
            group = verb_group(units, i)
            if units[i].word in _WANTING and giver == "supplier":
                return (
                    parts("recipient", units, subjects(units, group.start), _PARTY),
                    (
                        units[i].word,
                        *words_before(units, first)[:3],
                        *group.cues,
                    ),
                    group.start,
                )
            found = (
                []
                if group.is_passive and units[i].word != "involved"
                else parts(giver, units, subjects(units, group.start), _PARTY)
            )
            is_ahead = "to" in group.cues[:1] and operator_of(units[i].word) not in (
                "cease",
                "bar",
                "deny",
                "ask",
                "undo",
            )
            ahead = ("will",) if is_ahead else ("approve",) if units[i].word in _ALLOWING else ()
            return found, (*ahead, units[i].word, *words_before(units, first)[:3], *group.cues), group.start
        if units[i].kind == "mark" or units[i].word in words("boundaries"):
            break
    return [], words_before(units, first), first


# --- by aid ------------------------------------------------------------------------------------------------


def _is_aid(unit: Unit) -> bool:
    return unit.word in words("aid")


def _by_aid(units: Sequence[Unit], at: int) -> Draft | None:
    """As in "military aid to X", where no verb of giving governs it."""
    recipients = [i for prep, i in reach(units, at) if prep in ("to", "for") and units[i].kind == "party"]
    if not recipients:
        return None
    found = [*item(units, at), *parts("recipient", units, recipients[:1], _PARTY)]
    before = at - 2 if at > 1 and units[at - 1].word in ("in", "of") else at - 1
    found += parts("price", units, [before] if before >= 0 else [], ("money",))
    owner = _owner(units, at - 2 if at > 1 and units[at - 1].kind == "money" else at - 1)
    if owner >= 0 and not units[owner].is_bare and units[owner].kind == "pronoun":
        owner = -1
    told = ("announced",) if _is_announced(units, at) else ()
    cues = (*told, *words_before(units, at))
    if owner >= 0:
        return _draft(units, at, cues, [part("supplier", units, owner), *found], owner)
    by_light, cues, first = _light_subject(units, at, "supplier")
    return _draft(units, at, (*told, *cues), [*by_light, *found], first)


def _is_announced(units: Sequence[Unit], at: int) -> bool:
    """Whether aid is told of as a new package: it is still to come."""
    around = [unit.word for unit in units[max(0, at - 4) : at + 2] if unit.kind == "word"] + [units[at].word]
    return bool({"package", "packages", "tranche"} & set(around)) and bool(
        {"new", "another", "additional", "latest", "fresh"} & set(around)
    )


def _draft(
    units: Sequence[Unit], at: int, cues: tuple[str, ...], found: Sequence[Part], first: int | None = None
) -> Draft:
    is_verb = units[at].kind == "word" and not _is_noun(units, at)
    return finish(units, at, cues, found, first, is_verb=is_verb)
