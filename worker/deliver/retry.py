"""What an attempt's outcome means for its delivery and its endpoint. Decides; sends nothing."""

from dataclasses import dataclass
from datetime import timedelta

from worker import backoff
from worker.model import Attempt

SCHEDULE = tuple(
    timedelta(seconds=seconds) for seconds in (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Waits after the 1st, 2nd … failed attempt: 76 h in all, then the delivery is a dead letter."""
WHOLE_SCHEDULE = sum(SCHEDULE, timedelta())
LONGEST_WAIT = timedelta(hours=24)
_GONE = 410
_BUSY = (429, 503)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver answered 2xx."""


@dataclass(frozen=True, slots=True)
class RetryIn:
    """Try again after `wait`. A probe's failure is not counted: it tells of the endpoint, not of the delivery."""

    wait: timedelta
    reason: str
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The whole schedule failed: a dead letter, kept until somebody resolves it."""

    reason: str


@dataclass(frozen=True, slots=True)
class EndpointGone:
    """The receiver said 410: send it nothing more until an operator resumes it; the delivery waits with the others."""

    reason: str


def asks_to_wait(attempt: Attempt) -> timedelta:
    """How long the whole endpoint is left alone: the Retry-After of a 429 or 503, up to 24 h; else not at all.

    These speak of the receiver and not of the one delivery (RFC 6585 section 4, RFC 9110 section 15.6.4).
    """
    if attempt.status not in _BUSY or attempt.retry_after is None:
        return timedelta(0)
    return min(max(attempt.retry_after, timedelta(0)), LONGEST_WAIT)


Decision = Delivered | RetryIn | Exhausted | EndpointGone


def decide(
    attempt: Attempt, number: int, draw: float, *, is_probe: bool = False, age: timedelta = timedelta(0)
) -> Decision:
    """What follows the `number`-th attempt (from 1). Every answer but 2xx is retried: a 404 is a mistake to be mended.

    A Retry-After that is longer than the schedule's wait is honoured, up to 24 h. `draw` in [0, 1) spreads retries.
    A failed probe of an open circuit costs no attempt, but a delivery of an `age` beyond the whole schedule ends here.
    """
    if attempt.is_success:
        return Delivered()
    if attempt.status == _GONE:
        return EndpointGone(attempt.reason or "answered 410")
    is_over = age >= WHOLE_SCHEDULE if is_probe else number > len(SCHEDULE)
    if is_over:
        return Exhausted(f"gave up after {number} attempts; the last said: {attempt.reason}")
    asked = min(attempt.retry_after or timedelta(0), LONGEST_WAIT)
    wait = max(backoff.jittered(SCHEDULE[min(number, len(SCHEDULE)) - 1], draw, spread=0.2), asked)
    return RetryIn(wait, attempt.reason, is_counted=not is_probe)
