"""Articles that tell the same story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from worker.model.terms import Severity


@dataclass(frozen=True, slots=True)
class Signature:
    """What an article is compared by: a sketch of its word runs and their number, its headline's words, its names.

    `numbers` are those of the text, `title_numbers` those of the headline, and `marks` those of the headline that tell
    one of a series from the next, such as “incident 041” or “6 March”. `keys` are what it is indexed under; none where
    it is too short to be compared. Where no names were looked for, `is_named` is False.
    """

    keys: tuple[str, ...]
    sketch: bytes
    size: int
    title: frozenset[int]
    title_names: frozenset[int]
    names: frozenset[int]
    title_numbers: frozenset[int] = frozenset()
    numbers: frozenset[int] = frozenset()
    marks: frozenset[int] = frozenset()
    is_named: bool = True


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
    events: tuple[str, ...] = ()
    """The facts of the events told (see `worker.events.fact`)."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a story has gained that a watch cares about."""

    kind: Literal["entity", "event", "severity"]
    value: str


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """An event that a story tells: as a fact (see `worker.events`), as a line, and the article that first told it."""

    fact: str
    line: str
    article_id: str


@dataclass(frozen=True, slots=True)
class Story:
    """Articles that tell the same news, the first of which names it, and who was told what of it.

    `events` is the union of what they tell, each fact once.
    """

    id: str
    sources: tuple[Source, ...] = ()
    told: tuple[Told, ...] = ()
    events: tuple[StoryEvent, ...] = ()

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
