"""A sentence as a row of units: parties, goods, amounts, dates, and the words between them.

Owns how words and entities are put together to one mention ("the former US Treasury Secretary", "14 Leopard 2 tanks").
Does not own what passes between them (`transfer`, `measure`, `breach`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final, Literal

from worker.enrich.countries import country_id
from worker.enrich.events.tokens import POSSESSIVE, Token, read_tokens
from worker.enrich.events.words import pairs, words
from worker.model import Entity

Kind = Literal["party", "goods", "money", "date", "origin", "pronoun", "word", "mark"]

_DETERMINERS: Final = frozenset("a an the this these those its their his her our my any every each".split())
_PRONOUNS: Final = frozenset(
    "he she it they we i you them him us himself itself themselves me her its their his our my".split()
)
_OWNING: Final = frozenset("its their his her our my".split())
_NUMBERS: Final = frozenset(
    (
        "one two three four five six seven eight nine ten eleven twelve dozen dozens hundreds thousands millions tens "
        "several scores tonnes tons barrels million billion thousand hundred half"
    ).split()
)
_MEASURES: Final = frozenset(
    "tonnes tons barrels dozens hundreds thousands millions pieces units rounds kilograms kg tens scores".split()
)
_LOOSE: Final = frozenset(
    "new more recent recently further additional other some several first latest fresh key top potential".split()
)
_DAYS: Final = frozenset(("yesterday", "today", "tomorrow"))
_RELATIVE: Final = frozenset("last next this previous past coming".split())
_PERIODS: Final = frozenset("week month year weekend quarter spring summer autumn winter decade century".split())
_PROSPECTS: Final = frozenset(
    "potential possible planned proposed promised pledged future upcoming alleged suspected".split()
)
_RANKS: Final = frozenset("first second third latest last only".split())
_PROMISED: Final = frozenset(("promised", "pledged"))
_ARMED: Final = frozenset("military lethal weapons arms security defence defense".split())
_LED: Final = frozenset("that which seen spotted caught suspected accused believed thought said used of".split())
"""Between a ship and what it does: "a ship suspected of carrying"."""
_FIRING: Final = frozenset("shell bomb rocket arm torpedo mortar".split())
_NAMES: Final = frozenset(("PERSON", "ORG", "GPE", "LOC", "FAC", "NORP"))
_REMEMBERED: Final = 20_000
_UNITED_NATIONS: Final = re.compile(r"(?:the )?(?:UN|U\.N\.?|United Nations)\b", re.IGNORECASE)
_STATE_BODY: Final = re.compile(
    r"\b(?:Ministr|Department|Army|Navy|Air Force|Government|Treasury|Parliament|Military|Embassy|Armed Forces|Congress|Senate)",
)
_DESIGNATION: Final = re.compile(r"[a-z]+-?\d+[a-z]*$|\d+mm$")
_ADJECTIVE: Final = re.compile(r"(?:[a-z]+(?:al|ic|ive|ous|ary|ern|ese|less|ful|able|ible)|[\w]+-[\w-]+)$")


@dataclass(frozen=True, slots=True)
class Unit:
    """A mention or a word. `word` is its last word in small letters; offsets are the text's.

    `quantity` is the number before goods, `owner` the people they are named after ("North Korean missiles").
    """

    kind: Kind
    word: str
    start: int
    end: int
    label: str = ""
    id: str | None = None
    quantity: tuple[int, int] | None = None
    is_owned: bool = False
    is_bare: bool = True
    """Nothing stands before its last word: no determiner, adjective or number."""
    prospect: str = ""
    """An adjective before it that says if what is told of it came to pass: "planned arms sales"."""
    is_ranked: bool = False
    """It is "the first country", "the only ally": what it is the first to do is done."""
    origin: Entity | None = None
    """The people whose goods they are: "North Korean missiles"."""


def read_units(text: str, start: int, end: int, entities: Sequence[Entity]) -> list[Unit]:
    """The units of the sentence [start, end); `entities` are those that stand in it, in order."""
    tokens = read_tokens(text, start, end, entities)
    units: list[Unit] = []
    i = 0
    while i < len(tokens):
        unit, i = _read(tokens, i)
        units.append(unit)
    return units


# --- mentions ----------------------------------------------------------------------------------------------


def _read(tokens: list[Token], i: int) -> tuple[Unit, int]:
    token = tokens[i]
    if stop := _relative_date(tokens, i):
        return _unit("date", tokens, i, stop), stop
    if kind := _single(token):
        return _unit(kind, tokens, i, i + 1), i + 1
    if token.entity is None and not _may_open_mention(token.word):
        return Unit(_left_over(token), token.word, token.start, token.end), i + 1
    if noun := _carrier(tokens, i):
        stop = _past_name(tokens, noun)
        return replace(_unit("party", tokens, i, stop), word=tokens[noun - 1].word), stop
    core = _skip_modifiers(tokens, i)
    if (stop := _goods_end(tokens, core)) and not _is_compound(tokens, stop):
        return _unit("goods", tokens, i, stop, quantity=_quantity(tokens, i, stop)), stop
    if stop := _party_end(tokens, core):
        return _unit("party", tokens, i, stop), stop
    return _unit(_left_over(token), tokens, i, i + 1), i + 1


def _single(token: Token) -> Kind | None:
    if token.is_name("MONEY", "DATE"):
        return "money" if token.is_name("MONEY") else "date"
    return "pronoun" if token.word in _PRONOUNS and not token.entity else None


def _relative_date(tokens: list[Token], i: int) -> int:
    """Where "last week", "this month", "yesterday" end; 0 where none begins."""
    if tokens[i].entity is not None:
        return 0
    if tokens[i].word in _DAYS:
        return i + 1
    is_led = tokens[i].word in _RELATIVE and i + 1 < len(tokens) and tokens[i + 1].entity is None
    return i + 2 if is_led and tokens[i + 1].word in _PERIODS else 0


@lru_cache(maxsize=_REMEMBERED)
def _may_open_mention(word: str) -> bool:
    """Whether a mention may begin with a word that is no name; most words open none."""
    if word in ("of", "and", "'s", "cargo") or word in _PROMISED or word in _plain_modifiers() or word[0].isdigit():
        return True
    return word in words("goods", "parties") or word in _aid_openers() or _describes(word)


@cache
def _aid_openers() -> frozenset[str]:
    return frozenset(first for first, _ in pairs("aid_goods"))


def _left_over(token: Token) -> Kind:
    if token.is_name("NORP") or (token.word == "western" and not token.entity):
        return "origin"
    return "word" if token.word[:1].isalnum() or token.word == "'s" else "mark"


def _skip_modifiers(tokens: list[Token], i: int) -> int:
    """The first token from `i` on that is none of a mention's determiners, numbers and adjectives."""
    at = i
    while at < len(tokens) and not _goods_end(tokens, at) and not _party_end(tokens, at):
        if not _is_modifier(tokens, at):
            return i
        at += 1
    return at if at < len(tokens) else i


