"""What a poll's outcome means for the feed: what to remember, and when to ask again. Decides; fetches nothing."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from worker import backoff
from worker.model import Feed, FeedState, Fetched, NotModified, PollFailed, PollFailure, PollOutcome

LONGEST_WAIT = timedelta(hours=24)
SHORTEST_WAIT = timedelta(seconds=1)
FULL_POLL_EVERY = timedelta(hours=24)
"""A server that answers 304 for ever is asked without validators this often."""


@dataclass(frozen=True, slots=True)
class PollRequest:
    """What to ask of a feed's server; empty validators make the request unconditional."""

    feed: Feed
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class PollDecision:
    """The state to store, the time until the next poll, and the outcome's name (a metric label)."""

    state: FeedState
    next_in: timedelta
    outcome: str


def request(feed: Feed, state: FeedState, *, epoch: str, now: datetime) -> PollRequest:
    """A conditional request, or an unconditional one once a day and after the store was restarted (`epoch`)."""
    is_due = state.unconditional_at is None or now - state.unconditional_at >= FULL_POLL_EVERY
    if is_due or state.epoch != epoch:
        return PollRequest(feed)
    return PollRequest(feed, state.etag, state.last_modified)


def decide(  # noqa: PLR0913 - what a decision depends on, spelled out
    asked: PollRequest,
    state: FeedState,
    outcome: PollOutcome,
    *,
    epoch: str,
    body_hash: str = "",
    entries: int = 0,
    now: datetime,
    draw: float,
) -> PollDecision:
    """What to store after `outcome`, and when to poll again.

    Success waits the feed's interval, lengthened by up to a tenth. The n-th failure in a row waits interval · 2^(n-1),
    at most 24 h; a Retry-After that is longer wins, clamped to 24 h. 410 waits 24 h: polled rarely, never forgotten.
    """
    feed = asked.feed
    if isinstance(outcome, PollFailed):
        return _failed(feed, state, outcome, now=now, draw=draw)
    was_unconditional = not asked.etag and not asked.last_modified
    succeeded = replace(
        state,
        polled_at=now,
        succeeded_at=now,
        failures=0,
        last_failure=None,
        last_message="",
        is_gone=False,
        is_baselined=True,
        unconditional_at=now if was_unconditional else state.unconditional_at,
        epoch=epoch if was_unconditional else state.epoch,
    )
    next_in = backoff.jittered(feed.interval, draw)
    if isinstance(outcome, NotModified):
        return PollDecision(succeeded, next_in, "not_modified")
    learned = replace(
        succeeded, etag=outcome.etag, last_modified=outcome.last_modified, body_hash=body_hash, entries=entries
    )
    return PollDecision(learned, next_in, "fetched")


def is_unchanged(state: FeedState, outcome: Fetched, body_hash: str, *, epoch: str) -> bool:
    """Whether a 200 brought the very bytes of last time (validators may lie either way)."""
    return bool(state.is_baselined and state.epoch == epoch and outcome.body and state.body_hash == body_hash)


def _failed(feed: Feed, state: FeedState, outcome: PollFailed, *, now: datetime, draw: float) -> PollDecision:
    failures = state.failures + 1
    wait = backoff.jittered(backoff.exponential(failures, base=feed.interval, cap=LONGEST_WAIT), draw)
    if outcome.reason is PollFailure.GONE:
        wait = LONGEST_WAIT
    if outcome.retry_after is not None:
        wait = max(wait, min(outcome.retry_after, LONGEST_WAIT))
    failed = replace(
        state,
        polled_at=now,
        failures=failures,
        last_failure=outcome.reason,
        last_message=outcome.message,
        is_gone=outcome.reason is PollFailure.GONE,
    )
    return PollDecision(failed, max(wait, SHORTEST_WAIT), outcome.reason.value)
