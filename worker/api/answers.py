"""What the API answers, but for alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from worker.api.alert import EntityRef, TopicRef
from worker.api.fields import Answer
from worker.model import Severity


class Page(Answer):
    """Part of a list; `next_cursor` is null on the last page."""

    next_cursor: str | None


class ArticleSummary(Answer):
    """An article as it was filed. `state` is done, due, or why it was only remembered (baseline, stale, rekeyed)."""

    id: str
    title: str
    link: str
    source: str
    feed_id: str
    story: str | None
    state: str
    published: datetime | None
    first_seen: datetime
    language: str | None


class ZoneRef(Answer):
    """A stretch of the text and the part it plays."""

    name: str
    start: int
    end: int


class Article(ArticleSummary):
    """An article whole: `text` is title, newline, body; entities and topics are empty until it was read."""

    text: str
    author: str
    tags: list[str]
    zones: list[ZoneRef]
    entities: list[EntityRef]
    topics: list[TopicRef]
    model: str | None


class ArticlePage(Page):
    """Articles, those seen last first."""

    articles: list[ArticleSummary]


class StorySource(Answer):
    """An article of a story."""

    article_id: str
    name: str
    publisher: str
    link: str
    seen_at: datetime
    is_copy: bool


class StoryTold(Answer):
    """A watch that was told of the story: its first alert, and the newest revision."""

    watch_id: str
    alert_id: str
    revision: int
    severity: Severity


class Story(Answer):
    """Articles that tell the same news, the first of which names it."""

    id: str
    title: str | None
    first_seen: datetime | None
    independent_sources: int
    sources: list[StorySource]
    told: list[StoryTold]


class StoryPage(Page):
    """Stories, those that began last first."""

    stories: list[Story]


class FeedSettings(Answer):
    """What the configuration says of a feed's pages and hub."""

    fulltext: str = Field(description="auto, always or never.")
    robots: str = Field(description="respect or ignore.")
    websub: str = Field(description="auto or off.")


class FeedHub(Answer):
    """A feed's subscription to a hub (WebSub); its address is shown without query and credentials."""

    hub: str
    state: str = Field(description="wanted, asked, verified, denied or ending.")
    expires_at: datetime | None
    delivers: bool = Field(description="Whether it has sent documents under the lease that runs.")
    failures: int
    reason: str = Field(description="Why it refused last.")


class PageOutcomes(Answer):
    """How many pages came to one outcome, with the newest reason."""

    outcome: str
    number: int
    reason: str
    at: datetime | None


class FeedPages(Answer):
    """What became of the pages that a feed's entries link to in the last `hours`, the commonest outcome first."""

    hours: int
    taken: int
    refused: int
    outcomes: list[PageOutcomes]


class Feed(Answer):
    """A configured feed and what its polls have taught; addresses are shown without query and credentials."""

    id: str
    name: str
    url: str
    tags: list[str]
    health: str = Field(description="ok, waiting, failing, gone, quarantined or paused.")
    due: datetime | None
    newest: datetime | None
    polled_at: datetime | None
    succeeded_at: datetime | None
    failures: int
    last_failure: str | None
    last_message: str
    entries: int
    settings: FeedSettings
    hub: FeedHub | None = Field(description="Null without a subscription.")
    pages: FeedPages


class FeedPage(Answer):
    """Every configured feed."""

    feeds: list[Feed]


class Steered(Answer):
    """What was asked of a feed, and its health after it."""

    id: str
    action: Literal["pause", "resume", "hurry"]
    health: str


class Watch(Answer):
    """A configured watch with its alerts since counting began; `precision` is null before the first verdict."""

    id: str
    title: str
    severity: Severity
    labels: dict[str, str]
    is_shadow: bool
    alerts: int
    true: int
    false: int
    precision: float | None
    precision_interval: tuple[float, float] | None = Field(None, description="Wilson's, of 95 %.")


class WatchPage(Answer):
    """Every configured watch."""

    watches: list[Watch]


class Verdict(Answer):
    """A person's judgement of an alert."""

    alert_id: str
    watch_id: str
    verdict: Literal["true", "false"]
    judged_at: datetime | None
    reason: str
    by: str


class VerdictPage(Page):
    """Verdicts by alert, the newest alert first."""

    verdicts: list[Verdict]


class Matcher(Answer):
    """A condition on one label, in Alertmanager's words."""

    label: str
    operator: Literal["=", "!=", "=~", "!~"]
    value: str


class Silence(Answer):
    """Alerts whose labels match are stored and counted, and not sent, from `starts_at` until `ends_at`."""

    id: str
    state: Literal["pending", "active", "ended"]
    matchers: list[Matcher]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str
    created_at: datetime
    suppressed: int


class SilenceList(Answer):
    """The silences, the one that ends last first."""

    silences: list[Silence]


class AuditLine(Answer):
    """A line of the audit record: `line` as it was hashed, `link` its hash, `facts` what it says."""

    seq: int
    at: datetime
    kind: str
    facts: dict[str, Any]
    line: str
    link: str


class AuditSlice(Answer):
    """Lines of the record, the oldest first; `next_after` goes on, and is null where the record ends."""

    lines: list[AuditLine]
    next_after: int | None


class Marked(Answer):
    """How an alert stands after it was marked."""

    alert_id: str
    acknowledged_at: datetime | None
    verdict: Literal["true", "false"] | None


class Step(Answer):
    """One question on an article's way (was it fetched, read, matched, told?), and its answer."""

    name: str
    outcome: Literal["yes", "no", "waits", "unknown"]
    said: str


class WatchSaid(Answer):
    """What a watch said of the article: why it was silent, or what became of its firing (`alert`, "" where none)."""

    watch: str
    outcome: Literal["fired", "near", "silent", "undecided"]
    said: str
    alert: str


class Why(Answer):
    """What became of an article, and why; `summary` is one sentence."""

    asked: str
    article: str
    title: str
    summary: str
    steps: list[Step]
    watches: list[WatchSaid]


class HealthCheck(Answer):
    """One check; the message says what to do where it is not ok."""

    name: str
    ok: bool
    message: str


class Health(Answer):
    """Whether work can be done, and a handful of numbers."""

    ready: bool
    version: str
    checks: list[HealthCheck]
    numbers: dict[str, Any]


class FieldProblem(Answer):
    """What is wrong with one field: where it stands (query, body, path or header, then its name)."""

    where: list[str]
    message: str


class Problem(Answer):
    """An error (RFC 9457). `errors` names every field that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []
