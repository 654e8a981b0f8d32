"""What a poll's outcome means for the feed: what to remember, and when to ask again. Decides; fetches nothing."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from worker import rhythm
from worker.model import (
    Feed,
    FeedState,
    Fetched,
    NotModified,
    PollFailed,
    PollFailure,
    PollOutcome,
    Postponed,
    Reading,
)

LONGEST_WAIT = timedelta(hours=24)
SHORTEST_WAIT = timedelta(seconds=1)
SHORTEST_RETRY_AFTER = timedelta(minutes=1)
GONE_WAIT = timedelta(days=30)
"""410 ends the polling; once in thirty days we look whether the server has changed its mind."""
FULL_POLL_EVERY = timedelta(hours=24)
"""A server that answers 304 for ever is asked without validators this often."""
WHOLE_READING_EVERY = timedelta(days=7)
"""Known entries are read again this often, so that the store's memory of them (90 days) never ends while they stand."""
MOVED_POLLS, MOVED_FOR = 3, timedelta(hours=24)
"""A permanent redirect is believed when it was seen this often over this long."""
_SPREAD = 0.1
_MOST_MARKS = 1_000

COSTLY, HARD, SOFT, TEMPORARY = 3.0, 1.0, 0.5, 0.25
"""How many doublings of the wait a failure is worth.

In this order: what takes seconds of our processor, a mistake of address or content, of the server, of the moment.
"""
WEIGHTS = {
    PollFailure.UNREACHABLE: TEMPORARY,
    PollFailure.TIMEOUT: TEMPORARY,
    PollFailure.THROTTLED: TEMPORARY,
    PollFailure.DNS: SOFT,
    PollFailure.TLS: SOFT,
    PollFailure.CERTIFICATE_EXPIRED: SOFT,
    PollFailure.BAD_ENCODING: SOFT,
    PollFailure.EMPTY_BODY: SOFT,
    PollFailure.MALFORMED: SOFT,
    PollFailure.CDN_CHALLENGE: SOFT,
    PollFailure.HTTP_STATUS: HARD,
    PollFailure.ROBOTS: HARD,
    PollFailure.BLOCKED_ADDRESS: HARD,
    PollFailure.BAD_REDIRECT: HARD,
    PollFailure.GONE: HARD,
    PollFailure.TOO_LARGE: HARD,
    PollFailure.NOT_A_FEED: HARD,
    PollFailure.HOSTILE: COSTLY,
}


@dataclass(frozen=True, slots=True)
class PollRequest:
    """What to ask of a feed's server; empty validators make the request unconditional.

    `url` is where the feed is now, which may be elsewhere than configured. A `is_whole` poll reads known entries too;
    an `is_page` one asks for an article's page instead of the feed.
    """

    feed: Feed
    etag: str = ""
    last_modified: str = ""
    url: str = ""
    is_whole: bool = False
    is_page: bool = False

    @property
    def address(self) -> str:
        """Where to ask."""
        return self.url or self.feed.url


@dataclass(frozen=True, slots=True)
class PollDecision:
    """The state to store, the time until the next poll, the outcome's name (a metric label), and what to report.

    `pushes` documents that a hub sent are done with; the next poll is then when it was due anyway. A poll that found
    the feed as it was leaves the `state` untouched but for the moment, `seen_at`.
    """

    state: FeedState
    next_in: timedelta
    outcome: str
    events: tuple[str, ...] = ()
    pushes: int = 0
    seen_at: datetime | None = None

    @property
    def remembered(self) -> FeedState:
        """The state to store, the moment of the poll in it."""
        if self.seen_at is None:
            return self.state
        return replace(self.state, polled_at=self.seen_at, succeeded_at=self.seen_at)

    def taught(self, state: FeedState, events: tuple[str, ...]) -> "PollDecision":
        """The decision with what else was learned, from its own state."""
        return replace(self, state=replace(self, state=state).remembered, events=events, seen_at=None)


def request(feed: Feed, state: FeedState, *, epoch: str, now: datetime) -> PollRequest:
    """A conditional request; an unconditional one once a day and after the store was restarted (`epoch`).

    Once a week and after a restart the document is also read whole.
    """
    is_whole = state.epoch != epoch or _is_past(state.whole_at, WHOLE_READING_EVERY, now)
    if is_whole or _is_past(state.unconditional_at, FULL_POLL_EVERY, now):
        return PollRequest(feed, url=state.address, is_whole=is_whole)
    return PollRequest(feed, state.etag, state.last_modified, url=state.address)


