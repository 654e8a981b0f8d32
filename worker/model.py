"""The nouns that the stages share: frozen values, and nothing that acts.

Times are aware UTC datetimes, durations are timedeltas, sequences are tuples. All offsets are half-open
character offsets into `Article.text`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

ZoneName = Literal["title", "lead", "body", "teaser"]
Truth = Literal["true", "false", "unknown"]


class Severity(StrEnum):
    """How urgent a watch is, from least to most."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (info) to 4 (critical)."""
        return list(Severity).index(self)


TOPICS = (
    "sanctions-violation",
    "sanctions-measure",
    "arms-transfer",
    "arms-smuggling",
    "weapons-program",
    "armed-conflict",
    "terrorism",
    "cyberattack",
    "financial-crime",
    "organised-crime",
    "civil-unrest",
)
"""The topics the built-in classifiers know."""


class PollFailure(StrEnum):
    """Why a poll brought nothing; also the `reason` label of `tocsin_polls_total`."""

    UNREACHABLE = "unreachable"
    DNS = "dns"
    TLS = "tls"
    TIMEOUT = "timeout"
    BLOCKED_ADDRESS = "blocked_address"
    BAD_REDIRECT = "bad_redirect"
    HTTP_STATUS = "http_status"
    THROTTLED = "throttled"
    GONE = "gone"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    EMPTY_BODY = "empty_body"
    NOT_A_FEED = "not_a_feed"
    MALFORMED = "malformed"
    HOSTILE = "hostile"


# --- what comes in -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Feed:
    """One source as the configuration names it. `id` is derived from the address, so a renamed feed stays itself."""

    id: str
    url: str
    name: str
    tags: tuple[str, ...] = ()
    interval: timedelta = timedelta(minutes=15)
    backfill: timedelta = timedelta(hours=24)
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class FeedState:
    """What the polls so far have taught about a feed. Validators are kept verbatim, quotes included."""

    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    epoch: str = ""
    polled_at: datetime | None = None
    succeeded_at: datetime | None = None
    unconditional_at: datetime | None = None
    failures: int = 0
    last_failure: PollFailure | None = None
    last_message: str = ""
    entries: int = 0
    is_baselined: bool = False
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """The feed answered with a document. `content_type` is the header as sent."""

    body: bytes
    url: str
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class NotModified:
    """The feed answered 304, or with the very bytes we know."""


@dataclass(frozen=True, slots=True)
class PollFailed:
    """The feed gave nothing usable; `message` says what and where for a person."""

    reason: PollFailure
    message: str
    retry_after: timedelta | None = None


PollOutcome = Fetched | NotModified | PollFailed


