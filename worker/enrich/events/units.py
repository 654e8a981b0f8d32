"""A sentence as a row of units: parties, goods, amounts, dates, and the words between them.

Owns how words and entities are put together to one mention ("the former US Treasury Secretary", "14 Leopard 2 tanks").
Does not own what passes between them (`transfer`, `measure`, `breach`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from worker.enrich.countries import country_id
from worker.enrich.events.words import HYPHENED, pairs, words
from worker.model import Entity

Kind = Literal["party", "goods", "money", "date", "origin", "pronoun", "word", "mark"]

_TOKEN: Final = re.compile(
    r"(?:[A-Za-z]\.){2,}|\d[\d.,]*\d|\w+?(?=n['’]t\b)|n['’]t\b|['’´`]s\b|\w+(?:[-–]\w+)*|[^\w\s]", re.IGNORECASE
)
_POSSESSIVE: Final = re.compile(r"(?:['’´`]s|(?<=s)['’´])$")
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
_PROMISED: Final = frozenset(("promised", "pledged"))
_ARMED: Final = frozenset("military lethal weapons arms security defence defense".split())
_NAMES: Final = frozenset(("PERSON", "ORG", "GPE", "LOC", "FAC", "NORP"))
_UNITED_NATIONS: Final = re.compile(r"(?:the )?(?:UN|U\.N\.?|United Nations)\b", re.IGNORECASE)
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
    origin: Entity | None = None
    """The people whose goods they are: "North Korean missiles"."""


@dataclass(frozen=True, slots=True)
class _Token:
    word: str
    start: int
    end: int
    entity: Entity | None = None

    def is_name(self, *labels: str) -> bool:
        return self.entity is not None and self.entity.label in labels


def read_units(text: str, start: int, end: int, entities: Sequence[Entity]) -> list[Unit]:
    """The units of the sentence [start, end); `entities` are those that stand in it, in order."""
    tokens = _tokens(text, start, end, entities)
    units: list[Unit] = []
    i = 0
    while i < len(tokens):
        unit, i = _read(tokens, i)
        units.append(unit)
    return units


# --- tokens ------------------------------------------------------------------------------------------------


def _tokens(text: str, start: int, end: int, entities: Sequence[Entity]) -> list[_Token]:
    tokens: list[_Token] = []
    at = start
    for entity in entities:
        if entity.start < at:
            continue
        tokens += _plain(text, at, entity.start)
        bare = _POSSESSIVE.search(text, entity.start, entity.end)
        stop = bare.start() if bare and bare.start() > entity.start else entity.end
        tokens.append(_Token(_last_word(text[entity.start : stop]), entity.start, stop, entity))
        tokens += _plain(text, stop, entity.end)
        at = entity.end
    return tokens + _plain(text, at, end)


def _plain(text: str, start: int, end: int) -> list[_Token]:
    found: list[_Token] = []
    for match in _TOKEN.finditer(text, start, end):
        word = match.group().lower().replace("’", "'").replace("´", "'").replace("`", "'")
        head, _, tail = word.rpartition("-")
        if head and tail in HYPHENED:
            cut = match.end() - len(tail)
            found += [_Token(head, match.start(), cut - 1), _Token("-", cut - 1, cut), _Token(tail, cut, match.end())]
        elif word != "-" or not found or found[-1].end != match.start():
            found.append(_Token(word, match.start(), match.end()))
    return found


def _last_word(name: str) -> str:
    return (name.split() or [""])[-1].lower()


# --- mentions ----------------------------------------------------------------------------------------------


def _read(tokens: list[_Token], i: int) -> tuple[Unit, int]:
    token = tokens[i]
    if kind := _single(token):
        return _unit(kind, tokens, i, i + 1), i + 1
    core = _skip_modifiers(tokens, i)
    if (stop := _goods_end(tokens, core)) and not _is_compound(tokens, stop):
        return _unit("goods", tokens, i, stop, quantity=_quantity(tokens, i, stop)), stop
    if stop := _party_end(tokens, core):
        return _unit("party", tokens, i, stop), stop
    return _unit(_left_over(token), tokens, i, i + 1), i + 1


def _single(token: _Token) -> Kind | None:
    if token.is_name("MONEY", "DATE"):
        return "money" if token.is_name("MONEY") else "date"
    return "pronoun" if token.word in _PRONOUNS and not token.entity else None


def _left_over(token: _Token) -> Kind:
    if token.is_name("NORP") or (token.word == "western" and not token.entity):
        return "origin"
    return "word" if token.word[:1].isalnum() or token.word == "'s" else "mark"


def _skip_modifiers(tokens: list[_Token], i: int) -> int:
    """The first token from `i` on that is none of a mention's determiners, numbers and adjectives."""
    at = i
    while at < len(tokens) and not _goods_end(tokens, at) and not _party_end(tokens, at):
        if not _is_modifier(tokens, at):
            return i
        at += 1
    return at if at < len(tokens) else i


def _is_modifier(tokens: list[_Token], i: int) -> bool:
    token = tokens[i]
    if token.entity is not None:
        return token.is_name("NORP")
    if token.word == "of":
        return i > 0 and tokens[i - 1].word in _MEASURES
    if token.word == "and":
        return _joins_peoples(tokens, i)
    if token.word in _PROMISED:
        return i > 0 and tokens[i - 1].word in _DETERMINERS | {"of", "newly"}
    if token.word in _DETERMINERS | _NUMBERS | words("modifiers") | {"western"} or token.word[0].isdigit():
        return True
    return bool(_DESIGNATION.match(token.word)) or _is_adjective(token.word)