def _is_modifier(tokens: list[Token], i: int) -> bool:
    token = tokens[i]
    if token.entity is not None:
        return token.is_name("NORP")
    if token.word == "of":
        return i > 0 and tokens[i - 1].word in _MEASURES
    if token.word == "arms" and _is_arming(tokens, i):
        return False
    if token.word == "armed" and i + 1 < len(tokens) and (tokens[i + 1].entity or tokens[i + 1].word in _DETERMINERS):
        return False
    if token.word == "and":
        return _joins_peoples(tokens, i)
    if token.word in _PROMISED:
        return i > 0 and tokens[i - 1].word in _DETERMINERS | {"of", "newly"}
    if token.word in _plain_modifiers() or token.word[0].isdigit():
        return True
    if i and tokens[i - 1].word == "to" and "-" in token.word:
        return False  # a verb: "to co-ordinate arms"
    return _describes(token.word) or _is_make(tokens, i)


def _is_make(tokens: list[Token], i: int) -> bool:
    """As in "Grad rockets": a capital within a sentence right before goods in small letters."""
    after = tokens[i + 1] if i and i + 1 < len(tokens) else None
    is_before = after is not None and not after.is_capital and _goods_end(tokens, i + 1) > 0
    return tokens[i].is_capital and is_before and tokens[i - 1].word[:1].isalnum() and not _is_verb(tokens[i].word)


