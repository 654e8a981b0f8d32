"""Finished polls on their way into the store: handed in together, so that all of them share one trip and one flush.

What is open longer, or holds more, is handed in at once: articles must not wait for the documents of other feeds.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_POLLS, MOST_DRAFTS = 100, 100
LONGEST_OPEN = timedelta(milliseconds=50)
"""An article waits this long for others at most, and for the document that is being read then."""


@dataclass(slots=True)
class Batch(Generic[T]):
    """Polls with the number of their drafts, in the order in which they were finished."""

    polls: list[T] = field(default_factory=list)
    drafts: int = 0
    since: datetime | None = None

    def add(self, finished: T, drafts: int, now: datetime) -> None:
        """One more."""
        self.polls.append(finished)
        self.drafts += drafts
        self.since = self.since or now

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be handed in before anything else is read."""
        is_full = len(self.polls) >= MOST_POLLS or self.drafts >= MOST_DRAFTS
        return is_full or (self.since is not None and now - self.since >= LONGEST_OPEN)

    def take(self) -> list[T]:
        """All of them; the batch is empty then."""
        taken, self.polls, self.drafts, self.since = self.polls, [], 0, None
        return taken
