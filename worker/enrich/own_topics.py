"""The topics that the configuration defines, scored beside the built-in ones."""

import hashlib
from collections.abc import Sequence

from worker.enrich.topic_result import TopicResult
from worker.enrich.topics import TopicClassifier
from worker.enrich.user_topics import compile_topic
from worker.model import OwnTopic

_MISS = 0.6
"""A phrase of weight w is the topic with a chance of 1 - 0.6^w: 1 → 0.40, 2 → 0.64, 3 → 0.78."""


class WithOwnTopics:
    """A topic scorer over the built-in classifier and some own topics."""

    def __init__(self, built_in: TopicClassifier, topics: Sequence[OwnTopic]) -> None:
        self._built_in = built_in
        self._own = [
            compile_topic(
                topic.name,
                topic.description,
                {phrase: 1 - _MISS**weight for phrase, weight in topic.phrases},
                topic.positive,
                topic.negative,
                classifier=built_in,
            )
            for topic in topics
        ]
        self.thresholds: dict[str, float] = {**built_in.thresholds, **{own.name: own.threshold for own in self._own}}

    def score_all(
        self, articles: Sequence[tuple[str, Sequence[tuple[int, int]]]], *, least: float = 0.0
    ) -> list[list[TopicResult]]:
        """Of each text every topic that has evidence and at least the probability `least`, built-in ones first."""
        built_in = self._built_in.score_all(articles, least=least)
        return [
            [*results, *self._own_of(text, sentences, least)]
            for results, (text, sentences) in zip(built_in, articles, strict=True)
        ]

    def _own_of(self, text: str, sentences: Sequence[tuple[int, int]], least: float) -> list[TopicResult]:
        found = (topic.score(text, sentences) for topic in self._own)
        return [result for result in found if result is not None and result.probability >= least]


def digest(topics: Sequence[OwnTopic]) -> str:
    """A short name for a set of own topics, by which analyses made with others are told apart; "" for none."""
    return "+" + hashlib.sha256(repr(topics).encode()).hexdigest()[:8] if topics else ""