def pushed(state: FeedState, reading: Reading, documents: int) -> PollDecision:
    """What to remember of documents that a hub sent: they hold some of the feed's entries, and no validators."""
    new = {mark.raw for mark in reading.marks if mark.raw}
    kept = tuple(mark for mark in state.marks if mark.raw not in new)
    learned = replace(
        state,
        marks=(*reading.marks, *kept)[:_MOST_MARKS],
        arrivals=rhythm.newest((*reading.arrivals, *state.arrivals)),
    )
    return PollDecision(learned, SHORTEST_WAIT, "pushed", pushes=documents)


def is_unchanged(asked: PollRequest, state: FeedState, outcome: Fetched, body_hash: str) -> bool:
    """Whether a 200 brought the very bytes of last time (validators may lie either way)."""
    return bool(state.is_baselined and not asked.is_whole and outcome.body and state.body_hash == body_hash)


def unchanged(outcome: Fetched) -> NotModified:
    """A 200 that brought nothing new, as what it amounts to; its validators are newer than ours."""
    return NotModified(
        outcome.etag, outcome.last_modified, outcome.fresh_for, outcome.moved_to, outcome.certificate_until
    )


def decide(  # noqa: PLR0913 - what a decision depends on, spelled out
    asked: PollRequest,
    state: FeedState,
    outcome: PollOutcome,
    *,
    epoch: str,
    body_hash: str = "",
    reading: Reading | None = None,
    now: datetime,
    draw: float,
) -> PollDecision:
    """What to store after `outcome`, and when to poll again.

    A success waits what `rhythm` finds, lengthened by up to a tenth; where the feed has an `interval`, that, shortened
    by up to a tenth, whatever the document or the server would like.
    """
    if isinstance(outcome, Postponed):
        return PollDecision(state, max(outcome.wait, SHORTEST_WAIT), "postponed")
    if isinstance(outcome, PollFailed):
        return _failed(asked.feed, state, outcome, now=now, draw=draw)
    if isinstance(outcome, NotModified) and _is_as_before(asked, state, outcome):
        wait = _wait(asked.feed, state, outcome.fresh_for, now=now, draw=draw)
        return PollDecision(state, wait, "not_modified", seen_at=now)
    learned = _succeeded(asked, state, outcome, epoch=epoch, now=now)
    name = "not_modified"
    if isinstance(outcome, Fetched):
        whole_at = now if asked.is_whole else state.whole_at
        learned = _read(learned, outcome, reading or Reading(), body_hash, whole_at)
        name = "fetched"
    learned, events = _follow(asked.feed, learned, outcome.moved_to, now)
    if reading and reading.is_rekeyed:
        events = (*events, "feed_rekeyed")
    if state.failures:
        events = (*events, "feed_recovered")
    return PollDecision(learned, _wait(asked.feed, learned, outcome.fresh_for, now=now, draw=draw), name, events)


def _is_past(moment: datetime | None, span: timedelta, now: datetime) -> bool:
    return moment is None or now - moment >= span


def _wait(feed: Feed, state: FeedState, fresh_for: timedelta | None, *, now: datetime, draw: float) -> timedelta:
    if feed.interval is not None:
        return max(feed.interval * (1 - _SPREAD * draw), SHORTEST_WAIT)
    own = rhythm.own_interval(state.arrivals, now)
    return rhythm.polite_interval(own * (1 + _SPREAD * draw), state.pace, fresh_for, now)


# --- success -----------------------------------------------------------------------------------------------


def _is_as_before(asked: PollRequest, state: FeedState, outcome: NotModified) -> bool:
    """Whether an answer says nothing that the state does not: most polls are such, and only their moment is stored."""
    is_well = state.is_baselined and not (state.failures or state.burden or state.is_gone)
    is_conditional = bool(asked.etag or asked.last_modified)
    validators = (outcome.etag, outcome.last_modified)
    is_settled = not (outcome.moved_to or state.moved_to or state.moved_since)
    return (
        is_well
        and is_conditional
        and is_settled
        and validators in (("", ""), (state.etag, state.last_modified))
        and outcome.certificate_until in (None, state.certificate_until)
        and state.failing_since is None
        and state.last_failure is None
        and not state.last_message
    )


