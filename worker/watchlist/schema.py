"""What may stand in the configuration, as pydantic models: the shape only, names are resolved in `load`.

Every value arrives as a string, a list or a mapping (see `yaml`), so numbers and booleans are parsed here, and texts
such as `NO` stay texts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from worker import matchers
from worker.model import Format, Severity
from worker.watchlist.condition_schema import ConditionSection, ScoreSection
from worker.watchlist.fields import (
    Duration,
    Languages,
    Name,
    Names,
    Shown,
    SomeNames,
    Text,
    Texts,
    parse_duration,
)
from worker.watchlist.fields import (
    Strict as _Strict,
)
from worker.watchlist.list_schema import ListSection, OwnTopicSection, SourceGroupSection, WatchSourcesSection
from worker.watchlist.test_schema import TestSection
from worker.watchlist.timing_schema import DigestSection, RateCap, TimeIntervals

__all__ = ["FileSections", "parse_duration"]


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


Interval = Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(days=1))]
Backfill = Annotated[Duration, Field(le=timedelta(days=365))]
MaxSilence = Literal["auto", "never"] | Annotated[Duration, Field(ge=timedelta(minutes=1))]
Fulltext = Literal["auto", "always", "never"]
Robots = Literal["respect", "ignore"]
Websub = Literal["auto", "off"]


class FeedDefaultsSection(_Strict):
    """What holds for every feed that does not say otherwise itself; once over all files."""

    interval: Interval | None = None
    """The longest wait between polls; without it each feed's own rhythm decides."""
    backfill: Backfill = timedelta(hours=24)
    """On the first poll, older entries are remembered but raise nothing."""
    max_silence: MaxSilence = "auto"
    """Silence beyond it is told."""
    fulltext: Fulltext = "auto"
    """Whether the pages that entries link to are read."""
    robots: Robots = "respect"
    """Whether the robots.txt of those pages' hosts is heeded."""
    websub: Websub = "auto"
    """Whether hubs that feeds advertise are subscribed to."""


class FeedSection(_Strict):
    """One source to poll."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=2_048), AfterValidator(_check_address)]
    name: Text
    tags: Texts = []
    interval: Interval | None = None
    backfill: Backfill = timedelta(hours=24)
    allow_private: bool = False
    proxy: Reference | None = None
    headers: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")], Reference] = {}
    auth: AuthSection | None = None
    max_silence: MaxSilence = "auto"
    fulltext: Fulltext = "auto"
    """Whether the pages that entries link to are read: `auto`, where an entry is only a summary."""
    robots: Robots = "respect"
    """Whether a page is left unread where its host's robots.txt keeps us out; feeds themselves are not judged by it."""
    websub: Websub = "auto"
    """Whether a hub that the feed advertises is subscribed to, where TOCSIN_PUBLIC_URL is set."""


class ReportedSection(_Strict):
    """How many tell a story, and how soon."""

    independent_sources: Annotated[int, Field(ge=2, le=100)]
    """Publishers with a text of their own; copies do not count."""
    within: Duration
    """Counted are those of so long before the newest article."""


class EscalationSection(_Strict):
    """The severity becomes `to` when enough independent sources report a story in time; it never falls again."""

    to: Severity
    when: ReportedSection


class WatchSection(_Strict):
    """What to watch for."""

    example: ClassVar[str] = """
sources:
  wires: {tags: [wire]}
watches:
  - id: arms-transfer            # stable: part of every alert's id
    title: Weapons supplied
    severity: high
    languages: [en]
    sources: {include: [wires]}
    zones: [title, lead]
    labels: {desk: sanctions}
    enabled: shadow              # evaluated, counted and stored, but nothing is sent
    match: {topic: arms-transfer}
"""

    id: Name
    """The watch's name for good: part of every alert's id."""
    title: Text
    """What the alert says it is about."""
    severity: Severity = Severity.MEDIUM
    """How urgent it is: info, low, medium, high or critical."""
    enabled: Annotated[Literal["true", "false", "shadow"], Shown({"enum": [True, False, "shadow"]})] = "true"
    """`shadow`: evaluated, counted and stored, but nothing is sent. `false`: not even evaluated."""
    languages: Languages = []
    """Only articles in these languages (ISO 639-1); all where none is given."""
    sources: WatchSourcesSection | None = None
    """Only articles of these sources."""
    zones: list[Literal["title", "lead", "body"]] = Field(default=["title", "lead", "body"], min_length=1)
    """Where evidence may stand; teasers for other stories never count."""
    labels: dict[Name, Text] = {}
    """Passed on with every alert, and matched by routes."""
    match: ConditionSection
    """The conditions."""
    escalate: list[EscalationSection] = []
    """Raises the severity of a story as more report it."""
    rate: RateCap | None = None
    """At most so many alerts are told one by one, such as `10/h`; what is beyond comes in a digest."""
    score: ScoreSection | None = None
    """Weights and a threshold."""
    max_alerts_per_day: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """How loud it may be: `tocsin diff` fails where it would raise more, `doctor` and a metric tell when it does."""
    tests: Annotated[list[TestSection], Field(max_length=1_000)] = []
    """Articles and what the watch must make of them; run by `tocsin test` and before every reload."""


