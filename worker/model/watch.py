"""What analysts ask for: lists, conditions, watches and their tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from worker.model.event import EventType, Modality, Role
from worker.model.terms import Severity, ZoneName
from worker.model.timing import Rate

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
    `min_score` is how sure a listed name must be, 0..1 (see `match.names`). `entries` names the inline lists that the
    terms and ids come from.
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
    entries: tuple[ListEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleCondition:
    """What fills a role of an event: something with one of the ids, terms or listed names, and one of the labels."""

    role: Role
    ids: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    lists: tuple[NameList, ...] = ()
    name: str = ""
    entries: tuple[ListEntry, ...] = ()
    """The inline lists that terms and ids come from."""


@dataclass(frozen=True, slots=True)
class EventCondition:
    """An event of the type that meets all `roles` at once, in one of the modalities (empty: any)."""

    type: EventType
    roles: tuple[RoleCondition, ...] = ()
    modalities: tuple[Modality, ...] = ()
    salience: Salience = "any"
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
    | EventCondition
    | PhraseCondition
    | NearCondition
    | RegexCondition
    | FieldCondition
    | SourceCondition
    | LanguageCondition
    | AgeCondition
)


Condition = Leaf | Group


def asks_event(condition: Condition) -> bool:
    """Whether an event is among what it asks for, at any depth."""
    if isinstance(condition, Group):
        return any(map(asks_event, condition.children))
    return isinstance(condition, EventCondition)


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
    `weights` go by kind of condition, and a condition's own weight comes first. `max_alerts_per_day` is a budget: what
    exceeds it is told of and never dropped.
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
    rate: Rate | None = None
    sources: SourceFilter | None = None
    threshold: float | None = None
    weights: tuple[tuple[str, float], ...] = ()
    tests: tuple[WatchTest, ...] = ()
    max_alerts_per_day: float | None = None
