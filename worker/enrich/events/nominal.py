"""Transfers told by nouns: "Peru's arms sales to Chad", "military aid to Chad"."""

from collections.abc import Sequence
from typing import Final

from worker.enrich.events.clause import VerbGroup, subjects, verb_group
from worker.enrich.events.draft import Draft, Part, part, parts, predicate, words_after
from worker.enrich.events.finish import finish, words_before
from worker.enrich.events.goods import item, passed
from worker.enrich.events.modality import operator_of
from worker.enrich.events.reach import reach
from worker.enrich.events.units import Unit
from worker.enrich.events.words import words
from worker.model import Role

_PARTY: Final = ("party", "pronoun")
_LIGHT: Final = frozenset(
    (
        "make makes made making approve approves approved announce announces announced deny denies denied halt halts "
        "halted suspend suspends suspended resume resumes resumed begin begins began start starts started continue "
        "continues continued increase increases increased plan plans planned step speed speeds speeding reject rejects "
        "rejected conduct conducts conducted complete completed confirm confirms confirmed defend defends defended "
        "pledge pledges pledged promise promised promises sign signed signs reshuffles reshuffle boost boosts boosted stop "
        "stops stopped cancel cancels cancelled cancelling canceled canceling scrap scraps scrapped scrapping axe axes axed axing shelve shelves "
        "shelved shelving call-off calls-off called-off calling-off block blocks blocked secure secures secured get gets got sees see involved "
        "offer offers offered unveil unveils unveiled send sends sent provide provides provided authorize authorized "
        "authorizes authorise authorised announcing allocate allocates authorised need needs seek seeks sought request requests"
    ).split()
)
_FURTHEST_LIGHT: Final = 9
_CRIMES: Final = frozenset(("smuggling", "trafficking"))
_WANTING: Final = frozenset(
    "need needs needed seek seeks sought request requests get gets got secure secured secures expect expects await awaits".split()
)
_ENDING: Final = ("cease", "bar", "deny", "ask", "undo", "fail")
_TAKING: Final = frozenset("take takes took taking taken".split())
_ALLOWING: Final = frozenset("allow allows allowed allowing permit permits permitted permitting".split())
_BLOCKING: Final = frozenset("block blocks blocked blocking".split())
_BEFORE_NOUN: Final = frozenset("an his any this that further more no such over on".split())


def is_noun(units: Sequence[Unit], at: int) -> bool:
    """Whether a word tells of a transfer as a noun: "a sale of", not "to supply"."""
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


def by_noun(units: Sequence[Unit], at: int) -> Draft | None:
    """As in "Peru's arms sales to Chad"."""
    if at > 0 and units[at - 1].word in _TAKING:
        return _taken(units, at)
    giver: Role = "recipient" if units[at].word in words("nouns_get") else "supplier"
    found, owner, first = _before_noun(units, at, giver)
    found += _noun_reach(units, at, giver, found)
    after = (*words_after(units, at), *predicate(units, max([at, *(one.unit for one in found)])))
    if swapped := _as_buyer(units, owner, first, found):
        return draft_of(units, at, *swapped)
    prospect = next((units[one.unit].prospect for one in found if one.role == "item" and one.unit < at), "")
    by_light, cues, left = _light_subject(units, first, giver)
    if not any(one.role == giver for one in found):
        found, first = [*found, *by_light], left
    elif _are_wanted(by_light, found):
        found, first = [*by_light, *found], left
    else:
        cues = words_before(units, first)
    return draft_of(units, at, (*((prospect,) if prospect else ()), *cues, *after), found, first)


def _taken(units: Sequence[Unit], at: int) -> Draft:
    """As in "Chad took delivery of Peru's rifles"."""
    group = verb_group(units, at - 1)
    found = parts("recipient", units, subjects(units, group.start), _PARTY)
    return draft_of(units, at, group.cues, [*found, *_noun_reach(units, at, "recipient", found)], group.start)


def _are_wanted(by_light: Sequence[Part], found: Sequence[Part]) -> bool:
    """Whether the verb tells who receives, and nothing else does: "Chad awaits Peru's delivery"."""
    return any(one.role == "recipient" for one in by_light) and not any(one.role == "recipient" for one in found)


