"""What is raised, and its way to a receiver."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.model.analysis import Analysis
from worker.model.article import Article
from worker.model.story import Fact, Source
from worker.model.terms import Severity
from worker.model.verdict import Finding
from worker.model.watch import ListEntry


@dataclass(frozen=True, slots=True)
class Listing:
    """A party that came onto a list after its articles: `articles` of this story name it.

    Of the `stories` that do, the newest `told` are raised.
    """

    entry: ListEntry
    articles: int
    stories: int
    told: int


@dataclass(frozen=True, slots=True)
class Alert:
    """A watched thing was reported. `id` depends on watch, story and fact revision only.

    A later revision says what is `new` since the last, and names the first alert in `follows`. With a `listing` the
    article is an old one, and new is that a list now holds a party it names; `id` then depends on that party as well.
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
    listing: Listing | None = None


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
