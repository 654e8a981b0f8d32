"""Where in a document's bytes each entry stands, so that known ones can be cut out before the costly parser reads it.

One pass of expat; the bytes of an entry are left as they are. Only a well-formed document has slices: another one is
read whole.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

_ENTRIES = frozenset({"item", "entry"})
_CLOSING = re.compile(rb"</(?:item|entry)\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Slice:
    """The bytes of one entry, from `<item` to behind `</item>`, and their hash."""

    start: int
    end: int
    fingerprint: str


def find_slices(body: bytes, depth_limit: int = 400) -> tuple[Slice, ...] | None:
    """The entries in their order, or None where the document is not well-formed or is nested too deep."""
    scan = _Scan()
    try:
        scan.parser.Parse(body, True)  # noqa: FBT003 - the whole document at once
    except (expat.ExpatError, ValueError, LookupError):
        return None
    if scan.deepest > depth_limit:
        return None
    return tuple(_slice(body, *found) for found in scan.found)


def without(body: bytes, slices: Collection[Slice]) -> bytes:
    """The document without these entries; all else stays to the byte."""
    kept, last = [], 0
    for piece in sorted(slices, key=lambda piece: piece.start):
        kept.append(body[last : piece.start])
        last = piece.end
    return b"".join((*kept, body[last:]))


def cut_after(body: bytes, limit: int) -> tuple[bytes, int]:
    """A document that is not well-formed, ended after `limit` entries, and the number of entries lost by that."""
    ends = [found.end() for found in _CLOSING.finditer(body)]
    return (body[: ends[limit - 1]], len(ends) - limit) if len(ends) > limit else (body, 0)


class _Scan:
    """Follows tags and notes the outermost entries as (start of the opening tag, place of its end, name)."""

    def __init__(self) -> None:
        self.found: list[tuple[int, int, str]] = []
        self.deepest = self._depth = self._inside = self._start = 0
        self.parser: Any = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._open, self._close

    def _open(self, name: str, _: object) -> None:
        self._depth = depth = self._depth + 1
        if depth > self.deepest:  # noqa: PLR1730 - a call for each tag costs a twentieth of the pass
            self.deepest = depth
        if not self._inside and _local(name) in _ENTRIES:
            self._inside, self._start = depth, self.parser.CurrentByteIndex

    def _close(self, name: str) -> None:
        if self._depth == self._inside:
            self.found.append((self._start, self.parser.CurrentByteIndex, name))
            self._inside = 0
        self._depth -= 1


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _slice(body: bytes, start: int, place: int, name: str) -> Slice:
    """`place` is the first byte of the end tag, or, of `<item/>`, the byte behind it."""
    end = body.index(b">", place) + 1 if body.startswith(b"</" + name.encode(), place) else place
    return Slice(start, end, hashlib.blake2b(body[start:end], digest_size=10).hexdigest())
