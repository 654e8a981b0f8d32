"""What a rule reports: a find in a text, the cue words by which it is looked for, and what looks for them.

Owns the types that `amounts`, `materiel` and `gazetteer` share. Does not own any rule. Finds are many and short-lived, and a
tuple is made in a third of the time of a frozen dataclass.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import ahocorasick


class Find(NamedTuple):
    """A stretch of text, [start, end) in characters, with its label and, for countries, its ISO 3166-1 alpha-2 id."""

    start: int
    end: int
    label: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as written and in small letters; both have the same offsets."""

    text: str
    lower: str


# Gets the text and the bounds of the cue in it; returns the whole find or None.
Read: TypeAlias = Callable[[Reading, int, int], Find | None]


@dataclass(frozen=True, slots=True)
class Cue:
    """Words, in small letters, where a find may be; `read` decides. `is_prefix` cues may end inside a word.

    With `then`, a cue counts only where one of these characters follows.
    """

    words: str
    read: Read
    is_prefix: bool = False
    then: str = ""


class Sought(NamedTuple):
    """Words, in small letters, that are sought in texts, and what is told of each place where they stand; as a prefix also within a word."""

    words: str
    told: object
    is_prefix: bool = False


def automaton(sought: Iterable[Sought]) -> ahocorasick.Automaton:
    """Return what finds the words in a text, within other words too, and tells of each place its last letter and what is told of it.

    Raises ValueError where words are sought twice.
    """
    made = ahocorasick.Automaton()
    for one in sought:
        if one.words in made:
            message = f"{one.words!r} is sought twice"
            raise ValueError(message)
        made.add_word(one.words, one.told)
    made.make_automaton()
    return made


def small_letters(text: str) -> str:
    """Return `text` in small letters, character for character: offsets stay (a dotted capital I keeps its case)."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := character.lower()) == 1 else character for character in text)
