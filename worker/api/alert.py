"""An alert as the API shows it: the `data` of the webhook (`alert.schema.json`) and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict

from worker.api.fields import Answer
from worker.model import Severity


class _Told(Answer):
    """Part of the webhook's data, which gains fields: those are passed on."""

    model_config = ConfigDict(extra="allow")


class WatchRef(_Told):
    """The watch that fired."""

    id: str
    title: str
    labels: dict[str, str] = {}


class NewFact(_Told):
    """What a story has gained since the watch's last alert on it."""

    kind: str
    value: str


class StoryRef(_Told):
    """The story, and which of its revisions this is, from 0; `follows` is the watch's first alert on it."""

    id: str
    fact_revision: int
    follows: str | None = None
    new: list[NewFact] = []


class SourceRef(_Told):
    """An article of the story; a copy has the text of an earlier one."""

    article_id: str
    name: str
    publisher: str
    link: str
    first_seen: datetime | None
    is_copy: bool


class ArticleRef(_Told):
    """The article, without its text."""

    id: str
    title: str
    link: str
    source: str
    published: datetime | None
    first_seen: datetime | None
    language: str
    author: str
    tags: list[str]


class EntityRef(_Told):
    """A name with its first place in title + newline + text; `id` is ISO 3166-1 alpha-2 for countries."""

    text: str
    label: str
    id: str | None
    start: int
    end: int


class Quotation(_Told):
    """Words of the article and where they stand (half-open, in characters)."""

    start: int
    end: int
    text: str


class TopicRef(_Told):
    """A reported topic, its probability, and sentences that say so."""

    topic: str
    score: float
    evidence: list[Quotation]


class Listed(_Told):
    """A party on a list."""

    list: str
    id: str
    name: str
    programme: str


class EvidenceRef(Quotation):
    """Words that made a condition true."""

    condition: str
    asks: str
    zone: str
    entry: Listed | None = None


class DeliveryRef(_Told):
    """A webhook of the alert: its id, where it goes, and how far it is."""

    id: str
    endpoint: str | None
    state: str | None
    attempts: int


class Alert(_Told):
    """An alert: what fired, on what, why, and what became of it. `explanation` is the tree of conditions."""

    alert_id: str
    watch: WatchRef
    severity: Severity
    story: StoryRef
    sources: list[SourceRef] = []
    independent_sources: int = 1
    article: ArticleRef
    entities: list[EntityRef]
    topics: list[TopicRef]
    evidence: list[EvidenceRef]
    explanation: dict[str, Any]
    truncated: dict[str, int]
    config: str
    model: str
    model_reads_language: bool = True
    raised_at: datetime
    is_shadow: bool
    acknowledged_at: datetime | None
    verdict: Literal["true", "false"] | None
    deliveries: list[DeliveryRef]


class AlertPage(Answer):
    """Alerts, the newest first; `next_cursor` is null on the last page."""

    alerts: list[Alert]
    next_cursor: str | None


class AlertEvent(Answer):
    """An event of the live stream; the data of `alert` is an Alert, that of `marked` how one stands that was marked.

    `ready` says where the stream begins.
    """

    id: str
    event: Literal["ready", "alert", "marked"] | None = None
    data: str | None = None
    retry: int | None = None