def _to_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


KEYED = (Format.PAGERDUTY, Format.MISP)
"""Their secret is the receiver's own key, of whatever form."""
UNSIGNED = (Format.SLACK, Format.TEAMS, Format.DISCORD, Format.MATTERMOST, Format.TEMPLATE, Format.APPRISE)
"""What needs no secret: the address of a messenger is one, and who writes a format knows whether its reader verifies."""


class TemplateFile(_Strict):
    """A template in a file of its own, relative to the configuration."""

    file: Text


class EndpointSection(_Strict):
    """A receiver of alerts. A `previous_secret` is also signed with while receivers change over to a new one."""

    url: Reference
    format: Format = Format.STANDARD
    """What it speaks: Tocsin's own JSON, or that of a messenger or another alert system."""
    secret: Reference | None = None
    """Signs what is sent; for pagerduty the integration key, for misp the automation key. A messenger's secret is its address, and needs no other."""
    previous_secret: Reference | None = None
    timeout: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(seconds=30))] = timedelta(seconds=20)
    allow_private: bool = False
    template: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] | TemplateFile | None = None
    """For the format `template`: Jinja2, of which `{{ … }}`, `for`, `if` and filters are understood; or {file: path}."""
    content: Literal["json", "text", "html"] = "json"
    """What the template makes. In JSON every `{{ … }}` brings its own quotation marks."""

    @model_validator(mode="after")
    def _has_template(self) -> EndpointSection:
        if (self.format is Format.TEMPLATE) is not (self.template is not None):
            msg = "`format: template` and `template` go together"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _is_signed(self) -> EndpointSection:
        if self.secret is None and self.format not in UNSIGNED:
            msg = "`secret` is missing; write {env: NAME}, and make one with `tocsin secret`"
            raise ValueError(msg)
        return self


def _check_matcher(value: str) -> str:
    matchers.parse(value)
    return value


Label = Annotated[str, StringConstraints(pattern=r"^([a-zA-Z_][\w-]{0,63}|\.\.\.)$")]
Matcher = Annotated[str, StringConstraints(max_length=500), BeforeValidator(_check_matcher)]


class RouteSection(_Strict):
    """Where alerts go: to the first of the `routes` whose matchers all hold, else to `endpoint`."""

    endpoint: Names | None = None
    """Who gets what no route below takes; that of the route above where none is given, and at the root all."""
    matchers: Annotated[list[Matcher], BeforeValidator(_to_list)] = []
    """Conditions on labels: those of the watch, and watch, severity, source, publisher and story."""
    is_continued: Annotated[bool, Field(alias="continue")] = False
    """Whether the routes after this one are tried as well."""
    group_by: Annotated[list[Label], BeforeValidator(_to_list)] | None = None
    """Alerts that have the same values of these labels are told together; `...` tells each alone and at once."""
    group_wait: Annotated[Duration, Field(le=timedelta(days=1))] | None = None
    """So long a group's first alert waits for others; 30s where a route groups."""
    group_interval: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(days=7))] | None = None
    """So long after a group's message the next one comes at the earliest; 5m where a route groups."""
    repeat_interval: Annotated[Duration, Field(ge=timedelta(minutes=1), le=timedelta(days=30))] | None = None
    """After so long a group's alerts that nobody has acknowledged are told again; not at all where it is not given."""
    mute_time_intervals: SomeNames = []
    """During these nothing is sent; what comes is held, and told in one message afterwards."""
    active_time_intervals: SomeNames = []
    """Outside these nothing is sent; what comes is held, and told in one message afterwards."""
    digest: DigestSection | None = None
    """Everything in one message at certain moments."""
    routes: list[RouteSection] = []


class NlpSection(_Strict):
    """The language model: an installed spaCy pipeline by name instead of the one that ships, and its matrix backend.

    `entities` is `when_relevant` where names are looked for only in articles on which an alert may depend.
    """

    model: Text | None = None
    backend: Literal["auto", "blis", "numpy"] = "auto"
    entities: Literal["always", "when_relevant"] = "always"


class FileSections(_Strict):
    """What one YAML file may hold."""

    feeds: list[FeedSection] = []
    feed_defaults: FeedDefaultsSection | None = None
    lists: dict[Name, ListSection] = {}
    sources: dict[Name, SourceGroupSection] = {}
    topics: dict[Name, OwnTopicSection] = {}
    watches: list[WatchSection] = []
    endpoints: dict[Name, EndpointSection] = {}
    route: RouteSection | None = None
    time_intervals: dict[Name, TimeIntervals] = {}
    nlp: NlpSection | None = None


RouteSection.model_rebuild()