def _is_adjective(word: str) -> bool:
    return bool(_ADJECTIVE.match(word)) and not _is_verb(word)


def _joins_peoples(tokens: list[_Token], i: int) -> bool:
    """As in "Romanian and Bulgarian weapons"."""
    return 0 < i < len(tokens) - 1 and tokens[i - 1].is_name("NORP") and tokens[i + 1].is_name("NORP")


def _is_verb(word: str) -> bool:
    return any(
        word in words(name) for name in ("give", "get", "help", "impose", "violate", "sanction_verbs", "prepositions")
    )


def _goods_end(tokens: list[_Token], i: int) -> int:
    """Where goods end whose last words begin at `i`; 0 where there are none."""
    at = i
    while at < len(tokens):
        if tokens[at].is_name("WEAPON", "VESSEL") or (tokens[at].entity is None and tokens[at].word in words("goods")):
            at += 1
        elif at + 1 < len(tokens) and (tokens[at].word, tokens[at + 1].word) in pairs("aid_goods"):
            at += 2
        elif at > i or tokens[at].word in words("modifiers"):
            stop = _goods_end(tokens, at + 1) if tokens[at].word in words("modifiers") else 0
            return stop or (at if at > i else 0)
        else:
            return at if at > i else 0
    return at if at > i else 0


def _is_compound(tokens: list[_Token], stop: int) -> bool:
    return stop < len(tokens) and tokens[stop].word in words("not_goods_before")


def _party_end(tokens: list[_Token], i: int) -> int:
    """Where a party ends whose name or last words begin at `i`; 0 where there is none."""
    at = i
    is_party = False
    while at < len(tokens):
        token = tokens[at]
        if (
            token.is_name("PERSON", "ORG", "GPE", "LOC", "FAC")
            or (token.is_name("NORP") and _is_people(tokens, at))
            or (token.entity is None and token.word in words("parties") and not _is_compound_party(tokens, at))
        ):
            is_party, at = True, at + 1
        elif is_party and (further := _further(tokens, at)):
            at = further
        else:
            break
        if tokens[at - 1].is_name("GPE", "ORG", "LOC", "PERSON") and at < len(tokens) and not _joins(tokens, at):
            break
    return at if is_party else 0


def _joins(tokens: list[_Token], at: int) -> bool:
    """Whether what stands at `at` goes on with the name before it: a title, a body, a possessive before one."""
    return bool(_further(tokens, at)) or (tokens[at].entity is None and tokens[at].word in words("parties"))


def _further(tokens: list[_Token], at: int) -> int:
    """Where the party noun begins that a possessive or adjectives at `at` lead to; 0 where none."""
    i = at + 1 if tokens[at].word == "'s" else at
    while i < len(tokens) and tokens[i].entity is None and tokens[i].word in words("modifiers"):
        i += 1
    is_noun = i < len(tokens) and tokens[i].entity is None and tokens[i].word in words("parties")
    return i if is_noun and i > at and not _is_compound_party(tokens, i) else 0


def _is_people(tokens: list[_Token], at: int) -> bool:
    """Whether a NORP names people by itself: "Russians", "the Taliban", not "Russian oil"."""
    token = tokens[at]
    after = tokens[at + 1].word if at + 1 < len(tokens) else ""
    return token.word.endswith("s") and after not in words("goods") and not after.startswith("'")


def _is_compound_party(tokens: list[_Token], at: int) -> bool:
    after = tokens[at + 1].word if at + 1 < len(tokens) else ""
    return after in words("not_goods_before") and after not in words("parties")


def _quantity(tokens: list[_Token], start: int, stop: int) -> tuple[int, int] | None:
    numbers = [t for t in tokens[start:stop] if t.entity is None and _is_number(t.word)]
    return (numbers[0].start, numbers[-1].end) if numbers else None


def _is_number(word: str) -> bool:
    return word in _NUMBERS or (word[0].isdigit() and not _DESIGNATION.match(word))


def _are_weapons(tokens: list[_Token], stop: int) -> bool:
    """Whether goods are weapons by their last words: "arms", "military aid"."""
    last = tokens[stop - 1].word
    return last in words("materiel") or (last in words("aid") and tokens[stop - 2].word in _ARMED)


def _is_led_by(word: str, kind: Kind) -> bool:
    """Whether a mention begins after this word: its article, and of goods the number, which is a role of its own."""
    is_counted = kind == "goods" and (_is_number(word) or word == "of")
    return word in _DETERMINERS - _OWNING or is_counted or (kind == "party" and word in _LOOSE)


def _people(token: _Token) -> Entity:
    return token.entity or Entity(token.word, "NORP", token.start, token.end)


def _id(entity: Entity) -> str | None:
    """The entity's id; of the bodies that impose sanctions also `UN`, which is no country."""
    if entity.id or entity.label not in _NAMES:
        return entity.id
    bare = _POSSESSIVE.sub("", entity.text)
    return "UN" if _UNITED_NATIONS.match(bare) else country_id(bare) if entity.label in ("GPE", "NORP") else None


def _unit(kind: Kind, tokens: list[_Token], start: int, stop: int, quantity: tuple[int, int] | None = None) -> Unit:
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
        origin=next((_people(t) for t in tokens[first:stop] if t.is_name("NORP") or t.word == "western"), None)
        if kind == "goods"
        else None,
    )