def _succeeded(
    asked: PollRequest, state: FeedState, outcome: Fetched | NotModified, *, epoch: str, now: datetime
) -> FeedState:
    was_unconditional = not asked.etag and not asked.last_modified
    has_validators = bool(outcome.etag or outcome.last_modified)
    return replace(
        state,
        etag=outcome.etag if has_validators else state.etag,
        last_modified=outcome.last_modified if has_validators else state.last_modified,
        polled_at=now,
        succeeded_at=now,
        failures=0,
        failing_since=None,
        burden=0.0,
        last_failure=None,
        last_message="",
        is_gone=False,
        is_baselined=True,
        certificate_until=outcome.certificate_until or state.certificate_until,
        unconditional_at=now if was_unconditional else state.unconditional_at,
        epoch=epoch if was_unconditional else state.epoch,
    )


def _read(state: FeedState, outcome: Fetched, reading: Reading, body_hash: str, whole_at: datetime | None) -> FeedState:
    return replace(
        state,
        etag=outcome.etag,
        last_modified=outcome.last_modified,
        body_hash=body_hash,
        entries=len(reading.marks),
        marks=reading.marks,
        arrivals=rhythm.newest((*reading.arrivals, *state.arrivals)),
        pace=reading.pace,
        whole_at=whole_at,
    )


def _follow(feed: Feed, state: FeedState, target: str, now: datetime) -> tuple[FeedState, tuple[str, ...]]:
    """Count sights of a permanent redirect, and move when it was seen thrice over a day; never from https to http."""
    asked = state.address or feed.url
    is_downgrade = asked.startswith("https:") and not target.startswith("https:")
    if not target or target == asked or is_downgrade:
        is_clean = not state.moved_to and state.moved_since is None
        return state if is_clean else replace(state, moved_to="", moved_polls=0, moved_since=None), ()
    if target != state.moved_to or state.moved_since is None:
        return replace(state, moved_to=target, moved_polls=1, moved_since=now), ()
    polls = state.moved_polls + 1
    if polls < MOVED_POLLS or now - state.moved_since < MOVED_FOR:
        return replace(state, moved_polls=polls), ()
    moved = replace(state, address=target, moved_to="", moved_polls=0, moved_since=None)
    return moved, ("feed_moved",)


# --- failure -----------------------------------------------------------------------------------------------


def _failed(feed: Feed, state: FeedState, outcome: PollFailed, *, now: datetime, draw: float) -> PollDecision:
    is_gone = outcome.reason is PollFailure.GONE
    burden = state.burden + weight(outcome)
    base = feed.interval or rhythm.own_interval(state.arrivals, now)
    wait = GONE_WAIT if is_gone else backoff(base, burden) * (1 + _SPREAD * draw)
    if outcome.retry_after is not None:
        wait = max(wait, min(max(outcome.retry_after, SHORTEST_RETRY_AFTER), LONGEST_WAIT))
    failed = replace(
        state,
        polled_at=now,
        failures=state.failures + 1,
        failing_since=state.failing_since or now,
        burden=burden,
        last_failure=outcome.reason,
        last_message=_told(outcome, state, now),
        is_gone=is_gone,
        # a feed that does not answer where it moved to is asked at its old place again
        address="" if weight(outcome) >= SOFT else state.address,
    )
    events = ("feed_gone",) if is_gone and not state.is_gone else ()
    return PollDecision(failed, max(wait, SHORTEST_WAIT), outcome.reason.value, events)


def _told(outcome: PollFailed, state: FeedState, now: datetime) -> str:
    """The failure's message, with how long ago the certificate ended where we had seen it."""
    ended = state.certificate_until
    if outcome.reason is not PollFailure.CERTIFICATE_EXPIRED or ended is None or ended > now:
        return outcome.message
    return f"{outcome.message}; it ended {(now - ended).days} days ago, on {ended:%Y-%m-%d}"


def weight(outcome: PollFailed) -> float:
    """How many doublings of the wait a failure is worth; a 5xx is the server's trouble, any other status a mistake."""
    is_servers = outcome.reason is PollFailure.HTTP_STATUS and outcome.status >= 500  # noqa: PLR2004
    return SOFT if is_servers else WEIGHTS[outcome.reason]


def backoff(base: timedelta, burden: float) -> timedelta:
    """`base · 2^burden`, at most 24 h, and for ever: no feed dies silently.

    From 15 min, hard failures (weight 1) wait 30 m, 1 h, 2 h, 4 h, 8 h, 16 h, 24 h; costly ones (3) 2 h, 16 h, 24 h; soft ones (0.5) 21 m, 30 m, 42 m,
    1 h …; temporary ones (0.25) 18 m, 21 m, 25 m, 30 m …
    """
    return min(base * 2 ** min(burden, 32), max(LONGEST_WAIT, base))
