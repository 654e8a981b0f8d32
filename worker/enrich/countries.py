"""Names of countries and of their people, each with its ISO 3166-1 alpha-2 id.

Owns which surface forms name a country: the territory names of CLDR (read through Babel) and the forms CLDR
leaves out (`data/countries.tsv`: capitals, seats of government, short and former names, nationals).
Does not own where they stand in a text, nor whether an ambiguous form means the country there.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal, TypeAlias

import ahocorasick

from worker.enrich.find import Sought, automaton

Label: TypeAlias = Literal["GPE", "NORP"]
_Form: TypeAlias = tuple[tuple[str, ...], set[str]]
"""The words of a form, and the countries that it may name."""

# CLDR lists these beside countries; they name no country, or not one of ISO 3166-1. EU and XK stay: exceptionally
# reserved or in general use, and news turn on both.
_NOT_COUNTRIES: Final = frozenset(("EZ", "UN", "XA", "XB", "ZZ", "QO", "CQ", "AC", "CP", "DG", "EA", "IC", "TA"))
# The dominant sense in English news is a person's name, a state or a common word.
_AMBIGUOUS_TERRITORIES: Final = frozenset(("GE", "JO", "TD", "JE", "GN"))
_SHORT: Final = 3
_REMEMBERED: Final = 20_000
_REMEMBERED_LETTERS: Final = 200


@dataclass(frozen=True, slots=True)
class CountryTerm:
    """A form that names a country (`GPE`) or its people (`NORP`).

    `ambiguous` forms ("Jordan", "Georgia", "Washington") count only where something else says it is a place or people.
    """

    text: str
    id: str
    label: Label
    ambiguous: bool = False


@cache
def country_terms() -> tuple[CountryTerm, ...]:
    """Return every known form once, case as written; of two countries with one form the first listed has it."""
    terms: dict[str, CountryTerm] = {}
    for term in (*_own_terms(), *_cldr_terms()):
        terms.setdefault(term.text, term)
    return tuple(terms.values())


@cache
def country_ids() -> frozenset[str]:
    """Return every id a name can have: ISO 3166-1 alpha-2, and EU and XK."""
    return frozenset(term.id for term in country_terms())


def country_term(surface: str) -> CountryTerm | None:
    """Return the term that `surface` is, a leading "the" and a trailing possessive set aside.

    Case counts for forms of up to three letters ("US" is not "us"); longer ones are also found in capitals or small.
    """
    text = _bare(surface)
    return _by_text().get(text) or (_by_folded_text().get(fold(text)) if len(text) > _SHORT else None)


def country_id(surface: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 id of the country that `surface` names, ambiguous forms included."""
    return _known_id(surface) if len(surface) <= _REMEMBERED_LETTERS else _id(surface)


def _id(surface: str) -> str | None:
    term = country_term(surface)
    return term.id if term else None


_known_id = lru_cache(maxsize=_REMEMBERED)(_id)


def country_name(code: str) -> str:
    """The English name of an ISO 3166-1 alpha-2 code (and of EU, UN), brackets left out; "" where CLDR has none."""
    name = _territories().get(code, "")
    return re.sub(r"\s*\(.*?\)| SAR China", "", name).replace("&", "and")


@cache
def _territories() -> dict[str, str]:
    from babel import Locale

    return dict(Locale("en").territories.items())


def possible_ids(text: str, places: Iterable[tuple[int, _Form]] | None = None) -> frozenset[str]:
    """Return the ids of all countries that any stretch of `text` could be named for, by `country_id` or by rule.

    `places` are the last letters of all places where one of `country_forms` may end, where these are known.
    """
    folded = fold(text)
    if places is None:
        folded = _with_single_spaces(folded)
        places = _any_form().iter(folded)
    found: set[str] = set()
    for last, (words, ids) in places:
        if not ids <= found and _stands(folded, last + 1, words):
            found |= ids
    return frozenset(found)


def _stands(folded: str, end: int, words: Sequence[str]) -> bool:
    """Whether these words end there, with any blanks between them, and are no part of longer ones."""
    if folded[end : end + 1].isalnum():
        return False
    for word in reversed(words):
        while end and folded[end - 1].isspace():
            end -= 1
        if not folded.endswith(word, 0, end):
            return False
        end -= len(word)
    return not end or not folded[end - 1].isalnum()


def _with_single_spaces(text: str) -> str:
    line = text.replace("\n", " ")
    is_regular = "  " not in line and line.isprintable()  # all white space but the space is not
    return line if is_regular else " ".join(text.split())


@cache
def country_forms() -> tuple[Sought, ...]:
    """Return every form as it is sought in folded texts, with its words and the ids of the countries that it may name."""
    ids: dict[tuple[str, ...], set[str]] = {}
    for term in country_terms():
        ids.setdefault(tuple(fold(term.text).split()), set()).add(term.id)
    return tuple(Sought(" ".join(words), (words, codes)) for words, codes in ids.items())


@cache
def _any_form() -> ahocorasick.Automaton:
    return automaton(country_forms())


@cache
def _by_text() -> dict[str, CountryTerm]:
    return {term.text: term for term in country_terms()}


@cache
def _by_folded_text() -> dict[str, CountryTerm]:
    folded: dict[str, CountryTerm] = {}
    for term in country_terms():
        if len(term.text) > _SHORT:
            folded.setdefault(fold(term.text), term)
    return folded


def _own_terms() -> Iterator[CountryTerm]:
    table = (files("worker.enrich") / "data" / "countries.tsv").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line.startswith("#"):
            continue
        code, places, people = line.split("\t")
        yield from _column(places, code, "GPE")
        yield from _column(people, code, "NORP")


def _column(forms: str, code: str, label: Label) -> Iterator[CountryTerm]:
    for form in filter(None, forms.split("|")):
        text = form.removesuffix("?")
        for surface in (text.removesuffix("(s)"), text.replace("(s)", "s")):
            yield CountryTerm(surface, code, label, ambiguous=text != form)


def _cldr_terms() -> Iterator[CountryTerm]:
    from babel import Locale

    for code, name in Locale("en").territories.items():
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES:  # noqa: PLR2004 (the rest are regions)
            for text in _spellings(name):
                yield CountryTerm(text, code, "GPE", ambiguous=code in _AMBIGUOUS_TERRITORIES)


def _spellings(name: str) -> set[str]:
    """Return the ways a news text writes a CLDR name: "&" as "and", "St." in full, without accents and brackets."""
    base = re.sub(r"\s*\(.*?\)| SAR China", "", name)
    spelled = {name, base, base.replace("&", "and")}
    spelled |= {text.replace("St. ", "Saint ") for text in spelled} | {text.replace("St. ", "St ") for text in spelled}
    return spelled | {_unaccented(text) for text in spelled}


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.replace("’", "'"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def fold(text: str) -> str:
    """Return `text` as countries are looked up by it, character for character but for a few, of which each is then several."""
    return text.casefold().replace("’", "'")


def _bare(surface: str) -> str:
    text = " ".join(surface.split())
    text = text[4:] if text[:4].casefold() == "the " else text
    for possessive in ("'s", "’s"):
        text = text.removesuffix(possessive).rstrip()
    return text
