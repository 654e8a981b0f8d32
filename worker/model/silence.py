"""What somebody does not want to hear for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker.model.configuration import LabelMatcher


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts whose labels all `matchers` match are stored, and not sent, from `starts_at` until `ends_at`.

    `suppressed` counts the alerts it kept back so far.
    """

    id: str
    matchers: tuple[LabelMatcher, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str
    created_at: datetime
    suppressed: int = 0
