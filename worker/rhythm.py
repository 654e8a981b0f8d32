"""How long to wait for a feed's next entry: from when its last ones came, and from what its server asks for."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

from worker.model import Pace

SHORTEST = timedelta(minutes=2)
LONGEST = timedelta(hours=24)
UNKNOWN = timedelta(minutes=15)
"""For a feed that has not told its rhythm yet."""
REMEMBERED = 20
"""As many arrivals tell the rhythm: enough to even out a burst, few enough to follow a change within a day or two."""


def own_interval(arrivals: Sequence[datetime], now: datetime) -> timedelta:
    """Half the mean gap between the feed's newest entries, silence until `now` included: `(now - oldest) / n / 2`.

    `arrivals` come newest first. Clamped to 2 min and 24 h; 15 min without any arrival. With 20 entries in the last

        30 min   2 h     10 h     2 days   10 days   60 days
        2 min    3 min   15 min   72 min   6 h       24 h
    """
    known = past(arrivals, now)[:REMEMBERED]
    if not known:
        return UNKNOWN
    return min(max((now - known[-1]) / (2 * len(known)), SHORTEST), LONGEST)


def past(arrivals: Sequence[datetime], now: datetime) -> Sequence[datetime]:
    """Those, newest first, that are not dated ahead; hardly any feed has such, and then nothing is looked through."""
    if not arrivals or arrivals[0] <= now:
        return arrivals
    return [moment for moment in arrivals if moment <= now]


def newest(arrivals: Iterable[datetime]) -> tuple[datetime, ...]:
    """As many arrivals as are remembered, the newest first."""
    return tuple(sorted(set(arrivals), reverse=True)[:REMEMBERED])


def polite_interval(own: timedelta, pace: Pace, fresh_for: timedelta | None, now: datetime) -> timedelta:
    """The largest of the feed's rhythm, its ttl or `sy:` period and HTTP's freshness, at most 24 h, then past skip hours.

    With a rhythm of 10 min: ttl 60 gives 1 h, and max-age=7200 beside it 2 h; if that ends at 03:20 and `skipHours`
    names 3 and 4, the poll is at 05:00.
    """
    wait = min(max(own, pace.every or own, fresh_for or own), LONGEST)
    return past_skipped(now + wait, pace) - now


def past_skipped(moment: datetime, pace: Pace) -> datetime:
    """The first moment from `moment` that lies in no skipped hour (GMT) or day; a feed that skips all skips none."""
    if not pace.skip_hours and not pace.skip_days:
        return moment
    candidate = moment.astimezone(UTC)
    for _ in range(7 * 24):
        if candidate.weekday() not in pace.skip_days and candidate.hour not in pace.skip_hours:
            return candidate
        hour = datetime.combine(candidate.date(), time(candidate.hour), UTC)
        candidate = hour + timedelta(hours=1)
    return moment
