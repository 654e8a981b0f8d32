"""A text as pieces to be marked: evidence, entities and teasers may overlap, pieces do not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity's place."""

    start: int
    end: int
    label: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with one and the same marks; `label` is "" outside entities."""

    text: str
    is_evidence: bool = False
    is_teaser: bool = False
    label: str = ""
    id: str | None = None


def cut(
    text: str, evidence: Iterable[Span], mentions: Sequence[Mention] = (), teasers: Sequence[Span] = ()
) -> list[Piece]:
    """The pieces in order; joined, they are `text`. Offsets outside the text are clipped."""
    quoted = _merged(evidence, len(text))
    bounds = {0, len(text)}
    for start, end in (*quoted, *teasers, *((m.start, m.end) for m in mentions)):
        bounds |= {min(max(start, 0), len(text)), min(max(end, 0), len(text))}
    edges = sorted(bounds)
    pieces = []
    for start, end in pairwise(edges):
        mention = next((m for m in mentions if m.start <= start and end <= m.end), None)
        pieces.append(
            Piece(
                text[start:end],
                is_evidence=_lies_in(start, end, quoted),
                is_teaser=_lies_in(start, end, teasers),
                label=mention.label if mention else "",
                id=mention.id if mention else None,
            )
        )
    return pieces


def _lies_in(start: int, end: int, spans: Sequence[Span]) -> bool:
    return any(first <= start and end <= last for first, last in spans)


def _merged(spans: Iterable[Span], length: int) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted((max(start, 0), min(end, length)) for start, end in spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif start < end:
            merged.append((start, end))
    return merged
