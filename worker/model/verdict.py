"""What a watch says of an article, and why."""

from __future__ import annotations

from dataclasses import dataclass

from worker.model.terms import Truth, ZoneName
from worker.model.watch import ListEntry, Watch

# --- what fires --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of the article that made a condition true, the zone they stand in, and the listed party they name."""

    start: int
    end: int
    text: str
    zone: ZoneName
    entry: ListEntry | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one condition came to, and why; groups hold the findings of their children.

    `contribution` is what it adds to a weighted watch's score; the finding of kind `score` holds the sum.
    """

    kind: str
    asks: str
    truth: Truth
    evidence: tuple[Evidence, ...] = ()
    score: float | None = None
    children: tuple[Finding, ...] = ()
    contribution: float | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A watch that fires on an article."""

    watch: Watch
    finding: Finding


@dataclass(frozen=True, slots=True)
class Miss:
    """A watch that does not fire; `missing` is the first condition that would have to become true."""

    watch: Watch
    finding: Finding
    missing: str
    is_near: bool


Verdict = Match | Miss
