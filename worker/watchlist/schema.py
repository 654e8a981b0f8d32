"""What may stand in the configuration, as pydantic models: the shape only, names are resolved in `load`.

Every value arrives as a string, a list or a mapping (see `yaml`), so numbers and booleans are parsed here, and texts
such as `NO` stay texts.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from worker.model import Severity
from worker.terms import is_term

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(value: object) -> object:
    """`90s`, `15m`, `2h`, `1d`, or several of them in a row (`1h30m`), as a timedelta."""
    if isinstance(value, timedelta):
        return value
    parts = re.findall(r"(\d+)\s*([smhd])", str(value))
    if not parts or re.sub(r"(\d+)\s*([smhd])\s*", "", str(value)):
        msg = f"“{value}” is not a duration; write 90s, 15m, 2h or 1d"
        raise ValueError(msg)
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())


def _check_term(value: str) -> str:
    if not is_term(value):
        msg = f"“{value}” cannot be watched: a term has letters or digits, and * only ends a word of three or more"
        raise ValueError(msg)
    return value


def _to_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Term = Annotated[str, StringConstraints(min_length=1, max_length=200), BeforeValidator(_check_term)]
Terms = Annotated[list[Term], Field(min_length=1, max_length=5_000), BeforeValidator(_to_list)]
Texts = Annotated[list[Text], BeforeValidator(_to_list)]
Names = Annotated[list[Name], Field(min_length=1), BeforeValidator(_to_list)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reference(_Strict):
    """Where a secret stands: an environment variable or a file, never the text itself."""

    env: str | None = None
    file: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_no_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            msg = "must not stand in the file itself; write {env: NAME} or {file: path}"
            raise ValueError(msg)  # noqa: TRY004 - pydantic reports ValueError
        return value

    @model_validator(mode="after")
    def _has_one(self) -> Reference:
        if (self.env is None) == (self.file is None):
            msg = "give either env or file"
            raise ValueError(msg)
        return self


class AuthSection(_Strict):
    """Basic authentication at the feed's own origin."""

    user: Text
    password: Reference


def _check_address(value: str) -> str:
    authority = value.split("://", 1)[-1].split("/", 1)[0]
    if "\\" in value:
        msg = "an address has no backslash"
        raise ValueError(msg)
    if "@" in authority:
        msg = "a name or password must not stand in the address; write auth: {user: NAME, password: {env: NAME}}"
        raise ValueError(msg)
    return value


class FeedSection(_Strict):
    """One source to poll."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=2_048), AfterValidator(_check_address)]
    name: Text
    tags: Texts = []
    interval: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(days=1))] | None = None
    backfill: Annotated[Duration, Field(le=timedelta(days=365))] = timedelta(hours=24)
    allow_private: bool = False
    proxy: Reference | None = None
    headers: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")], Reference] = {}
    auth: AuthSection | None = None


class ListSection(_Strict):
    """Names that belong together: ISO 3166 ids, aliases and phrases."""

    ids: Texts = []
    aliases: list[Term] = []
    phrases: list[Term] = []

    @model_validator(mode="after")
    def _has_something(self) -> ListSection:
        if not (self.ids or self.aliases or self.phrases):
            msg = "an empty list can never match; give ids, aliases or phrases"
            raise ValueError(msg)
        return self


class TopicSection(_Strict):
    """A topic of the classifier, reported with at least `min_score` (default: the model's own threshold)."""

    name: str
    min_score: Annotated[float, Field(ge=0, le=1)] | None = None


class EntitySection(_Strict):
    """An entity from a list, with an id, or with a label."""

    list: str | None = None
    id: Texts = []
    label: Texts = []

    @model_validator(mode="after")
    def _has_something(self) -> EntitySection:
        if not (self.list or self.id or self.label):
            msg = "say which entity: list, id or label"
            raise ValueError(msg)
        return self


class SourceSection(_Strict):
    """The feed's tags or name."""

    tags: Texts = []
    name: Texts = []

    @model_validator(mode="after")
    def _has_something(self) -> SourceSection:
        if not (self.tags or self.name):
            msg = "say which source: tags or name"
            raise ValueError(msg)
        return self


class ConditionSection(_Strict):
    """One condition, or a group of them; several keys beside one another must all hold."""

    all: Annotated[list[ConditionSection], Field(min_length=1)] | None = None
    any: Annotated[list[ConditionSection], Field(min_length=1)] | None = None
    none: Annotated[list[ConditionSection], Field(min_length=1)] | None = None
    topic: Annotated[TopicSection, BeforeValidator(_named)] | None = None
    entity: EntitySection | None = None
    phrase: Terms | None = None
    source: SourceSection | None = None

    @model_validator(mode="after")
    def _has_something(self) -> ConditionSection:
        if not self.model_fields_set:
            msg = "an empty condition; write topic, entity, phrase, source, all, any or none"
            raise ValueError(msg)
        return self


class WatchSection(_Strict):
    """What to watch for."""

    id: Name
    title: Text
    severity: Severity = Severity.MEDIUM
    enabled: Literal["true", "false", "shadow"] = "true"
    languages: Annotated[
        list[Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")]], BeforeValidator(_to_list)
    ] = []
    zones: list[Literal["title", "lead", "body"]] = Field(default=["title", "lead", "body"], min_length=1)
    labels: dict[Name, Text] = {}
    match: ConditionSection


class EndpointSection(_Strict):
    """A receiver of alerts. A `previous_secret` is also signed with while receivers change over to a new one."""

    url: Reference
    secret: Reference
    previous_secret: Reference | None = None
    timeout: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(seconds=30))] = timedelta(seconds=20)
    allow_private: bool = False


class RouteSection(_Strict):
    """Which endpoints receive every alert; without a route all do."""

    endpoint: Names


class FileSections(_Strict):
    """What one YAML file may hold."""

    feeds: list[FeedSection] = []
    lists: dict[Name, ListSection] = {}
    watches: list[WatchSection] = []
    endpoints: dict[Name, EndpointSection] = {}
    route: RouteSection | None = None


ConditionSection.model_rebuild()
