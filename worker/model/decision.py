"""What was decided on an article, as it is kept for whoever asks later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker.model.article import Zone
from worker.model.story import Story


@dataclass(frozen=True, slots=True)
class Fired:
    """A watch that fired on an article: the alert it raised, or why it raised none.

    `finding` is a hash of what made it fire, without scores (see `worker.decision`).
    """

    watch_id: str
    finding: str
    alert_id: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The watches that fired on an article, and all that this followed from besides its text and analysis.

    `zones` are those that were read where repeated passages had been taken out, else empty. `story` is the article's
    story as the watches saw it, kept only where one fired. `unknown` counts the watches that could not be decided; None
    where names were not looked for, since no watch could fire whatever they are.
    """

    config_hash: str
    model: str
    version: str
    decided_at: datetime
    text_sha256: str
    fired: tuple[Fired, ...] = ()
    unknown: int | None = 0
    zones: tuple[Zone, ...] = ()
    story: Story | None = None
