"""The words of a part as a filler: with their entity, and for a pronoun what it stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.enrich.countries import country_name, country_term
from worker.enrich.events.clause import coordinated, preposition
from worker.enrich.events.draft import CORE, Part
from worker.enrich.events.units import Unit
from worker.model import Entity, Filler

_PERSONAL: Final = frozenset("he she him his her".split())
_PLURAL: Final = frozenset("they them their".split())
_SPEAKERS: Final = frozenset("i we us my our you me".split())


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence's units, the article's text, and the parties of the sentence before."""

    text: str
    units: Sequence[Unit]
    before: Sequence[Unit | Entity]

    def fill(self, part: Part) -> list[Filler]:
        """The filler of a part; of "they" one for each party that it stands for."""
        words = self.text[part.start : part.end]
        if part.unit < 0:
            term = country_term(words) if part.role in CORE else None
            code, label = (term.id, term.label) if term else (None, "")
            return [Filler(part.role, words, part.start, part.end, label, code, _country(words, code))]
        unit = self.units[part.unit]
        if unit.kind != "pronoun":
            return [Filler(part.role, words, part.start, part.end, unit.label, unit.id, _country(words, unit.id))]
        named = [
            Filler(part.role, words, part.start, part.end, one.label, one.id, _country(meant, one.id) or meant)
            for one in self._antecedents(part.unit)
            if (meant := self.text[one.start : one.end])
        ]
        return named or [Filler(part.role, words, part.start, part.end)]

    def _antecedents(self, at: int) -> Sequence[Unit | Entity]:
        """The nearest party a pronoun may mean: a person for "he", none for "it"; else the first of the sentence before."""
        pronoun, left = self.units[at], self.units[:at]
        if pronoun.word in _SPEAKERS:
            return []
        is_personal = pronoun.word in _PERSONAL
        fitting = [i for i, one in enumerate(left) if one.kind == "party" and (one.label == "PERSON") == is_personal]
        if not fitting:
            return [one for one in self.before if (one.label == "PERSON") == is_personal][:1]
        if pronoun.word in _PLURAL:
            return [left[i] for i in coordinated(left, fitting[-1])]
        free = [i for i in fitting if preposition(left, i) < 0]
        return [left[(free or fitting)[-1]]]


def _country(words: str, code: str | None) -> str:
    """The country that words stand for which are no more than a name of it or its people: "Moscow" is Russia."""
    term = country_term(words) if code else None
    called = country_name(term.id) if term and term.id == code else ""
    if code == "UN" and not called:
        called = "United Nations" if words.upper().replace(".", "") == "UN" else ""
    return called if called != words else ""