@cache
def _plain_modifiers() -> frozenset[str]:
    return words("modifiers") | _DETERMINERS | _NUMBERS | {"western"}


@lru_cache(maxsize=_REMEMBERED)
def _describes(word: str) -> bool:
    return bool(_DESIGNATION.match(word)) or _is_adjective(word)


def _is_adjective(word: str) -> bool:
    return bool(_ADJECTIVE.match(word)) and not _is_verb(word) and word != "unless"


def _joins_peoples(tokens: list[Token], i: int) -> bool:
    """As in "Romanian and Bulgarian weapons"."""
    return 0 < i < len(tokens) - 1 and tokens[i - 1].is_name("NORP") and tokens[i + 1].is_name("NORP")


def _is_verb(word: str) -> bool:
    return any(
        word in words(name) for name in ("give", "get", "help", "impose", "violate", "sanction_verbs", "prepositions")
    )


def _goods_end(tokens: list[Token], i: int) -> int:
    """Where goods end whose last words begin at `i`; 0 where there are none."""
    at = i
    while at < len(tokens):
        if tokens[at].is_name("WEAPON", "VESSEL") or _is_goods_noun(tokens, at):
            at += 1
        elif at + 1 < len(tokens) and (tokens[at].word, tokens[at + 1].word) in pairs("aid_goods"):
            at += 2
        elif at > i or tokens[at].word in words("modifiers"):
            stop = _goods_end(tokens, at + 1) if tokens[at].word in words("modifiers") else 0
            return stop or (at if at > i else 0)
        else:
            return at if at > i else 0
    return at if at > i else 0


def _is_goods_noun(tokens: list[Token], at: int) -> bool:
    word = tokens[at].word
    if tokens[at].entity is not None or word not in words("goods"):
        return False
    if word == "arms":
        return not _is_arming(tokens, at)
    return word not in words("give") or not _is_between(tokens, at)


def _is_arming(tokens: list[Token], at: int) -> bool:
    """Whether "arms" is the verb, between two parties: "Iran arms the rebels", not "Iran arms exports"."""
    if (
        at == 0
        or not _may_act(tokens[at - 1])
        or at + 1 >= len(tokens)
        or tokens[at + 1].word in words("not_goods_before")
    ):
        return False
    core = at + 1
    while core < len(tokens) and not _party_end(tokens, core) and _is_modifier(tokens, core):
        core += 1
    stop = _party_end(tokens, core) if core < len(tokens) else 0
    if not stop or tokens[core].word == "'s":
        return False
    after = tokens[stop] if stop < len(tokens) else None
    return after is None or not after.word[:1].isalnum() or after.word in words("prepositions", "boundaries") | {"and"}


def _is_between(tokens: list[Token], at: int) -> bool:
    """Whether a word that is goods or a verb is the verb: between a party and goods, as in "Iran ships shells"."""
    before = at - 1
    while before >= 0 and tokens[before].entity is None and _is_adverb(tokens[before].word):
        before -= 1
    if _is_firing(tokens, at + 1):
        return False
    return before >= 0 and _may_act(tokens[before]) and _leads_to_goods(tokens, at + 1)


def _is_firing(tokens: list[Token], at: int) -> bool:
    """As in "Russia ships shell Odesa": the goods are the verb, for no preposition leads on from them."""
    after = tokens[at + 1].word if at + 1 < len(tokens) else ""
    return at < len(tokens) and tokens[at].word in _FIRING and after not in words("prepositions")


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") or (word in words("auxiliaries") and word != "'s")


def _may_act(token: Token) -> bool:
    if token.entity is None:
        return token.word in words("parties") or token.word in ("it", "he", "she", "which", "that", "who")
    return token.is_name("GPE", "ORG", "PERSON", "LOC")


