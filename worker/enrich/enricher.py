"""The `Enricher` over spaCy: what the pipeline and the topic scorer say, as an `Analysis` of one article."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from spacy.language import Language

from worker.enrich import language, pipeline
from worker.enrich.entities import make_reader
from worker.enrich.own_topics import WithOwnTopics, digest
from worker.enrich.sentences import split_sentences
from worker.enrich.topic_result import TopicResult
from worker.enrich.topics import TopicClassifier
from worker.model import Analysis, Article, Entity, LanguageModel, OwnTopic, Span, TopicScore
from worker.zones import without_teasers

LONGEST_TEXT = 200_000
"""Characters beyond this are matched by phrase only; the analysis says so."""
LEARNT_STRINGS = 50_000
"""So many words are kept for good (18 MB), some 800 articles' worth: new to a zone, each costs three times as much."""
LEAST_SCORE = 0.02
"""Topics below this are not kept with an article."""


class TopicScorer(Protocol):
    """Scores topics of a text cut into sentences, and says from which score one is reported."""

    thresholds: dict[str, float]

    def score(self, text: str, sentences: Sequence[tuple[int, int]]) -> list[TopicResult]:
        """Every topic that has evidence."""


class SpacyEnricher:
    """Entities by a spaCy pipeline, topics by a scorer; teasers are blanked out before either reads the text.

    Articles in another language than the pipeline's get none of the two: their entities and topics are unknown.
    """

    def __init__(self, nlp: Language, topics: TopicScorer, model: str, *, least_score: float = LEAST_SCORE) -> None:
        self._nlp, self._topics, self.model, self._least_score = nlp, topics, model, least_score
        self._read = make_reader(nlp)

    def enrich(self, articles: Sequence[Article]) -> list[Analysis]:
        """An analysis for each article, in order."""
        texts = [without_teasers(article.text, article.zones)[:LONGEST_TEXT] for article in articles]
        spoken = [
            language.detect(text, article.declared_language) for text, article in zip(texts, articles, strict=True)
        ]
        read = [i for i, code in enumerate(spoken) if code == self._nlp.lang]
        with self._zone():
            entities = dict(zip(read, self._read([texts[i] for i in read]), strict=True))
        return [
            self._analysis(article, text, code, entities.get(i))
            for i, (article, text, code) in enumerate(zip(articles, texts, spoken, strict=True))
        ]

    def _zone(self) -> AbstractContextManager[object]:
        """A memory zone, once the vocabulary is learnt: what spaCy keeps of a word is forgotten with its zone."""
        is_learnt = len(self._nlp.vocab.strings) >= LEARNT_STRINGS
        return self._nlp.memory_zone() if is_learnt else nullcontext()

    def _analysis(self, article: Article, text: str, code: str, entities: tuple[Entity, ...] | None) -> Analysis:
        sentences = tuple(split_sentences(text))
        results = self._topics.score(text, sentences) if sentences and entities is not None else []
        kept = [self._topic(result, text) for result in results if result.probability >= self._least_score]
        return Analysis(
            entities=entities or (),
            topics=tuple(sorted(kept, key=lambda topic: (-topic.score, topic.topic))),
            sentences=sentences,
            language=code,
            model=self.model,
            is_language_known=entities is not None,
            truncated_at=LONGEST_TEXT if len(article.text) > LONGEST_TEXT else None,
        )

    def _topic(self, result: TopicResult, text: str) -> TopicScore:
        evidence = tuple(Span(start, end, text[start:end]) for start, end, _ in result.evidence)
        return TopicScore(result.topic, result.probability, evidence, self._topics.thresholds[result.topic])


def load(
    model: LanguageModel = LanguageModel(),  # noqa: B008 - a frozen value
    topics: Sequence[OwnTopic] = (),
    *,
    least_score: float = LEAST_SCORE,
) -> SpacyEnricher:
    """The shipped pipeline, or the installed one that `model` names; the shipped topics, and the configuration's own.

    Raises ModelError where the pipeline is not installed or does not fit.
    """
    nlp = pipeline.load(model.name, model.backend)
    name = f"{nlp.meta['lang']}_{nlp.meta['name']}-{nlp.meta['version']}"
    classifier = TopicClassifier.load()
    scorer = WithOwnTopics(classifier, topics) if topics else classifier
    return SpacyEnricher(nlp, scorer, name + digest(topics), least_score=least_score)
