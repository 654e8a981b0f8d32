"""Whether we still see what a feed reports on: its expected gap is learned, and silence beyond it is an alert.

Decides and words the alert; its delivery is the pipeline's business.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from worker import alert, rhythm
from worker.model import Alert, Analysis, Article, Feed, FeedState, Finding, Reading, Severity, Zone

WATCH_ID = "coverage"
"""The watch that these alerts name."""
LEARNED_AFTER = timedelta(days=7)
"""Before that, a weekend or a night may be what looks like silence."""
MEMORY = timedelta(days=30)
SHORTEST_SILENCE = timedelta(hours=1)
FAILING_FOR, FAILING_UNKNOWN, FAILING_AT_MOST = timedelta(hours=6), timedelta(hours=24), timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Blindness:
    """We have been blind on a feed since a moment: it brings nothing, cannot be read, or is gone."""

    kind: Literal["silent", "failing", "gone"]
    since: datetime
    allowed: timedelta


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a poll taught of the gaps of a feed: its state with that, what is to be told of it, and the alert where we became blind."""

    state: FeedState
    events: tuple[str, ...] = ()
    alert: Alert | None = None


def cover(  # noqa: PLR0913 - what an alert is made of
    feed: Feed, before: FeedState, after: FeedState, reading: Reading | None, *, config_hash: str, now: datetime
) -> Coverage:
    """What a poll teaches that found the feed in one state and left it in another."""
    state = learn(after, reading, now)
    if blind := judge(feed, state, now):
        name = alert.alert_id(WATCH_ID, story_of(feed, blind), 0)
        told = word(feed, state, blind, alert_id=name, config_hash=config_hash, now=now)
        state = replace(state, blind_since=blind.since, is_told_failing=blind.kind != "silent")
        return Coverage(state, ("feed_blind",), told)
    return Coverage(state, ("feed_seen_again",) if before.blind_since and not state.blind_since else ())


def learn(state: FeedState, reading: Reading | None, now: datetime) -> FeedState:
    """The state with the longest gap between entries of the last thirty days, and since when the feed is watched.

    A blindness ends with an entry that is newer than its beginning, and one by failure with the first success.
    """
    came = reading.arrivals if reading else ()
    is_over = any(moment > state.blind_since for moment in came) if state.blind_since else False
    if is_over or (state.is_told_failing and not state.failures):
        state = replace(state, blind_since=None, is_told_failing=False)
    is_forgotten = state.longest_gap_at is None or now - state.longest_gap_at > MEMORY
    if not came and not is_forgotten and _is_learned(state, now):
        return state
    gap = _longest_gap((*came, *state.arrivals), now)
    if gap and (is_forgotten or state.longest_gap is None or gap > state.longest_gap):
        state = replace(state, longest_gap=gap, longest_gap_at=now)
    return state if state.watched_since else replace(state, watched_since=state.succeeded_at)


def allowed_silence(feed: Feed, state: FeedState, now: datetime) -> timedelta | None:
    """How long the feed may be silent: what the configuration says, else 1.5 × its longest gap, at least 1 h.

    None until it has been known for a week, by the dates of its entries or by our watching, or where it is not to be
    told. A feed that pauses 6 h each night is missed after 9 h, one that pauses from Friday evening to Monday
    morning (62 h) after 93 h.
    """
    if feed.max_silence != "auto":
        return None if feed.max_silence == "never" else feed.max_silence
    oldest = min((*state.arrivals[-1:], state.watched_since or now))
    if state.longest_gap is None or now - oldest < LEARNED_AFTER:
        return None
    return max(state.longest_gap * 1.5, SHORTEST_SILENCE)


def judge(feed: Feed, state: FeedState, now: datetime) -> Blindness | None:
    """Since when we are blind on the feed, or None while we see, or where that was told already.

    A feed that cannot be read is told after 6 h, or after its allowed silence up to 48 h; after 24 h where that is not
    known yet. One that is gone (410) is told at once.
    """
    if feed.max_silence == "never" or state.blind_since is not None:
        return None
    allowed = allowed_silence(feed, state, now)
    seen_at = state.succeeded_at or state.failing_since
    if state.is_gone:
        return Blindness("gone", seen_at or now, timedelta(0))
    if state.failures and seen_at:
        limit = max(FAILING_FOR, min(allowed, FAILING_AT_MOST)) if allowed else FAILING_UNKNOWN
        return Blindness("failing", seen_at, limit) if now - seen_at > limit else None
    newest = next(iter(rhythm.past(state.arrivals, now)), state.watched_since)
    if allowed is None or newest is None or now - newest <= allowed:
        return None
    return Blindness("silent", newest, allowed)


def word(  # noqa: PLR0913 - what an alert is made of
    feed: Feed, state: FeedState, blind: Blindness, *, alert_id: str, config_hash: str, now: datetime
) -> Alert:
    """The alert: an article about the feed itself, in the same form as any other alert."""
    title = f"Blind on {feed.name} for {_spoken(now - blind.since)}"
    body = {
        "silent": f"The feed answers, but has brought nothing new since {blind.since:%Y-%m-%d %H:%M} UTC; "
        f"{_spoken(blind.allowed)} is the longest silence that was expected.",
        "failing": f"The feed could not be read since {blind.since:%Y-%m-%d %H:%M} UTC. {state.last_message}",
        "gone": f"The feed's server says that it is gone for good (410). {state.last_message}",
    }[blind.kind]
    text = f"{title}\n{body}"
    article = Article(
        id=alert_id.replace("alrt_", "art_"),
        feed_id=feed.id,
        source=feed.name,
        title=title,
        text=text,
        zones=(Zone("title", 0, len(title)), Zone("lead", len(title) + 1, len(text))),
        tags=feed.tags,
        first_seen=now,
    )
    asks = f"news from {feed.name}" + (f" within {_spoken(blind.allowed)}" if blind.allowed else "")
    return Alert(
        id=alert_id,
        watch_id=WATCH_ID,
        watch_title="Coverage of the feeds",
        severity=Severity.MEDIUM,
        labels=(("coverage", blind.kind),),
        story=story_of(feed, blind),
        fact_revision=0,
        article=article,
        analysis=Analysis((), (), (), "en", "none"),
        finding=Finding("source", asks, "false"),
        raised_at=now,
        config_hash=config_hash,
    )


def story_of(feed: Feed, blind: Blindness) -> str:
    """The episode's name: the same blindness is the same alert, whoever sees it first."""
    return f"coverage-{feed.id}-{int(blind.since.timestamp())}"


def _is_learned(state: FeedState, now: datetime) -> bool:
    """Whether an earlier poll has learned all gaps: it had the same arrivals, and none of them was still to come."""
    if state.longest_gap is None or state.watched_since is None or state.polled_at is None:
        return False
    return state.polled_at < now and (not state.arrivals or state.arrivals[0] <= state.polled_at)


def _longest_gap(arrivals: Iterable[datetime], now: datetime) -> timedelta | None:
    recent = sorted({moment for moment in arrivals if now - MEMORY <= moment <= now})
    return max((later - earlier for earlier, later in pairwise(recent)), default=None)


def _spoken(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:  # noqa: PLR2004
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 72 else f"{hours // 24} days"  # noqa: PLR2004
