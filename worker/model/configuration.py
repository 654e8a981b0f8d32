"""Where alerts go, and everything that was configured together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from worker.model.alert import JSON_TYPE
from worker.model.feed import Feed
from worker.model.timing import AT_ONCE, Timing
from worker.model.watch import OwnTopic, Watch


class Format(StrEnum):
    """What an endpoint speaks."""

    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"
    ALERTMANAGER = "alertmanager"
    SLACK = "slack"
    TEAMS = "teams"
    DISCORD = "discord"
    MATTERMOST = "mattermost"
    PAGERDUTY = "pagerduty"
    STIX = "stix"
    MISP = "misp"
    TEMPLATE = "template"
    APPRISE = "apprise"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where alerts go. The secret never appears in a repr, a log or an error.

    `template` and `content_type` are those of `Format.TEMPLATE`; the `url` of `Format.APPRISE` is one of Apprise's.
    """

    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    timeout: timedelta = timedelta(seconds=20)
    allow_private: bool = False
    format: Format = Format.STANDARD
    template: str = ""
    content_type: str = JSON_TYPE


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Which spaCy pipeline reads the articles (None: the one that ships), and what computes its matrix products.

    `entities` says whether it looks for names in every article or only where an alert or its story may depend on them.
    `judges_events`: the learnt judgement of modality weighs each event, which costs some 10 ms; by the rules alone it is free.
    """

    name: str | None = None
    backend: Literal["auto", "blis", "numpy"] = "auto"
    entities: Literal["always", "when_relevant"] = "always"
    judges_events: bool = False


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """A condition on one label of an alert; `=~` and `!~` take an RE2 pattern of the whole value."""

    label: str
    operator: Literal["=", "!=", "=~", "!~"]
    value: str


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the routing tree: who gets what reaches it and no child of it takes, and when.

    `key` names it over reloads: the matchers on the way to it.
    """

    endpoints: tuple[str, ...]
    matchers: tuple[LabelMatcher, ...] = ()
    is_continued: bool = False
    routes: tuple[Route, ...] = ()
    timing: Timing = AT_ONCE
    key: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything the YAML says, validated whole. `hash` changes when any of it, or of the `files` it names, does."""

    feeds: tuple[Feed, ...]
    watches: tuple[Watch, ...]
    endpoints: tuple[Endpoint, ...]
    route: Route
    hash: str
    nlp: LanguageModel = LanguageModel()
    topics: tuple[OwnTopic, ...] = ()
    files: tuple[str, ...] = ()
