"""A sentence as words and names: what `units` puts together to mentions."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from worker.enrich.events.words import HYPHENED
from worker.model import Entity

# Nearly every token is a word of the third kind. An "n't" at its end is sought, letter by letter, only where "'t" follows.
_TOKEN: Final = re.compile(
    r"(?:[A-Za-z]\.){2,}|\d[\d.,]*\d|\w++(?!['’]t\b)(?:[-–]\w+)*"
    r"|\w+?(?=n['’]t\b)|n['’]t\b|['’´`]s\b|\w+(?:[-–]\w+)*|[^\w\s]",
    re.IGNORECASE,
)
POSSESSIVE: Final = re.compile(r"(?:['’´`]s|(?<=s)['’´])$")


class Token(NamedTuple):
    """A word in small letters, or a name with its last word; offsets are the text's. A tuple, since they are many."""

    word: str
    start: int
    end: int
    entity: Entity | None = None
    is_capital: bool = False

    def is_name(self, *labels: str) -> bool:
        """Whether it is a name of one of the labels."""
        return self.entity is not None and self.entity.label in labels


def read_tokens(text: str, start: int, end: int, entities: Sequence[Entity]) -> list[Token]:
    """The tokens of the sentence [start, end); `entities` are those that stand in it, in order."""
    tokens: list[Token] = []
    at = start
    for entity in entities:
        if entity.start < at:
            continue
        tokens += _plain(text, at, entity.start)
        bare = POSSESSIVE.search(text, entity.start, entity.end)
        stop = bare.start() if bare and bare.start() > entity.start else entity.end
        tokens.append(Token(_last_word(text[entity.start : stop]), entity.start, stop, entity))
        tokens += _plain(text, stop, entity.end)
        at = entity.end
    return tokens + _plain(text, at, end)


def _plain(text: str, start: int, end: int) -> list[Token]:
    found: list[Token] = []
    for match in _TOKEN.finditer(text, start, end):
        written = match.group()
        word = written.lower()
        if word.isalnum():  # most are, and neither marks nor hyphens are in them
            first, last = match.span()
            found.append(Token(word, first, last, None, written[0].isupper()))
            continue
        word = word.replace("’", "'").replace("´", "'").replace("`", "'")
        head, _, tail = word.rpartition("-")
        if head and tail in HYPHENED:
            cut = match.end() - len(tail)
            found += [Token(head, match.start(), cut - 1), Token("-", cut - 1, cut), Token(tail, cut, match.end())]
        elif word != "-" or not found or found[-1].end != match.start():
            found.append(Token(word, match.start(), match.end(), is_capital=written[0].isupper()))
    return found


def _last_word(name: str) -> str:
    return (name.split() or [""])[-1].lower()