def _before_noun(units: Sequence[Unit], at: int, giver: Role) -> tuple[list[Part], int, int]:
    """Price, goods and owner left of the noun, the owner's unit (-1 where nobody is named), and the leftmost unit of them."""
    found: list[Part] = []
    first, i = at, at - 1
    if prices := [
        k for k in (i, i - 1) if k >= 0 and units[k].kind == "money" and (k == i or units[i].kind == "goods")
    ]:
        found.append(part("price", units, prices[0]))
        i -= prices[0] == i
    while i >= 0 and units[i].kind == "word" and units[i].word in words("modifiers") | {"own", "potential"}:
        i -= 1
    if i >= 0 and units[i].kind == "goods":
        found += item(units, i)
        first, i = i, i - 1
    owner = _owner(units, i)
    if owner >= 0:
        found.append(part(giver, units, owner))
        first = owner
    return found, owner, first


def _as_buyer(
    units: Sequence[Unit], owner: int, first: int, found: Sequence[Part]
) -> tuple[tuple[str, ...], list[Part], int] | None:
    """As in "the US approves a Taiwan arms sale": the country named before the goods is who gets them."""
    is_plain = owner >= 0 and units[owner].label == "GPE" and units[owner + 1].word != "'s"
    if not is_plain or any(one.role == "recipient" for one in found):
        return None
    by_light, cues, left = _light_subject(units, first, "supplier")
    if (
        not by_light and owner and units[owner - 1].word == "over"
    ):  # "angry over Taiwan arms sales": which way is not said
        return cues, [one for one in found if one.unit != owner], left
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
        word = units[i].word
        if word in words("sanction_nouns") or (is_crime and operator_of(word) in ("bar", "cease", "fail")):
            break
        if units[i].kind == "word" and (word in _LIGHT or word in _ALLOWING):
            return _governed(units, i, first, giver)
        if units[i].kind == "mark" or word in words("boundaries"):
            break
    return [], words_before(units, first), first


def _governed(units: Sequence[Unit], verb: int, first: int, giver: Role) -> tuple[list[Part], tuple[str, ...], int]:
    """Who is the subject of the light verb, in which role; the cues from it on; and where its group begins."""
    word, group = units[verb].word, verb_group(units, verb)
    cues = (word, *words_before(units, first)[:3], *group.cues)
    if word in _WANTING and giver == "supplier":
        return parts("recipient", units, subjects(units, group.start), _PARTY), cues, group.start
    found = [] if group.is_passive and word != "involved" else _acting(units, verb, group, giver)
    is_ahead = "to" in group.cues[:1] and operator_of(word) not in _ENDING
    ahead = ("will",) if is_ahead else ("approve",) if word in _ALLOWING else ()
    return found, (*ahead, *cues), group.start


def _acting(units: Sequence[Unit], verb: int, group: VerbGroup, giver: Role) -> list[Part]:
    """The subject of a light verb, where it takes part: who permits or blocks a sale, and who passes laws, sells nothing."""
    is_failing = operator_of(units[verb].word) == "cease" and any(operator_of(cue) == "fail" for cue in group.cues)
    if giver == "supplier" and (is_failing or units[verb].word in _BLOCKING | _ALLOWING):
        return []
    acting = parts(giver, units, subjects(units, group.start), _PARTY)
    return [one for one in acting if giver != "supplier" or units[one.unit].word not in words("deciding")]


def is_aid(unit: Unit) -> bool:
    """Whether goods are aid, which tells of a transfer by itself."""
    return unit.word in words("aid")


def by_aid(units: Sequence[Unit], at: int) -> Draft | None:
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
        return draft_of(units, at, cues, [part("supplier", units, owner), *found], owner)
    by_light, cues, first = _light_subject(units, at, "supplier")
    return draft_of(units, at, (*told, *cues), [*by_light, *found], first)


def _is_announced(units: Sequence[Unit], at: int) -> bool:
    """Whether aid is told of as a new package: it is still to come."""
    around = [unit.word for unit in units[max(0, at - 4) : at + 2] if unit.kind == "word"] + [units[at].word]
    return bool({"package", "packages", "tranche"} & set(around)) and bool(
        {"new", "another", "additional", "latest", "fresh"} & set(around)
    )


def draft_of(
    units: Sequence[Unit], at: int, cues: tuple[str, ...], found: Sequence[Part], first: int | None = None
) -> Draft:
    """The draft with what the rest of the sentence adds."""
    is_verb = units[at].kind == "word" and not is_noun(units, at)
    return finish(units, at, cues, found, first, is_verb=is_verb)