@dataclass(frozen=True, slots=True)
class Entry:
    """One item exactly as the feed said it, decoded; `html` is its longest text, markup included."""

    guid: str
    link: str
    title: str
    html: str
    author: str = ""
    published: datetime | None = None
    categories: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed feed document. `cut` counts entries beyond the limit, `repaired` says it was not well-formed."""

    title: str
    entries: tuple[Entry, ...]
    language: str = ""
    cut: int = 0
    repaired: str = ""


# --- what it means -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Zone:
    """A stretch of an article's text and the part it plays; `teaser` never feeds analysis or matching."""

    name: ZoneName
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Article:
    """An identified entry as plain text. `text` is title, newline, body; `zones` cover it in order."""

    id: str
    feed_id: str
    source: str
    title: str
    text: str
    zones: tuple[Zone, ...]
    link: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: datetime | None = None
    first_seen: datetime | None = None
    declared_language: str = ""

    def zone_at(self, offset: int) -> ZoneName:
        """The zone that holds `offset`; `body` between zones."""
        return next((zone.name for zone in self.zones if zone.start <= offset < zone.end), "body")


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as a poll brought it, before the store says whether it is new.

    `aliases` are the names it may be known by, any of which makes it known; `content` is the hash of its text, by
    which an edit is told. `remembered_as` names the reason why it is only remembered and raises nothing, else "".
    """

    article: Article
    aliases: tuple[str, ...]
    content: str
    remembered_as: Literal["", "baseline", "stale"] = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """A named thing in the text: spaCy's label, and an id (ISO 3166-1 alpha-2 for countries) where known."""

    text: str
    label: str
    start: int
    end: int
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the article's text with its words."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class TopicScore:
    """How probably (0..1) the article reports on a topic, and the sentences that say so: never without them."""

    topic: str
    score: float
    evidence: tuple[Span, ...]
    threshold: float = 0.5

    @property
    def is_reported(self) -> bool:
        """Whether the score reaches the threshold the model was shipped with."""
        return self.score >= self.threshold


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the language model saw in one article.

    `topics` holds every topic that has evidence, strongest first. `is_language_known` is False where no model
    speaks the article's language: entities and topics are then absent, not negative.
    """

    entities: tuple[Entity, ...]
    topics: tuple[TopicScore, ...]
    sentences: tuple[tuple[int, int], ...]
    language: str
    model: str
    is_language_known: bool = True
    truncated_at: int | None = None


# --- what is watched ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TopicCondition:
    """The article reports on `name` with at least `min_score` (None: the model's own threshold)."""

    name: str
    min_score: float | None = None


@dataclass(frozen=True, slots=True)
class EntityCondition:
    """An entity with one of the ids, or one of the terms in the text, and one of the labels (empty: any)."""

    ids: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class PhraseCondition:
    """One of the phrases stands in the text; `*` ends a word of at least three letters."""

    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceCondition:
    """The article comes from a feed with one of the tags or names."""

    tags: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """`all`, `any` or `none` of the children."""

    kind: Literal["all", "any", "none"]
    children: tuple[Condition, ...]


Condition = TopicCondition | EntityCondition | PhraseCondition | SourceCondition | Group


@dataclass(frozen=True, slots=True)
class Escalation:
    """The severity becomes `to` when so many independent sources report a story within a time."""

    to: Severity
    independent_sources: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Watch:
    """What a user wants to hear of. `id` is part of every alert's id: changing it makes new alerts."""

    id: str
    title: str
    severity: Severity
    condition: Condition
    zones: tuple[ZoneName, ...] = ("title", "lead", "body")
    languages: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    is_shadow: bool = False
    escalate: tuple[Escalation, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where alerts go. The secret never appears in a repr, a log or an error."""

    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    timeout: timedelta = timedelta(seconds=20)
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Which spaCy pipeline reads the articles (None: the one that ships), and what computes its matrix products."""

    name: str | None = None
    backend: Literal["auto", "blis", "numpy"] = "auto"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything the YAML says, validated whole. `hash` changes when any of it does."""

    feeds: tuple[Feed, ...]
    watches: tuple[Watch, ...]
    endpoints: tuple[Endpoint, ...]
    route: tuple[str, ...]
    hash: str
    nlp: LanguageModel = LanguageModel()


# --- what fires --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of the article that made a condition true, and the zone they stand in."""

    start: int
    end: int
    text: str
    zone: ZoneName


@dataclass(frozen=True, slots=True)
class Finding:
    """What one condition came to, and why; groups hold the findings of their children."""

    kind: str
    asks: str
    truth: Truth
    evidence: tuple[Evidence, ...] = ()
    score: float | None = None
    children: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A watch that fires on an article."""

    watch: Watch
    finding: Finding


@dataclass(frozen=True, slots=True)
class Miss:
    """A watch that does not fire; `missing` is the first condition that would have to become true."""

    watch: Watch
    finding: Finding
    missing: str
    is_near: bool


Verdict = Match | Miss


@dataclass(frozen=True, slots=True)
class Signature:
    """What an article is compared by: a sketch of its word runs and their number, its headline's words, its names.

    `keys` are what it is indexed under; none where it is too short to be compared.
    """

    keys: tuple[str, ...]
    sketch: bytes
    size: int
    title: frozenset[int]
    title_names: frozenset[int]
    names: frozenset[int]


@dataclass(frozen=True, slots=True)
class Kin:
    """A remembered article that shares a key with the one at hand; `number` counts the remembered."""

    number: int
    article_id: str
    story: str
    seen_at: datetime
    signature: Signature


@dataclass(frozen=True, slots=True)
class Source:
    """An article of a story. Copies of one text share a `group`, named after the first of them."""

    article_id: str
    name: str
    publisher: str
    link: str
    seen_at: datetime
    group: str

    @property
    def is_copy(self) -> bool:
        """Whether the same text was seen before."""
        return self.group != self.article_id


@dataclass(frozen=True, slots=True)
class Told:
    """What a watch has already been told of a story: its first alert, and all facts up to the newest revision."""

    watch_id: str
    alert_id: str
    revision: int
    severity: Severity
    entities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a story has gained that a watch cares about."""

    kind: Literal["entity", "severity"]
    value: str


@dataclass(frozen=True, slots=True)
class Story:
    """Articles that tell the same news, the first of which names it, and who was told what of it."""

    id: str
    sources: tuple[Source, ...] = ()
    told: tuple[Told, ...] = ()

    def independent_sources(self, since: datetime | None = None) -> int:
        """How many publishers came with a text of their own (since a time): each publisher and each text counts once."""
        publishers: set[str] = set()
        groups: set[str] = set()
        for source in self.sources:
            is_late = since is None or source.seen_at >= since
            if is_late and source.publisher not in publishers and source.group not in groups:
                publishers.add(source.publisher)
                groups.add(source.group)
        return len(groups)


@dataclass(frozen=True, slots=True)
class Alert:
    """A watched thing was reported. `id` depends on watch, story and fact revision only.

    A later revision says what is `new` since the last, and names the first alert in `follows`.
    """

    id: str
    watch_id: str
    watch_title: str
    severity: Severity
    labels: tuple[tuple[str, str], ...]
    story: str
    fact_revision: int
    article: Article
    analysis: Analysis
    finding: Finding
    raised_at: datetime
    config_hash: str
    is_shadow: bool = False
    sources: tuple[Source, ...] = ()
    independent_sources: int = 1
    follows: str | None = None
    new: tuple[Fact, ...] = ()


JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert on its way to one endpoint; `id` is the `webhook-id`, `body` and its type never change."""

    id: str
    alert_id: str
    endpoint: str
    body: str
    content_type: str = JSON_TYPE


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a delivery. `status` is 0 where no answer came; `reason` is for a person."""

    status: int
    duration: timedelta
    reason: str = ""
    response: str = ""
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        """Standard Webhooks counts any 2xx as success, and nothing else."""
        return 200 <= self.status < 300  # noqa: PLR2004
