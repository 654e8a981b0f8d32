"""An event as it is first read: which units of the sentence play which role. Shared by the readers of each type."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from worker.enrich.events.units import Unit
from worker.enrich.events.words import words
from worker.model import EventType, Role

_CONDITIONS: Final = frozenset(
    "if whether unless no not never against yet possibility chance prospect idea risk".split()
)
CORE: Final = frozenset(
    ("supplier", "recipient", "item", "imposer", "target", "measure", "violator", "regime", "counterparty")
)


@dataclass(frozen=True, slots=True)
class Part:
    """A role and the words that fill it; `unit` is their number in the sentence, -1 where they are no whole unit."""

    role: Role
    start: int
    end: int
    unit: int = -1


@dataclass(frozen=True, slots=True)
class Draft:
    """An event whose trigger is unit `at`; `cues` are the words that may decide its modality, `first` its leftmost unit."""

    type: EventType
    at: int
    parts: tuple[Part, ...]
    cues: tuple[str, ...] = ()
    first: int = 0

    def has(self, role: Role) -> bool:
        """Whether the role is filled."""
        return any(part.role == role for part in self.parts)

    def spans(self) -> set[tuple[int, int]]:
        """Where its parties and goods stand."""
        return {(part.start, part.end) for part in self.parts if part.role in CORE}


def is_outer(cue: str) -> bool:
    """Whether a word before a clause bears on it: of asking, denying, alleging or a condition, not the next clause's "will"."""
    return (
        cue in _CONDITIONS
        or cue in ("may", "might", "want", "wants", "wanted")
        or any(cue in words(name) for name in ("denied", "rejecting", "requested", "hedged", "help"))
    )


def words_after(units: Sequence[Unit], at: int) -> tuple[str, ...]:
    """The two words right after a noun, which may be its verb: "arms sales stall", "sanctions must be applied"."""
    found: list[str] = []
    for unit in units[at + 1 : at + 3]:
        if found[-1:] == ["under"]:
            return ("considered",) if unit.word in ("discussion", "consideration", "review") else ()
        if unit.kind != "word" or (unit.word != "under" and unit.word in words("prepositions", "boundaries")):
            break
        found.append(unit.word)
    return tuple(found)


def predicate(units: Sequence[Unit], last: int) -> tuple[str, ...]:
    """What is said of a noun behind all that belongs to it, its verb first: "sales to Chad | will be halted".

    Only verbs that tell what becomes of it count: "sales to Chad will hurt Peru" says nothing of that kind.
    """
    found: list[str] = []
    for unit in units[last + 1 : last + 6]:
        if unit.kind != "word" or (unit.word == "to" and not found):
            break
        found.insert(0, unit.word)
        if unit.word in words("becoming"):
            return tuple(found) if len(found) > 1 or found[0] in words("negated", "ceasing") else ()
        if unit.word not in words("auxiliaries") and not unit.word.endswith("ly"):
            break
    return ()


def part(role: Role, units: Sequence[Unit], i: int) -> Part:
    """The part that unit `i` plays."""
    return Part(role, units[i].start, units[i].end, i)


def parts(role: Role, units: Sequence[Unit], numbers: Iterable[int], kinds: Iterable[str]) -> list[Part]:
    """The parts of those units that are of one of the kinds."""
    wanted = set(kinds)
    return [part(role, units, i) for i in numbers if units[i].kind in wanted]
