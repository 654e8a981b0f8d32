"""What is found by rule: ids of countries, weapons, vessels, money and dates, as a spaCy component after the tagger.

Owns the component `tocsin_gazetteer` and which find wins where finds and learnt names overlap. Does not own the rules
(`amounts`, `materiel`, `countries`), nor the learnt names (`ner`).

One pass of an automaton over the text in small letters finds the cues; a pattern anchored at the cue reads the rest,
so the cost does not grow with the lists.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Final, TypeAlias

import ahocorasick
from spacy.attrs import IS_STOP, LIKE_NUM
from spacy.language import Language
from spacy.tokens import Doc, Span

from worker.enrich.amounts import amount_cues, numeric_dates
from worker.enrich.countries import CountryTerm, country_id, country_terms
from worker.enrich.find import Cue, Find, Read, Reading, Sought, automaton, small_letters
from worker.enrich.materiel import materiel_cues
from worker.enrich.names import Name, Tokens, part

LABELS: Final = ("WEAPON", "VESSEL", "MONEY", "DATE", "GPE", "NORP")
# A learnt label under which a country's name keeps its id: "Turkey" the team, "the Kremlin" the institution.
_WITH_ID: Final = frozenset(("GPE", "LOC", "NORP", "ORG", "FAC"))
# A ship or a weapon bears the names of people and places; the tagger knows neither label.
_OVERRULES: Final = {
    "VESSEL": frozenset(("PERSON", "ORG", "GPE", "LOC", "FAC")),
    "WEAPON": frozenset(("ORG", "GPE", "LOC", "FAC")),
}
# The labels of names that a rule's find does not simply push aside; another pipeline's PRODUCT is often a weapon.
_STANDS: Final = frozenset(("PERSON", "ORG", "GPE", "LOC", "NORP", "FAC", *LABELS))
_NEVER_SMALL: Final = 3

_Told: TypeAlias = tuple[str, int, bool, tuple[Read, ...]]
"""A cue's words, how many letters that must follow it were sought with it, whether it is a prefix, and its reads."""


class Gazetteer:
    """Adds the finds of the rules to `doc.ents` and country ids to what is there (as `kb_id_` and `id_`)."""

    labels = LABELS

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, doc: Doc) -> Doc:
        """Extend the entities of one document; those already there stay unless a rule overrules them."""
        spans = {Name(ent.start, ent.end, ent.label_, ent.kb_id_ or ent.ent_id_): ent for ent in doc.ents}
        doc.ents = [spans.get(name) or _span(doc, name) for name in with_rules(Tokens.of(doc), list(spans))]
        return doc


@Language.factory("tocsin_gazetteer", requires=["doc.ents"], assigns=["doc.ents"], retokenizes=False)
def make_gazetteer(nlp: Language, name: str) -> Gazetteer:  # noqa: ARG001 (spaCy passes it)
    """Return the rule component; it learns nothing and stores nothing."""
    return Gazetteer(name)


def with_rules(tokens: Tokens, learnt: list[Name], found: Sequence[Find] | None = None) -> list[Name]:
    """Return the learnt names with the countries' ids and with what the rules find, in order and apart.

    `found` are the longest finds of the text, where they are known.
    """
    ruled = longest(find_all(tokens.text)) if found is None else found
    finds = [name for find in ruled if (name := tokens.name(*find))]
    return _merge(tokens, [_with_country(tokens, name) for name in learnt], finds)


def _span(doc: Doc, name: Name) -> Span:
    return Span(doc, name.start, name.end, name.label, kb_id=name.id, span_id=name.id)


def find_all(text: str, cues: Iterable[tuple[int, _Told]] | None = None) -> list[Find]:
    """Return the finds of every rule in `text`, overlapping ones too.

    `cues` are the last letters of all places where one of `rule_cues` may stand, where these are known.
    """
    lower = small_letters(text)
    reading = Reading(text, lower)
    found: list[Find] = []
    for last, (words, further, is_prefix, reads) in _automaton().iter(lower) if cues is None else cues:
        end = last + 1 - further
        start = end - len(words)
        if not lower.startswith(words, max(0, start)):  # only the last of several words was seen
            continue
        if not is_prefix and lower[end : end + 1].isalnum() and lower[last].isalnum():
            continue
        if start and lower[start].isalnum() and lower[start - 1].isalnum():
            continue
        found += [find for read in reads if (find := read(reading, start, end))]
    found += numeric_dates(text)
    return found


