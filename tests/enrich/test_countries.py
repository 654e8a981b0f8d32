"""Which forms name a country, and which."""

import pytest
from babel import Locale

from worker.enrich.countries import country_id, country_term, country_terms


@pytest.mark.parametrize(
    ("surface", "code", "why"),
    [
        ("North Korea", "KP", "CLDR's name"),
        ("DPRK", "KP", "short form"),
        ("Pyongyang", "KP", "seat of government"),
        ("North Korean", "KP", "adjective"),
        ("NORTH KOREANS", "KP", "nationals in a headline"),
        ("Turkey", "TR", "CLDR has Türkiye"),
        ("Türkiye", "TR", "CLDR's name"),
        ("Cote d'Ivoire", "CI", "without accents"),
        ("Côte d’Ivoire", "CI", "typeset"),
        ("Bosnia and Herzegovina", "BA", "the ampersand spelled out"),
        ("the United States", "US", "article set aside"),
        ("Moscow's", "RU", "possessive set aside"),
        ("Moscow’s", "RU", "typeset possessive"),
        ("U.S.", "US", "with stops"),
        ("US", "US", "short form in capitals"),
        ("UK", "GB", "ISO's code, not the short form"),
        ("Hong  Kong", "HK", "white space is one space"),
    ],
)
def test_a_country_is_known_by(surface: str, code: str, why: str) -> None:
    assert country_id(surface) == code, why


@pytest.mark.parametrize(
    ("surface", "why"),
    [
        ("us", "a pronoun"),
        ("UN", "no country, though CLDR lists it"),
        ("Eurozone", "no country"),
        ("Indian Ocean", "only whole forms count"),
        ("", "nothing"),
        ("the", "an article alone"),
        ("'s", "a possessive alone"),
    ],
)
def test_no_country_is(surface: str, why: str) -> None:
    assert country_id(surface) is None, why


@pytest.mark.parametrize("surface", ["Georgia", "Jordan", "Chad", "Jersey", "Washington", "Santiago", "Poles", "Korea"])
def test_forms_with_another_common_sense_are_marked_ambiguous(surface: str) -> None:
    term = country_term(surface)
    assert term is not None
    assert term.ambiguous


def test_every_term_has_an_iso_code_that_cldr_knows() -> None:
    territories = Locale("en").territories
    assert {term.id for term in country_terms()} <= set(territories)


def test_every_form_stands_for_one_country_only() -> None:
    texts = [term.text for term in country_terms()]
    assert len(texts) == len(set(texts))


def test_every_country_of_the_world_has_a_name() -> None:
    codes = {term.id for term in country_terms()}
    assert len(codes) > 240


def test_places_are_gpe_and_people_norp() -> None:
    labels = {surface: term.label for surface in ("Iran", "Tehran", "Iranian") if (term := country_term(surface))}
    assert labels == {"Iran": "GPE", "Tehran": "GPE", "Iranian": "NORP"}
