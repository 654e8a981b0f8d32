"""When alerts are told, as the configuration says it: at once, grouped, digested, not at night, not too often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """Moments by wall-clock time of a zone; what is empty allows all.

    `times` are (start, end) in minutes of the day; one whose end is not after its start goes over midnight and belongs
    to the day on which it starts. `weekdays` are 0 (Monday) to 6; `days_of_month` ranges, from the end where negative.
    """

    zone: str = "UTC"
    times: tuple[tuple[int, int], ...] = ()
    weekdays: tuple[int, ...] = ()
    days_of_month: tuple[tuple[int, int], ...] = ()
    months: tuple[int, ...] = ()
    years: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Digest:
    """One message at each moment of a cron expression, with the `top` alerts in full."""

    cron: str
    zone: str = "UTC"
    top: int = 10


@dataclass(frozen=True, slots=True)
class Timing:
    """When what reaches a route is told. `group_by` None: every alert alone and at once.

    During `mute`, and outside `active` where there is one, alerts are held and told together afterwards.
    """

    group_by: tuple[str, ...] | None = None
    group_wait: timedelta = timedelta(seconds=30)
    group_interval: timedelta = timedelta(minutes=5)
    repeat_interval: timedelta | None = None
    mute: tuple[TimeInterval, ...] = ()
    active: tuple[TimeInterval, ...] = ()
    digest: Digest | None = None


AT_ONCE = Timing()


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `most` alerts of a watch are told in any span of `per`; more are collected and told together."""

    most: int
    per: timedelta