def _leads_to_goods(tokens: list[Token], i: int) -> bool:
    """Whether goods follow right after their adjectives, numbers and containers ("12,000 containers of")."""
    i = _past_recipient(tokens, i)
    while i < len(tokens):
        core = _skip_modifiers(tokens, i)
        if _goods_end(tokens, core):
            return True
        at = i
        while at < len(tokens) and _is_modifier(tokens, at):
            at += 1
        if at + 1 >= len(tokens) or not is_container(tokens[at].word) or tokens[at + 1].word != "of":
            return False
        i = at + 2
    return False


def _past_recipient(tokens: list[Token], i: int) -> int:
    """As in "ships | Chad | 20 more rockets": whom the goods go to stands before their number or adjectives."""
    is_name = i + 1 < len(tokens) and tokens[i].is_name("GPE", "ORG", "PERSON")
    after = tokens[i + 1] if is_name else None
    is_apart = (
        after is not None and after.entity is None and (is_number(after.word) or after.word in words("modifiers"))
    )
    return i + 1 if is_apart or (i < len(tokens) and tokens[i].word in ("him", "them", "her")) else i


def is_container(word: str) -> bool:
    """Whether goods are counted by it: "containers", "truckloads"."""
    return word in words("containers") or word.endswith(("loads", "load"))


def _carrier(tokens: list[Token], i: int) -> int:
    """Where the noun ends of a nation's ship, train or plane that begins at `i` and carries goods; 0 where none does."""
    at = i
    is_national = False
    while at < len(tokens):
        token = tokens[at]
        if is_national and token.entity is None and token.word in words("carriers"):
            return at + 1 if _carries(tokens, at + 1) or _is_carried_by(tokens, i) else 0
        is_name = token.is_name("GPE", "NORP")
        if not (is_name or token.word in ("'s", "cargo") or _is_modifier(tokens, at)):
            return 0
        is_national = is_national or is_name
        at += 1
    return 0


def _past_name(tokens: list[Token], at: int) -> int:
    is_name = at < len(tokens) and tokens[at].is_name("VESSEL", "PERSON", "ORG")
    return at + 1 if is_name else at


def _carries(tokens: list[Token], at: int) -> bool:
    """As in "… has secretly carried shells": active, with its goods behind it."""
    at = _past_name(tokens, at)
    while at < len(tokens) and tokens[at].entity is None and (_is_adverb(tokens[at].word) or tokens[at].word in _LED):
        at += 1
    return at < len(tokens) and tokens[at].word in words("carry", "give") and _leads_to_goods(tokens, at + 1)


def _is_carried_by(tokens: list[Token], i: int) -> bool:
    """As in "shells were carried to Syria by …"."""
    led = i > 1 and tokens[i - 1].word == "by"
    return led and any(token.word in words("carry", "give") for token in tokens[max(0, i - 6) : i - 1])


def _is_compound(tokens: list[Token], stop: int) -> bool:
    return stop < len(tokens) and tokens[stop].word in words("not_goods_before")


def _party_end(tokens: list[Token], i: int) -> int:
    """Where a party ends whose name or last words begin at `i`; 0 where there is none."""
    at = i
    is_party = False
    while at < len(tokens):
        token = tokens[at]
        if (
            token.is_name("PERSON", "ORG", "GPE", "LOC", "FAC")
            or (token.is_name("NORP") and _is_people(tokens, at))
            or (token.entity is None and token.word in words("parties") and not _is_no_party(tokens, at))
        ):
            is_party, at = True, at + 1
        elif is_party and (further := _further(tokens, at)):
            at = further
        else:
            break
        if tokens[at - 1].is_name("GPE", "ORG", "LOC", "PERSON") and at < len(tokens) and not _joins(tokens, at):
            break
    return at if is_party else 0


def _joins(tokens: list[Token], at: int) -> bool:
    """Whether what stands at `at` goes on with the name before it: a title, a body, a possessive before one."""
    return bool(_further(tokens, at)) or (
        tokens[at].entity is None and tokens[at].word in words("parties") and not _is_no_party(tokens, at)
    )


def _further(tokens: list[Token], at: int) -> int:
    """Where the party noun begins that a possessive or adjectives at `at` lead to; 0 where none."""
    i = at + 1 if tokens[at].word == "'s" else at
    while i < len(tokens) and tokens[i].entity is None and tokens[i].word in words("modifiers"):
        i += 1
    is_noun = i < len(tokens) and tokens[i].entity is None and tokens[i].word in words("parties")
    return i if is_noun and i > at and not _is_compound_party(tokens, i) else 0


