"""What a group of held alerts does now: speak, or wait until when and why. Pure: state, timing and time in, a decision out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim

from worker.identity import derive_id
from worker.model import Digest, GroupKey, Timing
from worker.notify import intervals

MOST_TOGETHER = 50
"""A group of more is told in several messages, so that none leaves an alert out."""
MOST_IN_DIGEST = 1_000
Kind = Literal["group", "digest", "repeat"]
Why = Literal["at once", "group_wait", "group_interval", "digest", "silent", "rate", "repeat_interval"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that waits, and since when."""

    alert_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group as it is stored: what waits (the oldest first), what was told and may be repeated, and the last message.

    `sequence` counts the messages so far.
    """

    key: GroupKey
    waiting: tuple[Waiting, ...] = ()
    told: tuple[str, ...] = ()
    sent_at: datetime | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Speak:
    """Tell these alerts now, in one message."""

    kind: Kind
    alert_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Say nothing before `until`."""

    until: datetime
    why: Why


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing waits, and nothing is to be repeated."""


Decision = Speak | Wait | Rest


def decide(state: GroupState, timing: Timing, per: timedelta, now: datetime) -> Decision:
    """What follows at `now`. `per` is the span of the rate cap that filled the group, if one did."""
    found = due(state, timing, per)
    if found is None:
        return Rest()
    until, why = found
    if until > now:
        return Wait(until, why)
    is_forgotten = bool(state.waiting) and now - state.waiting[0].since >= intervals.LONGEST
    if intervals.is_silent(timing, now) and not is_forgotten:  # nobody looked while the route spoke
        return Wait(intervals.speaks_at(timing, now), "silent")
    if not state.waiting:
        return Speak("repeat", state.told)
    is_digest = state.key.kind != "group"
    together = state.waiting[: MOST_IN_DIGEST if state.key.kind in ("digest", "rate") else MOST_TOGETHER]
    return Speak("digest" if is_digest else "group", tuple(one.alert_id for one in together))


def due(state: GroupState, timing: Timing, per: timedelta) -> tuple[datetime, Why] | None:
    """When a group speaks next and what makes it wait till then; None where it has nothing to say.

    group   max(first waiting + group_wait, last message + group_interval);
            what the last message had no room for: at once
    digest  the first moment of the cron expression after the first waiting
    rate    first waiting + per
    quiet   as soon as the route is not silent
    and where the route is silent then, when it no longer is.
    """
    if not state.waiting:
        if not state.told or not timing.repeat_interval or not state.sent_at:
            return None
        return _audible(timing, state.sent_at + timing.repeat_interval, "repeat_interval")
    since = state.waiting[0].since
    match state.key.kind:
        case "digest" if timing.digest:
            return _audible(timing, next_digest(timing.digest, since), "digest")
        case "rate":
            return _audible(timing, since + per, "rate")
        case "group" if timing.group_by is not None:
            return _audible(timing, *_together(state, timing, since))
    return _audible(timing, since, "at once")


def _together(state: GroupState, timing: Timing, since: datetime) -> tuple[datetime, Why]:
    if state.sent_at and since < state.sent_at:  # there was no room for it in the last message
        return state.sent_at, "group_wait"
    waited = since + timing.group_wait
    spaced = state.sent_at + timing.group_interval if state.sent_at else waited
    return max(waited, spaced), "group_interval" if spaced > waited else "group_wait"


def collecting(timing: Timing, now: datetime) -> Literal["group", "digest", "quiet"] | None:
    """How an alert that reaches a route at `now` is collected; None: it is told alone and at once."""
    if timing.digest:
        return "digest"
    if intervals.is_silent(timing, now):
        return "quiet"
    return None if timing.group_by is None else "group"


def first_due(key: GroupKey, timing: Timing, per: timedelta, now: datetime) -> tuple[datetime, Why]:
    """When a group that was empty speaks of an alert that comes at `now`."""
    found = due(GroupState(key, (Waiting("", now),)), timing, per)
    assert found
    return found


def next_digest(digest: Digest, after: datetime) -> datetime:
    """The first moment of the digest's cron expression after another, in UTC."""
    return next(CronSim(digest.cron, after.astimezone(ZoneInfo(digest.zone)))).astimezone(UTC)


def group_id(key: GroupKey) -> str:
    """The group's name: the same key always gives the same one."""
    labels = [part for pair in key.labels for part in pair]
    return "grp_" + derive_id("v1", key.kind, key.route, key.endpoint, key.watch, *labels)


def notification_id(group: str, alert_ids: Sequence[str], sequence: int) -> str:
    """The name of a group's message: the same whoever builds it, and however often, until it is stored."""
    return "ntf_" + derive_id("v1", group, str(sequence), *sorted(alert_ids))


def _audible(timing: Timing, at: datetime, why: Why) -> tuple[datetime, Why]:
    speaks = intervals.speaks_at(timing, at)
    return (speaks, "silent") if speaks > at else (at, why)
