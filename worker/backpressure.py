"""Feeds wait a little while articles wait to be looked at: what is fetched long before it is read is old news by then.

The poller asks no further feed while more articles wait than enrichers take up in four tenths of a second, and of those that bring
many articles no more at once than are looked at in that time. It is bounded: what holds back nobody are enrichers that stand
still, and a feed that has been due for half a minute is asked whatever waits, so that nothing rolls off it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

WORTH = timedelta(milliseconds=400)
"""So much work of the enrichers may wait for them."""
LEAST = 64
"""So many articles may wait in any case: two of the smaller batches, so that two enrichers find one each."""
LONGEST_HELD = timedelta(seconds=30)
"""A feed that has been due for so long is asked whatever waits."""
TRICKLE = timedelta(seconds=5)
"""Where all are held back for so long one is asked, so that whoever watches the poller sees it alive."""
STANDSTILL = timedelta(seconds=5)
"""Enrichers that took nothing up for so long hold back nobody."""
LOOK_EVERY, _LEARN_EVERY = timedelta(milliseconds=20), timedelta(milliseconds=250)
UNBOUNDED = 1_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """What waits: articles that are due and that no enricher has in hand, and in how long the next feed is due.

    `taken_up` is how many articles enrichers ever took up; those that wait for their page come to be due later, and are
    neither. `due_in` is negative where a feed is due already, None where there is none.
    """

    unread: int
    taken_up: int
    due_in: timedelta | None


class Gauge(Protocol):
    """Reads the load of the installation."""

    def read(self) -> Load:
        """As it is now."""


@dataclass(slots=True)
class Backpressure:
    """How many feeds may be asked beside those in flight; `held` is how long feeds that were due were held back."""

    gauge: Gauge
    rate: float = 0.0
    """Articles a second that enrichers take up."""
    expected: float = 0.0
    """Articles that a poll brings."""
    is_holding: bool = False
    held: timedelta = timedelta(0)
    _load: Load | None = None
    _looked_at: datetime | None = None
    _asked_at: datetime | None = None
    _read_at: datetime | None = None
    _learned: tuple[Load, datetime] | None = None
    _moved_at: datetime | None = None

    def room(self, in_flight: int, now: datetime) -> int:
        """How many feeds more may be asked."""
        load, since = self._look(now), self._looked_at or now
        if self.is_holding:
            self.held += max(now - since, timedelta(0))
        room = self._room(load, in_flight, now)
        self.is_holding = room <= 0 and load.due_in is not None and load.due_in <= timedelta(0)
        self._looked_at = now
        if not self.is_holding or self._asked_at is None:
            self._asked_at = now
        return room

    def brought(self, polls: int, articles: int) -> None:
        """So many articles came of so many polls: what brings much is believed at once, what brings little by and by."""
        mean = articles / polls
        if articles:
            self._read_at = None
        if mean > self.expected:
            self.expected = mean
        else:
            self.expected = mean + (self.expected - mean) * 0.9**polls

    def idled(self) -> None:
        """For a moment no answer came: servers are slow, and what is in flight comes by and by."""
        self.expected /= 2

    def due_in(self, now: datetime) -> timedelta:
        """In how long the next feed is due, looked up anew; the longest there is where no feed is."""
        self._read_at = None
        due_in = self._look(now).due_in
        return timedelta.max if due_in is None else due_in

    @property
    def limit(self) -> float:
        """So many articles may wait."""
        return max(LEAST, self.rate * WORTH.total_seconds())

    def _room(self, load: Load, in_flight: int, now: datetime) -> int:
        is_late = load.due_in is not None and -load.due_in >= LONGEST_HELD
        is_standstill = self._moved_at is not None and now - self._moved_at >= STANDSTILL
        if is_late or is_standstill:
            return UNBOUNDED
        left = self.limit - load.unread
        if left <= 0:
            return int(not in_flight and self._asked_at is not None and now - self._asked_at >= TRICKLE)
        return max(int(min(left / max(self.expected, 1e-3), UNBOUNDED)), 1) - in_flight

    def _look(self, now: datetime) -> Load:
        if self._load is None or self._read_at is None or not timedelta(0) <= now - self._read_at < LOOK_EVERY:
            self._load, self._read_at = self.gauge.read(), now
            self._learn(self._load, now)
        return self._load

    def _learn(self, load: Load, now: datetime) -> None:
        before, at = self._learned or (load, now)
        if self._learned and now - at < _LEARN_EVERY:
            return
        taken = load.taken_up - before.taken_up
        if taken > 0 or not load.unread or self._moved_at is None:
            self._moved_at = now
        if now > at:
            seen = max(taken, 0) / (now - at).total_seconds()
            is_busy = before.unread > 0 and load.unread > 0
            # enrichers that found nothing more to take up could have taken up more
            self.rate = (self.rate + seen) / 2 if is_busy and self.rate else max(self.rate, seen)
        self._learned = load, now
