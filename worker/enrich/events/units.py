"""A sentence as a row of units: parties, goods, amounts, dates, and the words between them.

Owns how words and entities are put together to one mention ("the former US Treasury Secretary", "14 Leopard 2 tanks").
Does not own what passes between them (`transfer`, `measure`, `breach`).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from worker.enrich.countries import country_id
from worker.enrich.events.mentions import (
    DATING,
    carrier,
    find_mention,
    is_number,
    may_open_mention,
    past_name,
    quantity,
    relative_date,
)
from worker.enrich.events.tokens import POSSESSIVE, Token, read_tokens
from worker.enrich.events.words import words
from worker.model import Entity

Kind = Literal["party", "goods", "money", "date", "origin", "pronoun", "word", "mark"]

_DETERMINERS: Final = frozenset("a an the this these those its their his her our my any every each".split())
_PRONOUNS: Final = frozenset(
    "he she it they we i you them him us himself itself themselves me her its their his our my".split()
)
_OWNING: Final = frozenset("its their his her our my".split())
_ARTICLES: Final = _DETERMINERS - _OWNING
_CALLING: Final = frozenset("call calls called calling".split())
_LOOSE: Final = frozenset(
    "new more recent recently further additional other some several first latest fresh key top potential".split()
)
_PROSPECTS: Final = frozenset(
    "potential possible planned proposed promised pledged future upcoming alleged suspected".split()
)
_RANKS: Final = frozenset("first second third latest last only".split())
_ARMED: Final = frozenset("military lethal weapons arms security defence defense".split())
"""Between a ship and what it does: "a ship suspected of carrying"."""
_REMEMBERED: Final = 20_000
_NAMES: Final = frozenset(("PERSON", "ORG", "GPE", "LOC", "FAC", "NORP"))
_UNITED_NATIONS: Final = re.compile(r"(?:the )?(?:UN|U\.N\.?|United Nations)\b", re.IGNORECASE)
_STATE_BODY: Final = re.compile(
    r"\b(?:Ministr|Department|Army|Navy|Air Force|Government|Treasury|Parliament|Military|Embassy|Armed Forces|Congress|Senate)",
)


class Unit(NamedTuple):
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
    has_carrier = not words("carriers").isdisjoint([token.word for token in tokens])
    i = 0
    while i < len(tokens):
        word, first, last, entity, is_capital = tokens[i]
        if entity is None and not is_capital and (kind := _kind_anywhere(word)):
            units.append(Unit(kind, word, first, last))
            i += 1
        else:
            unit, i = _read(tokens, i, has_carrier=has_carrier)
            units.append(unit)
    return units


def _read(tokens: list[Token], i: int, *, has_carrier: bool) -> tuple[Unit, int]:
    token = tokens[i]
    if stop := relative_date(tokens, i):
        return _unit("date", tokens, i, stop), stop
    if token.word in _CALLING and i + 1 < len(tokens) and tokens[i + 1].word == "off":
        return Unit("word", f"{token.word}-off", token.start, tokens[i + 1].end), i + 2
    if token.entity is None and token.word in _PRONOUNS:
        return Unit("pronoun", token.word, token.start, token.end, is_owned=token.word in _OWNING), i + 1
    if token.is_name("MONEY", "DATE"):
        return _unit("money" if token.is_name("MONEY") else "date", tokens, i, i + 1), i + 1
    if token.entity is not None or token.is_capital or may_open_mention(token.word):
        return _mention(tokens, i, has_carrier=has_carrier)
    return Unit(_left_over(token), token.word, token.start, token.end), i + 1


@lru_cache(maxsize=_REMEMBERED)
def _kind_anywhere(word: str) -> Kind | None:
    """What a word in small letters is that is no name, whatever stands around it; None of those that their neighbours decide."""
    is_open = word in DATING or word in _CALLING or word in _PRONOUNS or may_open_mention(word)
    return None if is_open else _kind_alone(word)


def _mention(tokens: list[Token], i: int, *, has_carrier: bool) -> tuple[Unit, int]:
    """The party or goods whose mention begins at `i`, or that token alone; `has_carrier`: the sentence has a ship, train or plane."""
    if has_carrier and (noun := carrier(tokens, i)):
        stop = past_name(tokens, noun)
        return _unit("party", tokens, i, stop)._replace(word=tokens[noun - 1].word), stop
    kind, stop = find_mention(tokens, i)
    if kind == "goods":
        return _unit(kind, tokens, i, stop, quantity=quantity(tokens, i, stop)), stop
    if kind == "party":
        return _unit(kind, tokens, i, stop), stop
    if (token := tokens[i]).entity is None:
        return Unit(_left_over(token), token.word, token.start, token.end), i + 1
    return _unit(_left_over(token), tokens, i, i + 1), i + 1


def _left_over(token: Token) -> Kind:
    if token.is_name("NORP") or (token.word == "western" and not token.entity):
        return "origin"
    return _kind_alone(token.word)


def _kind_alone(word: str) -> Kind:
    return "word" if word[:1].isalnum() or word == "'s" else "mark"


def _are_weapons(tokens: list[Token], stop: int) -> bool:
    """Whether goods are weapons by their last words: "arms", "military aid"."""
    last = tokens[stop - 1].word
    return last in words("materiel") or (last in words("aid") and tokens[stop - 2].word in _ARMED)


def _is_led_by(word: str, kind: Kind) -> bool:
    """Whether a mention begins after this word: its article, and of goods the number, which is a role of its own."""
    is_counted = kind == "goods" and (is_number(word) or word == "of")
    return word in _ARTICLES or is_counted or (kind == "party" and word in _LOOSE)


def _people(token: Token) -> Entity:
    return token.entity or Entity(token.word, "NORP", token.start, token.end)


def _id(entity: Entity) -> str | None:
    """The entity's id; of the bodies that impose sanctions also `UN`, which is no country."""
    if entity.id or entity.label not in _NAMES:
        return entity.id
    if entity.label == "ORG" and _STATE_BODY.search(entity.text):
        return country_id(entity.text.split(None, 1)[0])
    if _UNITED_NATIONS.match(entity.text):
        return "UN"
    return country_id(POSSESSIVE.sub("", entity.text)) if entity.label in ("GPE", "NORP") else None


def _unit(kind: Kind, tokens: list[Token], start: int, stop: int, quantity: tuple[int, int] | None = None) -> Unit:
    first = start
    while first < stop - 1 and tokens[first].entity is None and _is_led_by(tokens[first].word, kind):
        first += 1
    last = tokens[stop - 1]
    named = [t.entity for t in tokens[first:stop] if t.entity]
    entity = next((e for e in reversed(named) if e.end >= last.end), named[0] if named else None)
    led_by = [token.word for token in tokens[start : stop - 1]]
    is_goods = kind == "goods"
    return Unit(
        kind=kind,
        word=last.word,
        start=tokens[first].start,
        end=last.end,
        label="WEAPON" if is_goods and _are_weapons(tokens, stop) else entity.label if entity else "",
        id=None if is_goods else next(filter(None, map(_id, named)), None),
        quantity=quantity,
        is_owned=tokens[start].word in _OWNING,
        is_bare=not led_by,
        prospect=next(filter(_PROSPECTS.__contains__, led_by), ""),
        is_ranked=not _RANKS.isdisjoint(led_by),
        origin=_origin(tokens[first:stop]) if is_goods else None,
    )


def _origin(mention: Sequence[Token]) -> Entity | None:
    return next((_people(token) for token in mention if token.is_name("NORP") or token.word == "western"), None)
