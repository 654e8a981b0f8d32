"""The kinds of values that configuration keys take, each as it is read and as editors are told of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue

from worker.model import Modality
from worker.terms import is_term

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST_LIST = 5_000
_LONGEST, _MOST_DIGITS = timedelta(days=36_500), 11
"""Some centuries from now there are no dates; so many digits of days still make a timedelta after a few additions."""


class Strict(BaseModel):
    """A section: unknown keys are mistakes; the docstring under a field is its description."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def parse_duration(value: object) -> object:
    """`90s`, `15m`, `2h`, `1d`, or several of them in a row (`1h30m`), as a timedelta."""
    if isinstance(value, timedelta):
        return value
    parts = re.findall(r"(\d+)\s*([smhd])", str(value))
    if not parts or re.sub(r"(\d+)\s*([smhd])\s*", "", str(value)):
        msg = f"“{value}” is not a duration; write 90s, 15m, 2h or 1d"
        raise ValueError(msg)
    if max(len(number) for number, _ in parts) > _MOST_DIGITS or (made := _sum(parts)) > _LONGEST:
        msg = f"“{str(value)[:40]}” is too long a time; the longest is {_LONGEST.days}d"
        raise ValueError(msg)
    return made


def _sum(parts: list[tuple[str, str]]) -> timedelta:
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())


class Shown:
    """Tells editors of a schema of its own, where what may be written is not what it is read as."""

    def __init__(self, schema: JsonSchemaValue) -> None:
        self.schema = schema

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        del core, handler
        return dict(self.schema)


class OrOne:
    """Tells editors that one item may stand for a list of one."""

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        return {"anyOf": [schema["items"], schema]} if "items" in schema else schema


class Or:
    """Tells editors that a shorthand of another type may stand for a section."""

    def __init__(self, *shorthands: JsonSchemaValue) -> None:
        self.shorthands = shorthands

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [*self.shorthands, handler(core)]}


def keyed(key: str) -> BeforeValidator:
    """A text or list standing for a section is its `key`."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str | list) else value)


def _check_term(value: object) -> object:
    if isinstance(value, str) and not is_term(value):
        msg = f"“{value}” cannot be watched: a term has letters or digits, and * only ends a word of three or more"
        raise ValueError(msg)
    return value


def _to_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


TEXT: JsonSchemaValue = {"type": "string"}
TEXTS: JsonSchemaValue = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}

Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), Shown({"type": "string", "pattern": r"^(\d+\s*[smhd]\s*)+$"})
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Term = Annotated[str, StringConstraints(min_length=1, max_length=200), BeforeValidator(_check_term)]
Terms = Annotated[list[Term], Field(min_length=1, max_length=_LONGEST_LIST), BeforeValidator(_to_list), OrOne()]
SomeTerms = Annotated[list[Term], Field(max_length=_LONGEST_LIST), BeforeValidator(_to_list), OrOne()]
Texts = Annotated[list[Text], Field(max_length=_LONGEST_LIST), BeforeValidator(_to_list), OrOne()]
Names = Annotated[list[Name], Field(min_length=1), BeforeValidator(_to_list), OrOne()]
SomeNames = Annotated[list[Name], BeforeValidator(_to_list), OrOne()]
Languages = Annotated[
    list[Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")]], BeforeValidator(_to_list), OrOne()
]
Modalities = Annotated[list[Modality], Field(max_length=7), BeforeValidator(_to_list), OrOne()]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=100)]
