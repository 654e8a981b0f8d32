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
    CDN_CHALLENGE = "cdn_challenge"
    CERTIFICATE_EXPIRED = "certificate_expired"


# --- what comes in -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Access:
    """How one feed is reached where that differs: nothing of it appears in a repr, a log or an error."""

    proxy: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Feed:
    """One source as the configuration names it. `id` is derived from the address, so a renamed feed stays itself.

    `interval` is the longest wait between polls that succeed; None lets the feed's own rhythm decide. Silence beyond
    `max_silence` is told; `auto` learns it.
    """

    id: str
    url: str
    name: str
    tags: tuple[str, ...] = ()
    interval: timedelta | None = None
    backfill: timedelta = timedelta(hours=24)
    allow_private: bool = False
    access: Access = Access()
    max_silence: timedelta | Literal["auto", "never"] = "auto"


@dataclass(frozen=True, slots=True)
class EntryMark:
    """What is remembered of an entry that stands in its feed: hashes of its bytes, guid, address and title."""

    raw: str
    guid: str = ""
    address: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a document asks to be read: `every` from ttl or the syndication module, hours (GMT) and days off."""

    every: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    """Weekdays, Monday is 0."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """What the polls so far have taught about a feed. Validators are kept verbatim, quotes included.

    `marks` are the entries of the last document; `arrivals` when its newest entries came, newest first; `address`
    where the feed moved to for good; `moved_to` where it says it is, `moved_polls` times since `moved_since`.
    `burden` is the weight of the failures since the last success (see `poll`). `longest_gap` between entries is what
    `coverage` expects; `blind_since` is set while a blindness that was told lasts.
    """

    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    epoch: str = ""
    polled_at: datetime | None = None
    succeeded_at: datetime | None = None
    unconditional_at: datetime | None = None
    whole_at: datetime | None = None
    failures: int = 0
    burden: float = 0.0
    last_failure: PollFailure | None = None
    last_message: str = ""
    entries: int = 0
    is_baselined: bool = False
    is_gone: bool = False
    marks: tuple[EntryMark, ...] = ()
    arrivals: tuple[datetime, ...] = ()
    pace: Pace = Pace()
    address: str = ""
    moved_to: str = ""
    moved_polls: int = 0
    moved_since: datetime | None = None
    watched_since: datetime | None = None
    failing_since: datetime | None = None
    longest_gap: timedelta | None = None
    longest_gap_at: datetime | None = None
    blind_since: datetime | None = None
    is_told_failing: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """The feed answered with a document. `content_type` is the header as sent.

    `fresh_for` is how long it may be kept (Cache-Control, Expires), `moved_to` where permanent redirects led.
    """

    body: bytes
    url: str
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    fresh_for: timedelta | None = None
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class NotModified:
    """The feed answered 304, or with the very bytes we know; validators are those of the answer, if it gave any."""

    etag: str = ""
    last_modified: str = ""
    fresh_for: timedelta | None = None
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class PollFailed:
    """The feed gave nothing usable; `message` says what and where for a person. `status` is HTTP's, where one came."""

    reason: PollFailure
    message: str
    retry_after: timedelta | None = None
    status: int = 0


@dataclass(frozen=True, slots=True)
class Postponed:
    """Nothing was asked: the feed's server has enough of our requests for now."""

    wait: timedelta


PollOutcome = Fetched | NotModified | PollFailed | Postponed


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document taught about its feed: its entries, when the new ones came, and its own wishes."""

    marks: tuple[EntryMark, ...] = ()
    arrivals: tuple[datetime, ...] = ()
    pace: Pace = Pace()
    is_rekeyed: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One item exactly as the feed said it, decoded; `html` is its longest text, markup included.

    `published` is the date of publication, or the last change where no other is given.
    """

    guid: str
    link: str
    title: str
    html: str
    author: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    categories: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed feed document: `entries` holds those that were not known by their fingerprint.

    `fingerprints` names every entry, known or not, in order; it is empty where entries cannot be told apart in the
    bytes. `cut` counts entries beyond the limit, `repaired` says it was not well-formed.
    """

    title: str
    entries: tuple[Entry, ...]
    fingerprints: tuple[str, ...] = ()
    language: str = ""
    cut: int = 0
    repaired: str = ""
    pace: Pace = Pace()


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
    `is_fresh` says that the entry gives a date, and that it is no older than the feed's backfill.
    """

    article: Article
    aliases: tuple[str, ...]
    content: str
    remembered_as: Literal["", "baseline", "stale", "rekeyed"] = ""
    is_fresh: bool = False


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


Salience = Literal["any", "main"]
"""Where evidence must stand: `main` is the title or the lead, `any` also the body."""

