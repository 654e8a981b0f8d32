"""What the words of a sentence name: where goods, parties, ships and dates begin and end among its tokens."""

import re
from functools import cache, lru_cache
from typing import Final, Literal

from worker.enrich.events.tokens import Token
from worker.enrich.events.words import pairs, words

_DETERMINERS: Final = frozenset("a an the this these those its their his her our my any every each".split())
_NUMBERS: Final = frozenset(
    (
        "one two three four five six seven eight nine ten eleven twelve dozen dozens hundreds thousands millions tens "
        "several scores tonnes tons barrels million billion thousand hundred half"
    ).split()
)
_MEASURES: Final = frozenset(
    "tonnes tons barrels dozens hundreds thousands millions pieces units rounds kilograms kg tens scores".split()
)
_DAYS: Final = frozenset(("yesterday", "today", "tomorrow"))
_RELATIVE: Final = frozenset("last next this previous past coming".split())
DATING: Final = _DAYS | _RELATIVE
_PERIODS: Final = frozenset("week month year weekend quarter spring summer autumn winter decade century".split())
_PROMISED: Final = frozenset(("promised", "pledged"))
_BY_PLACE: Final = _PROMISED | {"of", "and", "arms", "armed"}
_LED: Final = frozenset("that which seen spotted caught suspected accused believed thought said used of".split())
_FIRING: Final = frozenset("shell bomb rocket arm torpedo mortar".split())
_REMEMBERED: Final = 20_000
_DESIGNATION: Final = re.compile(r"[a-z]+-?\d+[a-z]*$|\d+mm$")
_ADJECTIVE: Final = re.compile(r"(?:[a-z]+(?:al|ic|ive|ous|ary|ern|ese|less|ful|able|ible)|[\w]+-[\w-]+)$")


def relative_date(tokens: list[Token], i: int) -> int:
    """Where "last week", "this month", "yesterday" end; 0 where none begins."""
    token = tokens[i]
    if token.word not in DATING or token.entity is not None:
        return 0
    if token.word in _DAYS:
        return i + 1
    is_led = i + 1 < len(tokens) and tokens[i + 1].entity is None
    return i + 2 if is_led and tokens[i + 1].word in _PERIODS else 0


@lru_cache(maxsize=_REMEMBERED)
def may_open_mention(word: str) -> bool:
    """Whether a mention may begin with a word in small letters that is no name; most words open none."""
    if word in _BY_PLACE or word in ("'s", "cargo") or word in _plain_modifiers() or word[0].isdigit():
        return True
    return word in words("goods", "parties") or word in _aid_openers() or _describes(word)


@cache
def _aid_openers() -> frozenset[str]:
    return frozenset(first for first, _ in pairs("aid_goods"))


def skip_modifiers(tokens: list[Token], i: int) -> int:
    """The first token from `i` on that is none of a mention's determiners, numbers and adjectives."""
    at = i
    while at < len(tokens) and not goods_end(tokens, at) and not party_end(tokens, at):
        if not _is_modifier(tokens, at):
            return i
        at += 1
    return at if at < len(tokens) else i


def _is_modifier(tokens: list[Token], i: int) -> bool:
    token = tokens[i]
    if token.entity is not None:
        return token.is_name("NORP")
    if token.word in _BY_PLACE:
        return _is_modifier_here(tokens, i)
    if token.word in _plain_modifiers() or token.word[0].isdigit():
        return True
    is_verb = i > 0 and tokens[i - 1].word == "to" and "-" in token.word
    return not is_verb and (_describes(token.word) or _is_make(tokens, i))


def _is_modifier_here(tokens: list[Token], i: int) -> bool:
    """Of words that are modifiers in some places only: "arms" in "the arms cargo", not in "Iran arms the rebels"."""
    word, before = tokens[i].word, tokens[i - 1].word if i else ""
    if word == "of":
        return before in _MEASURES
    if word == "and":
        return _joins_peoples(tokens, i)
    if word in _PROMISED:
        return before in _DETERMINERS or before in ("of", "newly")
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if word == "arms":
        return not _is_arming(tokens, i)
    return after is None or (after.entity is None and after.word not in _DETERMINERS)


def _is_make(tokens: list[Token], i: int) -> bool:
    """As in "Grad rockets": a capital within a sentence right before goods in small letters."""
    after = tokens[i + 1] if i and i + 1 < len(tokens) else None
    is_before = after is not None and not after.is_capital and goods_end(tokens, i + 1) > 0
    return tokens[i].is_capital and is_before and tokens[i - 1].word[:1].isalnum() and not _is_verb(tokens[i].word)


@cache
def _plain_modifiers() -> frozenset[str]:
    return words("modifiers") | _DETERMINERS | _NUMBERS | {"western"}


@lru_cache(maxsize=_REMEMBERED)
def _describes(word: str) -> bool:
    return bool(_DESIGNATION.match(word)) or _is_adjective(word)


def _is_adjective(word: str) -> bool:
    return bool(_ADJECTIVE.match(word)) and not _is_verb(word) and word != "unless" and not word.startswith("sanction")


def _joins_peoples(tokens: list[Token], i: int) -> bool:
    """As in "Romanian and Bulgarian weapons"."""
    return 0 < i < len(tokens) - 1 and tokens[i - 1].is_name("NORP") and tokens[i + 1].is_name("NORP")


def _is_verb(word: str) -> bool:
    return any(
        word in words(name) for name in ("give", "get", "help", "impose", "violate", "sanction_verbs", "prepositions")
    )