def longest(finds: Iterable[Find]) -> list[Find]:
    """Return the finds that overlap no longer one (nor an earlier one of the same length), in order."""
    kept: list[Find] = []
    heap: list[Find] = []
    end = 0
    for find in sorted(finds, key=_start):
        if find.start >= end:
            kept += _longest(heap)
            heap = []
        heap.append(find)
        end = max(end, find.end)
    return kept + _longest(heap)


def _longest(finds: list[Find]) -> list[Find]:
    if len(finds) < 2:  # noqa: PLR2004 (one alone overlaps none)
        return finds
    kept: list[Find] = []
    taken: set[int] = set()
    for find in sorted(finds, key=lambda find: (find.start - find.end, find.start)):
        if find.start not in taken and find.end - 1 not in taken:
            kept.append(find)
            taken.update(range(find.start, find.end))
    return sorted(kept, key=_start)


def _start(find: Find) -> int:
    return find.start


@cache
def rule_cues() -> tuple[Sought, ...]:
    """Return what is sought for the rules: each cue with the letters that follow it, how many these are, whether it is a prefix, and its reads."""
    reads: dict[tuple[str, str, bool], list[Read]] = {}
    for cue in (*amount_cues(), *materiel_cues(), *_country_cues()):
        for further in cue.then or ("",):
            reads.setdefault((cue.words, further, cue.is_prefix), []).append(cue.read)
    return tuple(
        Sought(words + further, (words, len(further), is_prefix, tuple(readers)), is_prefix)
        for (words, further, is_prefix), readers in reads.items()
    )


@cache
def _automaton() -> ahocorasick.Automaton:
    return automaton(rule_cues())


def _country_cues() -> Iterator[Cue]:
    for term in country_terms():
        if not term.ambiguous:
            yield Cue(small_letters(term.text), partial(_read_country, term))


def _read_country(term: CountryTerm, reading: Reading, start: int, end: int) -> Find | None:
    written = reading.text[start:end]
    if written == term.text or (written == term.text.upper() and len(written) > _NEVER_SMALL):
        return Find(start, end, term.label, term.id)
    return None


def _with_country(tokens: Tokens, name: Name) -> Name:
    code = country_id(tokens.words(name.start, name.end)) if name.label in _WITH_ID else None
    return Name(name.start, name.end, name.label, code) if code else name


def _merge(tokens: Tokens, learnt: list[Name], found: list[Name]) -> list[Name]:
    """Return both without overlaps: a learnt name stays unless a find covers it and its label overrules.

    A country is left out within a longer name.
    """
    if not found:
        return part(learnt)
    by_token = {token: name for name in learnt for token in range(name.start, name.end)}
    dropped: set[Name] = set()
    kept: list[Name] = []
    for find in found:
        beneath = {by_token[token] for token in range(find.start, find.end) if token in by_token}
        if all(_yields(tokens, name, find) for name in beneath) and not (find.id and _is_part_of_name(tokens, find)):
            dropped |= beneath
            kept.append(find)
    return part([*(name for name in learnt if name not in dropped), *kept])


def _yields(tokens: Tokens, name: Name, find: Name) -> bool:
    if name.label not in _STANDS:
        return True
    covered = find.start <= name.start and name.end <= find.end
    if find.label == "WEAPON" and name.label == "PERSON":
        return covered and not tokens.words(find.start, find.end).istitle()
    return covered and name.label in _OVERRULES.get(find.label, ())


def _is_part_of_name(tokens: Tokens, name: Name) -> bool:
    """Tell whether a country the tagger left out stands in a longer name: "the 2014 United Kingdom Cup"."""
    if name.end < len(tokens) and _is_capital(tokens, name.end):
        return True
    return name.start > 0 and (_is_capital(tokens, name.start - 1) or tokens.has(name.start - 1, LIKE_NUM))


def _is_capital(tokens: Tokens, number: int) -> bool:
    return tokens.words(number, number + 1)[:1].isupper() and not tokens.has(number, IS_STOP)