Together = Literal["", "sentence", "paragraph"]


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A party on a list: its id there, its first name and the programme it is listed under."""

    list: str
    id: str
    name: str
    programme: str = ""


@dataclass(frozen=True, slots=True)
class ListedName:
    """One spelling of an entry's name, as listed: `Surname, Given` tells where a person's surname ends."""

    text: str
    entry: ListEntry
    is_person: bool = False
    is_weak: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class NameList:
    """A list of parties read from a file. Names of fewer than `min_tokens` words are weak too.

    Weak names only corroborate (add to what a strong name of the same entry found), unless `weak` says otherwise.
    """

    name: str
    names: tuple[ListedName, ...] = field(repr=False)
    min_tokens: int = 2
    weak: Literal["corroborate", "ignore", "match"] = "corroborate"


@dataclass(frozen=True, slots=True)
class TopicCondition:
    """The article reports on `name` with at least `min_score` (None: the model's own threshold)."""

    name: str
    min_score: float | None = None
    salience: Salience = "any"
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class EntityCondition:
    """An entity with one of the ids, or one of the terms or listed names in the text, and one of the labels.

    Empty labels mean any. `within` asks for evidence of a neighbouring condition in the same sentence or paragraph.
    `min_score` is how sure a listed name must be, 0..1 (see `match.names`).
    """

    ids: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    name: str = ""
    lists: tuple[NameList, ...] = ()
    min_score: float | None = None
    salience: Salience = "any"
    within: Together = ""
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class PhraseCondition:
    """One of the phrases stands in the text; `*` ends a word of at least three letters.

    `is_cased` minds capitals, `is_lemma` also takes the inflected forms of English words.
    """

    phrases: tuple[str, ...]
    is_cased: bool = False
    is_lemma: bool = False
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class NearCondition:
    """One term of each of the `sides` in one paragraph, at most `within` words between the first and the last."""

    sides: tuple[tuple[str, ...], ...]
    within: int
    is_ordered: bool = False
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class RegexCondition:
    """A regular expression of RE2 (no back-references, no look-around) is found in the text."""

    pattern: str
    is_cased: bool = False
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """One of the terms stands in what the feed says besides the text."""

    field: Literal["title", "author", "category", "link"]
    terms: tuple[str, ...]
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """Which sources count: those with one of the tags or names or in an included filter (none given: all).

    Of these, `languages` keeps articles in those languages, and `exclude` takes sources away again.
    """

    tags: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    include: tuple[SourceFilter, ...] = ()
    exclude: tuple[SourceFilter, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class SourceCondition:
    """The article comes from a feed with one of the tags or names, or one that a filter lets through."""

    tags: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    filters: tuple[SourceFilter, ...] = ()
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class LanguageCondition:
    """The article is in one of the languages (ISO 639-1)."""

    languages: tuple[str, ...]
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class AgeCondition:
    """How old the article was when it was first seen: `first_seen - published`; unknown without a date."""

    at_most: timedelta | None = None
    at_least: timedelta | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """`all`, `any` or `none` of the children."""

    kind: Literal["all", "any", "none"]
    children: tuple[Condition, ...]


Leaf = (
    TopicCondition
    | EntityCondition
    | PhraseCondition
    | NearCondition
    | RegexCondition
    | FieldCondition
    | SourceCondition
    | LanguageCondition
    | AgeCondition
)
Condition = Leaf | Group


@dataclass(frozen=True, slots=True)
class WatchTest:
    """An article and what a watch must make of it; None and empty say nothing. `place` is its file:line."""

    title: str
    text: str
    place: str = ""
    fires: bool | None = None
    severity: Severity | None = None
    entities: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    evidence: tuple[tuple[ZoneName, str], ...] = ()
    source: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnTopic:
    """A topic that the configuration defines: phrase patterns with weights above 0, and examples to learn from."""

    name: str
    description: str
    phrases: tuple[tuple[str, float], ...]
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """The severity becomes `to` when so many independent sources report a story within a time."""

    to: Severity
    independent_sources: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Watch:
    """What a user wants to hear of. `id` is part of every alert's id: changing it makes new alerts.

    It fires when `condition` is true and, where there is a `threshold`, the weights of its true conditions reach it;
    `weights` go by kind of condition, and a condition's own weight comes first.
    """

    id: str
    title: str
    severity: Severity
    condition: Condition
    zones: tuple[ZoneName, ...] = ("title", "lead", "body")
    languages: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    is_shadow: bool = False
    escalate: tuple[Escalation, ...] = ()
    sources: SourceFilter | None = None
    threshold: float | None = None
    weights: tuple[tuple[str, float], ...] = ()
    tests: tuple[WatchTest, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where alerts go. The secret never appears in a repr, a log or an error."""

    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    timeout: timedelta = timedelta(seconds=20)
    allow_private: bool = False
    format: Format = Format.STANDARD


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Which spaCy pipeline reads the articles (None: the one that ships), and what computes its matrix products."""

    name: str | None = None
    backend: Literal["auto", "blis", "numpy"] = "auto"


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """A condition on one label of an alert; `=~` and `!~` take an RE2 pattern of the whole value."""

    label: str
    operator: Literal["=", "!=", "=~", "!~"]
    value: str


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the routing tree: who gets what reaches it and no child of it takes."""

    endpoints: tuple[str, ...]
    matchers: tuple[LabelMatcher, ...] = ()
    is_continued: bool = False
    routes: tuple[Route, ...] = ()


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


# --- what fires --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of the article that made a condition true, the zone they stand in, and the listed party they name."""

    start: int
    end: int
    text: str
    zone: ZoneName
    entry: ListEntry | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one condition came to, and why; groups hold the findings of their children.

    `contribution` is what it adds to a weighted watch's score; the finding of kind `score` holds the sum.
    """

    kind: str
    asks: str
    truth: Truth
    evidence: tuple[Evidence, ...] = ()
    score: float | None = None
    children: tuple[Finding, ...] = ()
    contribution: float | None = None


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