def find_mention(tokens: list[Token], i: int) -> tuple[Literal["goods", "party"] | None, int]:
    """What is mentioned from `i` on, determiners, numbers and adjectives before it, and where it ends; None and 0 of nothing."""
    for at in range(i, len(tokens)):
        if tokens[at].entity is not None or tokens[at].word in _last_words():
            if (goods := goods_end(tokens, at)) and not is_compound(tokens, goods):
                return "goods", goods
            if party := party_end(tokens, at):
                return "party", party
            if goods:
                break
        if not _is_modifier(tokens, at):
            break
    return None, 0


@cache
def _last_words() -> frozenset[str]:
    """With which the last words of goods and parties begin that are no names."""
    return _goods_openers() | words("parties") | {"force"}


def goods_end(tokens: list[Token], i: int) -> int:
    """Where goods end whose last words begin at `i`; 0 where there are none."""
    if i < len(tokens) and tokens[i].word not in _goods_openers() and not tokens[i].is_name("WEAPON", "VESSEL"):
        return 0
    at = i
    while at < len(tokens):
        if tokens[at].is_name("WEAPON", "VESSEL") or _is_goods_noun(tokens, at):
            at += 1
        elif at + 1 < len(tokens) and (tokens[at].word, tokens[at + 1].word) in pairs("aid_goods"):
            at += 2
        elif at > i or tokens[at].word in words("modifiers"):
            stop = goods_end(tokens, at + 1) if tokens[at].word in words("modifiers") else 0
            return stop or (at if at > i else 0)
        else:
            return at if at > i else 0
    return at if at > i else 0


@cache
def _goods_openers() -> frozenset[str]:
    return words("goods", "modifiers") | _aid_openers()


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
    while core < len(tokens) and not party_end(tokens, core) and _is_modifier(tokens, core):
        core += 1
    stop = party_end(tokens, core) if core < len(tokens) else 0
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
        core = skip_modifiers(tokens, i)
        if goods_end(tokens, core):
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


def carrier(tokens: list[Token], i: int) -> int:
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


def past_name(tokens: list[Token], at: int) -> int:
    is_name = at < len(tokens) and tokens[at].is_name("VESSEL", "PERSON", "ORG")
    return at + 1 if is_name else at


def _carries(tokens: list[Token], at: int) -> bool:
    """As in "… has secretly carried shells": active, with its goods behind it."""
    at = past_name(tokens, at)
    while at < len(tokens) and tokens[at].entity is None and (_is_adverb(tokens[at].word) or tokens[at].word in _LED):
        at += 1
    return at < len(tokens) and tokens[at].word in words("carry", "give") and _leads_to_goods(tokens, at + 1)


def _is_carried_by(tokens: list[Token], i: int) -> bool:
    """As in "shells were carried to Syria by …"."""
    led = i > 1 and tokens[i - 1].word == "by"
    return led and any(token.word in words("carry", "give") for token in tokens[max(0, i - 6) : i - 1])


def is_compound(tokens: list[Token], stop: int) -> bool:
    return stop < len(tokens) and tokens[stop].word in words("not_goods_before")


def party_end(tokens: list[Token], i: int) -> int:
    """Where a party ends whose name or last words begin at `i`; 0 where there is none."""
    if i < len(tokens) and tokens[i].entity is None and not _is_party_noun(tokens, i):
        return 0
    at = i
    is_party = False
    while at < len(tokens):
        token = tokens[at]
        if (
            token.is_name("PERSON", "ORG", "GPE", "LOC", "FAC")
            or (token.is_name("NORP") and _is_people(tokens, at))
            or (_is_party_noun(tokens, at) and not _is_no_party(tokens, at))
        ):
            is_party, at = True, at + 1
        elif is_party and (further := _further(tokens, at)):
            at = further
        else:
            break
        if tokens[at - 1].is_name("GPE", "ORG", "LOC", "PERSON") and at < len(tokens) and not _joins(tokens, at):
            break
    return at if is_party else 0


def _is_party_noun(tokens: list[Token], at: int) -> bool:
    """Whether a common noun names a party: one of the list, or an air force ("force" alone is mostly a verb)."""
    token = tokens[at]
    if token.entity is not None:
        return False
    return token.word in words("parties") or (token.word == "force" and at > 0 and tokens[at - 1].word == "air")


def _joins(tokens: list[Token], at: int) -> bool:
    """Whether what stands at `at` goes on with the name before it: a title, a body, a possessive before one."""
    return bool(_further(tokens, at)) or (_is_party_noun(tokens, at) and not _is_no_party(tokens, at))


def _further(tokens: list[Token], at: int) -> int:
    """Where the party noun begins that a possessive or adjectives at `at` lead to; 0 where none."""
    i = at + 1 if tokens[at].word == "'s" else at
    while i < len(tokens) and tokens[i].entity is None and tokens[i].word in words("modifiers"):
        i += 1
    is_noun = i < len(tokens) and _is_party_noun(tokens, i)
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


def quantity(tokens: list[Token], start: int, stop: int) -> tuple[int, int] | None:
    numbers = [t for t in tokens[start:stop] if t.entity is None and is_number(t.word)]
    return (numbers[0].start, numbers[-1].end) if numbers else None


def is_number(word: str) -> bool:
    """Whether it counts, in figures or letters."""
    return word in _NUMBERS or (word[0].isdigit() and not _DESIGNATION.match(word))
