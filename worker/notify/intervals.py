"""Whether a moment lies in a time interval, and when the route that is silent then speaks again.

Membership is decided by the wall-clock time that a moment has in the interval's zone, so the hour that a spring night
leaves out is never waited for, and the hour that an autumn night has twice is in twice.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from worker.model import TimeInterval, Timing

LONGEST = timedelta(days=400)
"""What is silent for longer than this speaks after it all the same: nothing is held for ever."""
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def is_within(interval: TimeInterval, at: datetime) -> bool:
    """Whether the moment lies in the interval."""
    wall = at.astimezone(_zone(interval.zone))
    if not interval.times:
        return _is_day(interval, wall.date())
    minute = wall.hour * 60 + wall.minute
    for start, end in interval.times:
        is_over_midnight = end <= start
        if start <= minute and (minute < end or is_over_midnight) and _is_day(interval, wall.date()):
            return True
        if is_over_midnight and minute < end and _is_day(interval, wall.date() - _DAY):
            return True
    return False


def is_silent(timing: Timing, at: datetime) -> bool:
    """Whether a route holds what reaches it at the moment."""
    if any(is_within(interval, at) for interval in timing.mute):
        return True
    return bool(timing.active) and not any(is_within(interval, at) for interval in timing.active)


def speaks_at(timing: Timing, at: datetime) -> datetime:
    """The first moment from `at` on at which a route is not silent, to the second."""
    if not is_silent(timing, at):
        return at
    before = at
    for edge in _edges(timing, at):
        if not is_silent(timing, edge):
            return _first(timing, before, edge)
        before = edge
    return at + LONGEST


def _edges(timing: Timing, at: datetime) -> Iterator[datetime]:
    """The moments after `at` at which an interval may begin or end, in order."""
    intervals = (*timing.mute, *timing.active)
    zones = {interval.zone for interval in intervals}
    minutes = {0, *(minute for interval in intervals for pair in interval.times for minute in pair)}
    for days in range(-1, LONGEST.days):
        day = at.date() + days * _DAY
        edges = {
            datetime.combine(day + (minute // 1440) * _DAY, time(minute % 1440 // 60, minute % 60), _zone(zone))
            for zone in zones
            for minute in minutes
        }
        moments = {edge.replace(fold=fold).astimezone(UTC) for edge in edges for fold in (0, 1)}
        yield from sorted(moment for moment in moments if moment > at)


def _first(timing: Timing, silent: datetime, speaking: datetime) -> datetime:
    """Where between two moments silence ends: a wall-clock time that a night leaves out ends it earlier than it says."""
    while speaking - silent > _SECOND:
        middle = (silent + (speaking - silent) / 2).replace(microsecond=0)
        if middle <= silent:
            break
        if is_silent(timing, middle):
            silent = middle
        else:
            speaking = middle
    return speaking


def _is_day(interval: TimeInterval, day: date) -> bool:
    return (
        (not interval.weekdays or day.weekday() in interval.weekdays)
        and (not interval.months or day.month in interval.months)
        and (not interval.years or any(first <= day.year <= last for first, last in interval.years))
        and (not interval.days_of_month or any(_is_day_of_month(day, *days) for days in interval.days_of_month))
    )


def _is_day_of_month(day: date, first: int, last: int) -> bool:
    length = monthrange(day.year, day.month)[1]
    first, last = (number if number > 0 else length + 1 + number for number in (first, last))
    return first <= day.day <= last


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
