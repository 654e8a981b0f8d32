"""The words of a part as a filler: with their entity, and for a pronoun what it stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.enrich.countries import country_id
from worker.enrich.events.clause import coordinated, preposition
from worker.enrich.events.draft import CORE, Part
from worker.enrich.events.units import Unit
from worker.model import Filler

_PERSONAL: Final = frozenset("he she him his her".split())
_PLURAL: Final = frozenset("they them their".split())
_SPEAKERS: Final = frozenset("i we us my our you me".split())


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence's units, the article's text, and the parties of the sentence before."""

    text: str
    units: Sequence[Unit]
    before: Sequence[Unit]

    def fill(self, part: Part) -> list[Filler]:
        """The filler of a part; of "they" one for each party that it stands for."""
        words = self.text[part.start : part.end]
        if part.unit < 0:
            code = country_id(words) if part.role in CORE else None
            return [Filler(part.role, words, part.start, part.end, "NORP" if code else "", code)]
        unit = self.units[part.unit]
        if unit.kind != "pronoun":
            return [Filler(part.role, words, part.start, part.end, unit.label, unit.id)]
        named = [
            Filler(part.role, words, part.start, part.end, one.label, one.id, self.text[one.start : one.end])
            for one in self._antecedents(part.unit)
        ]
        return named or [Filler(part.role, words, part.start, part.end)]

    def _antecedents(self, at: int) -> list[Unit]:
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
