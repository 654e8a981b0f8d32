"""When alerts are told: sections become the timing of a route."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from worker.model import Digest, TimeInterval, Timing
from worker.watchlist import yaml
from worker.watchlist.nearest import is_known
from worker.watchlist.schema import RouteSection
from worker.watchlist.timing_schema import TimeIntervalSection

ALONE = "..."
"""Alertmanager's word for grouping by everything, that is, not at all."""
Intervals = Mapping[str, tuple[TimeInterval, ...]]


def read_intervals(sections: Sequence[TimeIntervalSection]) -> tuple[TimeInterval, ...]:
    """The intervals under one name."""
    return tuple(
        TimeInterval(
            zone=section.location,
            times=tuple(section.times),
            weekdays=tuple(section.weekdays),
            days_of_month=tuple(section.days_of_month),
            months=tuple(section.months),
            years=tuple(section.years),
        )
        for section in sections
    )


def read_timing(
    tree: yaml.Tree,
    path: yaml.Path,
    section: RouteSection,
    above: Timing,
    known: Mapping[str, tuple[TimeInterval, ...]],
) -> Timing:
    """A route's timing. What groups and repeats is inherited; intervals and digests are each route's own."""
    given = {
        key: value
        for key in ("group_wait", "group_interval", "repeat_interval")
        if (value := getattr(section, key)) is not None
    }
    timing = replace(above, mute=(), active=(), digest=None, **given)
    if section.group_by is not None:
        timing = replace(timing, group_by=None if ALONE in section.group_by else tuple(section.group_by))
    if section.digest:
        digest = Digest(section.digest.cron, section.digest.time_zone, section.digest.top)
        own = timing.group_by if section.group_by is not None else None
        timing = replace(timing, digest=digest, group_by=own or ())
    return replace(
        timing,
        mute=_find(tree, (*path, "mute_time_intervals"), section.mute_time_intervals, known),
        active=_find(tree, (*path, "active_time_intervals"), section.active_time_intervals, known),
    )


def _find(tree: yaml.Tree, path: yaml.Path, names: Sequence[str], known: Intervals) -> tuple[TimeInterval, ...]:
    for i, name in enumerate(names):
        place = (*path, i) if (*path, i) in tree.values else path
        is_known(tree, place, name, tuple(known), "time interval")
    return tuple(interval for name in names for interval in known.get(name, ()))
