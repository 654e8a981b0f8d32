"""The kinds of values that parameters and bodies are made of: each says the same to a reader, a schema and a check."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:)([0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_NO_MOMENT = "is not a moment such as 2026-03-01T12:00:00Z (RFC 3339)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"


class Question(BaseModel):
    """What is asked: a field that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Answer(BaseModel):
    """What is answered: later versions may say more, so that readers must pass over what they do not know."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _read_number(value: object) -> object:
    if isinstance(value, str):  # of a query
        if not _NUMBER.fullmatch(value):
            msg = "is not a whole number"
            raise ValueError(msg)
        return int(value)
    return value


def _read_flag(value: object) -> object:
    if isinstance(value, str):
        if value not in ("true", "false"):
            msg = "is neither true nor false"
            raise ValueError(msg)
        return value == "true"
    return value


def _read_moment(value: object) -> object:
    """RFC 3339; a leap second is the second before it."""
    if not isinstance(value, str):
        return value
    found = _MOMENT.fullmatch(value)
    if not found:
        raise ValueError(_NO_MOMENT)
    try:
        day, minute, second, fraction, zone = found.groups()
        second = "59" if second == "60" else second
        return datetime.fromisoformat(f"{day}T{minute}{second}{(fraction or '')[:7]}{zone.upper()}")
    except ValueError:
        raise ValueError(_NO_MOMENT) from None


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, also of moments that UTC could not hold."""
    return round((moment - _EPOCH).total_seconds() * 1000)


Id = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]
READ_NUMBER = BeforeValidator(_read_number)
"""Lets a whole number stand in a query, and nothing like one (`1.0`, ` 1`, `1_000`)."""
Flag = Annotated[bool, BeforeValidator(_read_flag)]
Moment = Annotated[AwareDatetime, BeforeValidator(_read_moment)]
Cursor = Annotated[
    str,
    StringConstraints(pattern=f"^[0-9]{{1,15}}-{NAME}$"),
    Field(description="`next_cursor` of the page before. New entries do not shift the pages."),
]
Limit = Annotated[
    int,
    Field(ge=1, le=200, description="At most so many. A page may hold fewer and still go on."),
    READ_NUMBER,
]
Text = Annotated[str, StringConstraints(max_length=200)]
