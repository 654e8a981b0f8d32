"""What is understood of an article."""

from __future__ import annotations

from dataclasses import dataclass

from worker.model.event import Event
from worker.model.span import Span


@dataclass(frozen=True, slots=True)
class Entity:
    """A named thing in the text: spaCy's label, and an id (ISO 3166-1 alpha-2 for countries) where known."""

    text: str
    label: str
    start: int
    end: int
    id: str | None = None


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
class Pending:
    """What the learnt names, not looked for yet, may still bring: at most these ids and labels (None: any), and events.

    Meanwhile an analysis has the entities that rules find, which the learnt names may yet overrule.
    """

    ids: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    has_events: bool = True


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the language model saw in one article; `pending` where it has not looked for names (a partial analysis).

    `topics` holds every topic that has evidence, strongest first. `is_language_known` is False where no model
    speaks the article's language: entities, topics and events are then absent, not negative.
    """

    entities: tuple[Entity, ...]
    topics: tuple[TopicScore, ...]
    sentences: tuple[tuple[int, int], ...]
    language: str
    model: str
    is_language_known: bool = True
    truncated_at: int | None = None
    events: tuple[Event, ...] = ()
    pending: Pending | None = None
