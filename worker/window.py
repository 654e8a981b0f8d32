"""How many feeds are asked at once: as many as keep the reader of documents busy, and hardly more.

What is fetched long before it is read is old news by then, and memory. So the window halves where documents waited for
the reader, and grows where the reader waited for documents: by each that was read at once, and by half in each moment in
which none came, so that servers which answer slowly, or never, are soon outnumbered.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST, LEAST = 8, 4
AT_ONCE, TOO_LONG = timedelta(milliseconds=20), timedelta(milliseconds=500)
"""What is read within the first was not waited with; the second is what a document may wait."""


@dataclass(slots=True)
class Window:
    """At most `most` feeds in flight; `size` of them now."""

    most: int
    size: int = 0
    narrowed_at: datetime | None = None

    def __post_init__(self) -> None:
        self.size = min(self.size or FIRST, self.most)

    def restart(self) -> None:
        """Nothing is in flight, and what comes next is unknown: feeds that had nothing yesterday may all have news now."""
        self.size = min(self.size, FIRST)

    def room(self, in_flight: int) -> int:
        """How many feeds more may be asked; 0 while that is less than a quarter, so that they are asked by the dozen."""
        room = self.size - in_flight
        return room if room * 4 >= self.size else 0

    def took(self, asked: datetime, answered: datetime, now: datetime) -> None:
        """An answer is taken up now. Answers to what was asked before the window narrowed narrow it no more."""
        waited = now - answered
        if waited <= AT_ONCE:
            self.size = min(self.size + 1, self.most)
        elif waited > TOO_LONG and (self.narrowed_at is None or asked >= self.narrowed_at):
            self.size, self.narrowed_at = min(max(self.size // 2, LEAST), self.most), now

    def idled(self) -> None:
        """For a moment no answer came."""
        self.size = min(self.size + max(self.size // 2, 1), self.most)

    @property
    def is_widest(self) -> bool:
        """Whether it can grow no more."""
        return self.size >= self.most
