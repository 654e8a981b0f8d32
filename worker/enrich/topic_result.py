"""What a topic scorer returns, whichever scorer it is: a probability and the sentences that show it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_EVIDENCE: Final = 4
"""At most this many sentences stand as evidence for one topic."""

Evidence: TypeAlias = tuple[int, int, float]
"""A sentence's half-open character offsets and its own probability."""


@dataclass(frozen=True, slots=True)
class TopicResult:
    """One topic of one article.

    ``probability`` (0..1) is the article's; ``evidence`` holds its one to four strongest sentences, strongest first.
    Raises ValueError without evidence: a score nobody can check is not reported.
    """

    topic: str
    probability: float
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        """Refuse a result without evidence."""
        if not self.evidence:
            message = f"topic {self.topic!r} has no evidence sentence"
            raise ValueError(message)


def strongest(evidence: Iterable[Evidence], limit: int = MAX_EVIDENCE) -> tuple[Evidence, ...]:
    """Return the ``limit`` sentences of highest probability, ties in reading order."""
    return tuple(sorted(evidence, key=lambda sentence: (-sentence[2], sentence[0]))[:limit])
