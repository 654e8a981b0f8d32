"""What an attempt's outcome means for its delivery. Decides; sends nothing."""

from dataclasses import dataclass
from datetime import timedelta

from worker import backoff
from worker.model import Attempt

SCHEDULE = tuple(
    timedelta(seconds=seconds) for seconds in (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Waits after the 1st, 2nd … failed attempt: 76 h in all, then the delivery is a dead letter."""
LONGEST_WAIT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver answered 2xx."""


@dataclass(frozen=True, slots=True)
class RetryIn:
    """Try again after `wait`."""

    wait: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The whole schedule failed: a dead letter, kept until somebody resolves it."""

    reason: str


Decision = Delivered | RetryIn | Exhausted


def decide(attempt: Attempt, number: int, draw: float) -> Decision:
    """What follows the `number`-th attempt (from 1). Every answer but 2xx is retried: a 404 is a mistake to be mended.

    A Retry-After that is longer than the schedule's wait is honoured, up to 24 h. `draw` in [0, 1) spreads retries.
    """
    if attempt.is_success:
        return Delivered()
    if number > len(SCHEDULE):
        return Exhausted(f"gave up after {number} attempts; the last said: {attempt.reason}")
    asked = min(attempt.retry_after or timedelta(0), LONGEST_WAIT)
    return RetryIn(max(backoff.jittered(SCHEDULE[number - 1], draw, spread=0.2), asked), attempt.reason)
