"""What is found by rule: ids of countries, weapons, vessels, money and dates, as a spaCy component after the tagger.

Owns the component `tocsin_gazetteer` and which find wins where finds and learnt names overlap. Does not own the rules
(`amounts`, `materiel`, `countries`), nor the learnt names (`ner`).

One pass of an automaton over the text in small letters finds the cues; a pattern anchored at the cue reads the rest,
so the cost does not grow with the lists.
"""

from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import Final

import ahocorasick
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from worker.enrich.amounts import amount_cues, numeric_dates
from worker.enrich.countries import CountryTerm, country_id, country_terms
from worker.enrich.find import Cue, Find, Read, Reading, small_letters
from worker.enrich.materiel import materiel_cues

LABELS: Final = ("WEAPON", "VESSEL", "MONEY", "DATE", "GPE", "NORP")
# A learnt label under which a country's name keeps its id: "Turkey" the team, "the Kremlin" the institution.
_WITH_ID: Final = frozenset(("GPE", "LOC", "NORP", "ORG", "FAC"))
# A ship or a weapon bears the names of people and places; the tagger knows neither label.
_OVERRULES: Final = {
    "VESSEL": frozenset(("PERSON", "ORG", "GPE", "LOC", "FAC")),
    "WEAPON": frozenset(("ORG", "GPE", "LOC", "FAC")),
}
_NEVER_SMALL: Final = 3


class Gazetteer:
    """Adds the finds of the rules to `doc.ents` and country ids to what is there (as `kb_id_` and `id_`)."""

    labels = LABELS

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, doc: Doc) -> Doc:
        """Extend the entities of one document; those already there stay unless a rule overrules them."""
        finds = [span for find in longest(find_all(doc.text)) if (span := _span(doc, find))]
        doc.ents = _merge([_with_country(doc, ent) for ent in doc.ents], finds)
        return doc


@Language.factory("tocsin_gazetteer", requires=["doc.ents"], assigns=["doc.ents"], retokenizes=False)
def make_gazetteer(nlp: Language, name: str) -> Gazetteer:  # noqa: ARG001 (spaCy passes it)
    """Return the rule component; it learns nothing and stores nothing."""
    return Gazetteer(name)


def find_all(text: str) -> Iterator[Find]:
    """Yield the finds of every rule in `text`, overlapping ones too."""
    reading = Reading(text, small_letters(text))
    for last, (length, is_prefix, reads) in _automaton().iter(reading.lower):
        start, end = last - length + 1, last + 1
        if _is_word(reading.lower, start, end, is_prefix=is_prefix):
            yield from filter(None, (read(reading, start, end) for read in reads))
    yield from numeric_dates(text)


def longest(finds: Iterable[Find]) -> list[Find]:
    """Return the finds that overlap no longer one (nor an earlier one of the same length), in order."""
    kept: list[Find] = []
    taken: set[int] = set()
    for find in sorted(finds, key=lambda find: (find.start - find.end, find.start)):
        if find.start not in taken and find.end - 1 not in taken:
            kept.append(find)
            taken.update(range(find.start, find.end))
    return sorted(kept, key=lambda find: find.start)


@cache
def _automaton() -> ahocorasick.Automaton:
    reads: dict[tuple[str, bool], list[Read]] = {}
    for cue in (*amount_cues(), *materiel_cues(), *_country_cues()):
        reads.setdefault((cue.words, cue.is_prefix), []).append(cue.read)
    automaton = ahocorasick.Automaton()
    for (words, is_prefix), readers in reads.items():
        automaton.add_word(words, (len(words), is_prefix, tuple(readers)))
    automaton.make_automaton()
    return automaton


def _country_cues() -> Iterator[Cue]:
    for term in country_terms():
        if not term.ambiguous:
            yield Cue(small_letters(term.text), partial(_read_country, term))


def _read_country(term: CountryTerm, reading: Reading, start: int, end: int) -> Find | None:
    written = reading.text[start:end]
    if written == term.text or (written == term.text.upper() and len(written) > _NEVER_SMALL):
        return Find(start, end, term.label, term.id)
    return None


def _is_word(lower: str, start: int, end: int, *, is_prefix: bool) -> bool:
    starts = start == 0 or not (lower[start - 1].isalnum() and lower[start].isalnum())
    return starts and (is_prefix or end == len(lower) or not lower[end].isalnum() or not lower[end - 1].isalnum())


def _span(doc: Doc, find: Find) -> Span | None:
    span = doc.char_span(find.start, find.end, find.label, kb_id=find.id, alignment_mode="expand")
    if span is None or (find.id and _is_part_of_name(span)):
        return None
    return Span(doc, span.start, span.end, find.label, kb_id=find.id, span_id=find.id)


def _with_country(doc: Doc, ent: Span) -> Span:
    code = country_id(ent.text) if ent.label_ in _WITH_ID else None
    return Span(doc, ent.start, ent.end, ent.label_, kb_id=code, span_id=code) if code else ent


def _merge(learnt: list[Span], found: list[Span]) -> list[Span]:
    """Return both without overlaps: a learnt name stays unless a find covers it and its label overrules."""
    by_token = {token: ent for ent in learnt for token in range(ent.start, ent.end)}
    dropped: set[Span] = set()
    kept: list[Span] = []
    for find in found:
        beneath = {by_token[token] for token in range(find.start, find.end) if token in by_token}
        if all(_yields(ent, find) for ent in beneath):
            dropped |= beneath
            kept.append(find)
    return filter_spans([*(ent for ent in learnt if ent not in dropped), *kept])


def _yields(ent: Span, find: Span) -> bool:
    covered = find.start <= ent.start and ent.end <= find.end
    if find.label_ == "WEAPON" and ent.label_ == "PERSON":
        return covered and not find.text.istitle()
    return covered and ent.label_ in _OVERRULES.get(find.label_, ())


def _is_part_of_name(span: Span) -> bool:
    """Tell whether a country the tagger left out stands in a longer name: "the 2014 United Kingdom Cup"."""
    before = span.doc[span.start - 1] if span.start else None
    after = span.doc[span.end] if span.end < len(span.doc) else None
    joined = before is not None and (before.like_num or (before.text[:1].isupper() and not before.is_stop))
    return joined or (after is not None and after.text[:1].isupper() and not after.is_stop)