def _is_no_party(tokens: list[Token], at: int) -> bool:
    """Whether a noun of the list is none here: part of a compound, or the verb of "…, the Gazette reports"."""
    is_verb = tokens[at].word == "reports" and at > 0 and tokens[at - 1].is_name("ORG", "PERSON", "GPE")
    return is_verb or _is_compound_party(tokens, at)


def _is_people(tokens: list[Token], at: int) -> bool:
    """Whether a NORP names people by itself: "Russians", "the Taliban", not "Russian oil"."""
    token = tokens[at]
    after = tokens[at + 1].word if at + 1 < len(tokens) else ""
    return token.word.endswith("s") and after not in words("goods") and not after.startswith("'")


def _is_compound_party(tokens: list[Token], at: int) -> bool:
    after = tokens[at + 1].word if at + 1 < len(tokens) else ""
    if tokens[at].word == "military" and (after in words("goods") or ("military", after) in pairs("aid_goods")):
        return True
    return after in words("not_goods_before") and after not in words("parties")


def _quantity(tokens: list[Token], start: int, stop: int) -> tuple[int, int] | None:
    numbers = [t for t in tokens[start:stop] if t.entity is None and is_number(t.word)]
    return (numbers[0].start, numbers[-1].end) if numbers else None


def is_number(word: str) -> bool:
    """Whether it counts, in figures or letters."""
    return word in _NUMBERS or (word[0].isdigit() and not _DESIGNATION.match(word))


def _are_weapons(tokens: list[Token], stop: int) -> bool:
    """Whether goods are weapons by their last words: "arms", "military aid"."""
    last = tokens[stop - 1].word
    return last in words("materiel") or (last in words("aid") and tokens[stop - 2].word in _ARMED)


def _is_led_by(word: str, kind: Kind) -> bool:
    """Whether a mention begins after this word: its article, and of goods the number, which is a role of its own."""
    is_counted = kind == "goods" and (is_number(word) or word == "of")
    return word in _DETERMINERS - _OWNING or is_counted or (kind == "party" and word in _LOOSE)


def _people(token: Token) -> Entity:
    return token.entity or Entity(token.word, "NORP", token.start, token.end)


def _id(entity: Entity) -> str | None:
    """The entity's id; of the bodies that impose sanctions also `UN`, which is no country."""
    if entity.id or entity.label not in _NAMES:
        return entity.id
    if entity.label == "ORG" and _STATE_BODY.search(entity.text):
        return country_id(entity.text.split(None, 1)[0])
    bare = POSSESSIVE.sub("", entity.text)
    return "UN" if _UNITED_NATIONS.match(bare) else country_id(bare) if entity.label in ("GPE", "NORP") else None


def _unit(kind: Kind, tokens: list[Token], start: int, stop: int, quantity: tuple[int, int] | None = None) -> Unit:
    first = start
    while first < stop - 1 and tokens[first].entity is None and _is_led_by(tokens[first].word, kind):
        first += 1
    last = tokens[stop - 1]
    named = [t.entity for t in tokens[first:stop] if t.entity]
    entity = next((e for e in reversed(named) if e.end >= last.end), named[0] if named else None)
    id_ = next((code for e in named if (code := _id(e))), None)
    return Unit(
        kind=kind,
        word=last.word,
        start=tokens[first].start,
        end=last.end,
        label="WEAPON" if kind == "goods" and _are_weapons(tokens, stop) else entity.label if entity else "",
        id=id_ if kind != "goods" else None,
        quantity=quantity,
        is_owned=tokens[start].word in _OWNING,
        is_bare=stop - start == 1,
        prospect=next((token.word for token in tokens[start : stop - 1] if token.word in _PROSPECTS), ""),
        is_ranked=any(token.word in _RANKS for token in tokens[start : stop - 1]),
        origin=next((_people(t) for t in tokens[first:stop] if t.is_name("NORP") or t.word == "western"), None)
        if kind == "goods"
        else None,
    )
