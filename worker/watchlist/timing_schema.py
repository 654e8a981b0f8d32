"""What may be said about when alerts are told: time intervals, digests, rate caps. The shape only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import BeforeValidator, Field, StringConstraints

from worker.watchlist.fields import TEXT, TEXTS, Duration, Or, Shown, Strict

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_DAY_MINUTES = 1_440


def _check_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        msg = f"“{value}” is not a time zone; write one of the IANA database, such as Europe/Vienna"
        raise ValueError(msg) from None
    return value


def _check_cron(value: str) -> str:
    try:
        next(CronSim(value, datetime.now(UTC)))
    except (CronSimError, StopIteration):
        msg = f"“{value}” is not a cron expression that ever comes true; write 0 8 * * * for every day at eight"
        raise ValueError(msg) from None
    return value


def _clock(text: str) -> int:
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)|24:00", text.strip())
    if not found:
        msg = f"“{text}” is not a time of day; write 06:30, or 24:00 for the end of the day"
        raise ValueError(msg)
    return int(found[1]) * 60 + int(found[2]) if found[1] else _DAY_MINUTES


def _times(value: object) -> object:
    """`20:00-06:30`, or Alertmanager's `{start_time: "20:00", end_time: "24:00"}`, as minutes of the day."""
    read = []
    for one in value if isinstance(value, list) else [value]:
        text = f"{one.get('start_time')}-{one.get('end_time')}" if isinstance(one, dict) else str(one)
        start, _, end = text.partition("-")
        pair = (_clock(start), _clock(end))
        if pair[0] in (pair[1], _DAY_MINUTES):
            msg = f"“{text}” is no span of time; leave `times` out for whole days"
            raise ValueError(msg)
        read.append(pair)
    return read


def _named(value: object, names: Sequence[str], first: int) -> list[int]:
    """Numbers from words or ranges of them, such as `monday:friday`, `sat-mon` or `3`."""
    read: list[int] = []
    for one in value if isinstance(value, list) else [value]:
        parts = [_number(part, names, first) for part in re.split(r"\s*[:-]\s*", str(one).strip().lower())]
        if len(parts) > 2:  # noqa: PLR2004 - a start and an end
            msg = f"“{one}” is not a range; write {names[0]}:{names[4]}"
            raise ValueError(msg)
        span = (parts[-1] - parts[0]) % len(names)
        read += [(parts[0] - first + i) % len(names) + first for i in range(span + 1)]
    return sorted(set(read))


def _number(text: str, names: Sequence[str], first: int) -> int:
    for i, name in enumerate(names):
        if text and (text == name or (len(text) >= 3 and name.startswith(text))):  # noqa: PLR2004 - mon, jan
            return i + first
    if text.isdigit() and len(names) == len(_MONTHS) and first <= int(text) < first + len(names):
        return int(text)
    msg = f"“{text}” is none of {', '.join(names)}"
    raise ValueError(msg)


def _weekdays(value: object) -> object:
    return _named(value, _WEEKDAYS, 0)


def _months(value: object) -> object:
    return _named(value, _MONTHS, 1)


def _ranges(value: object) -> list[tuple[int, int]]:
    """`5`, `1:7` or, from the end, `-3:-1`."""
    read = []
    for one in value if isinstance(value, list) else [value]:
        found = re.fullmatch(r"\s*(-?\d{1,4})\s*(?::\s*(-?\d{1,4})\s*)?", str(one))
        if not found:
            msg = f"“{one}” is not a number or a range; write 5, 1:7 or -3:-1"
            raise ValueError(msg)
        read.append((int(found[1]), int(found[2] or found[1])))
    return read


def _days_of_month(value: object) -> object:
    read = _ranges(value)
    for first, last in read:
        if 0 in (first, last) or max(abs(first), abs(last)) > 31 or (first > 0) is (last > 0) and first > last:  # noqa: PLR2004, RUF021
            msg = f"“{first}:{last}” is not a range of days 1 to 31, or -31 to -1 from the end of the month"
            raise ValueError(msg)
    return read


def _years(value: object) -> object:
    read = _ranges(value)
    for first, last in read:
        if not 1970 <= first <= last <= 9999:  # noqa: PLR2004 - what a calendar has
            msg = f"“{first}:{last}” is not a range of years, such as 2026:2028"
            raise ValueError(msg)
    return read


Zone = Annotated[str, StringConstraints(max_length=100), BeforeValidator(_check_zone)]
_Pairs = list[tuple[int, int]]


class TimeIntervalSection(Strict):
    """Moments by the clock on the wall of a place; what is left out allows all, and all that is given must hold."""

    times: Annotated[_Pairs, BeforeValidator(_times), Shown(TEXTS)] = []
    """`20:00-06:30`; a span that goes over midnight belongs to the day on which it begins."""
    weekdays: Annotated[list[int], BeforeValidator(_weekdays), Shown(TEXTS)] = []
    """`monday:friday` or `sat`."""
    days_of_month: Annotated[_Pairs, BeforeValidator(_days_of_month), Shown(TEXTS)] = []
    """`1:5`, or `-3:-1` for the last three days."""
    months: Annotated[list[int], BeforeValidator(_months), Shown(TEXTS)] = []
    """`january:march`, `dec` or `7`."""
    years: Annotated[_Pairs, BeforeValidator(_years), Shown(TEXTS)] = []
    """`2026` or `2026:2028`."""
    location: Zone = "UTC"
    """The place's zone in the IANA database."""


def _to_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


TimeIntervals = Annotated[list[TimeIntervalSection], Field(min_length=1), BeforeValidator(_to_list)]


class DigestSection(Strict):
    """One message at certain moments, instead of one for each alert."""

    cron: Annotated[str, StringConstraints(max_length=200), BeforeValidator(_check_cron)]
    """When: minute, hour, day of month, month, day of week."""
    time_zone: Zone = "UTC"
    top: Annotated[int, Field(ge=1, le=50)] = 10
    """So many alerts stand in it in full, the gravest first; the others are counted."""


class RateSection(Strict):
    """At most `max` alerts in any span of `per`; what is beyond comes in one digest when the span is over."""

    max: Annotated[int, Field(ge=1, le=10_000)]
    per: Annotated[Duration, Field(ge=timedelta(seconds=10), le=timedelta(days=7))]
    overflow: Literal["digest"] = "digest"


def _read_rate(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d*)\s*([smhd])\s*", value)
    if not found:
        msg = f"“{value}” is not a rate; write 10/h, 5/30m or {{max: 10, per: 1h}}"
        raise ValueError(msg)
    return {"max": found[1], "per": f"{found[2] or 1}{found[3]}"}


RateCap = Annotated[RateSection, BeforeValidator(_read_rate), Or(TEXT)]
