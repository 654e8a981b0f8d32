"""The `Enricher` over spaCy: what the pipeline and the topic scorer say, as an `Analysis` of one article."""

from collections.abc import Sequence
from typing import Protocol

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from worker import __version__
from worker.enrich import language
from worker.enrich.countries import country_terms
from worker.enrich.phrase_topics import PhraseTopics
from worker.enrich.sentences import split_sentences
from worker.enrich.topic_result import TopicResult
from worker.model import Analysis, Article, Entity, Span, TopicScore
from worker.zones import without_teasers

LONGEST_TEXT = 200_000
"""Characters beyond this are matched by phrase only; the analysis says so."""
LANGUAGES = ("en",)


class TopicScorer(Protocol):
    """Scores topics of a text cut into sentences."""

    def score(self, text: str, sentences: Sequence[tuple[int, int]]) -> list[TopicResult]:
        """Every topic with evidence."""


class SpacyEnricher:
    """Entities by a spaCy pipeline, topics by a scorer; teasers are blanked out before either reads the text."""

    def __init__(self, nlp: Language, topics: TopicScorer, model: str) -> None:
        self._nlp, self._topics, self.model = nlp, topics, model

    def enrich(self, articles: Sequence[Article]) -> list[Analysis]:
        """An analysis for each article, in order. Articles in other languages than `LANGUAGES` get none of the model."""
        texts = [without_teasers(article.text, article.zones)[:LONGEST_TEXT] for article in articles]
        spoken = [
            language.detect(text, article.declared_language) for text, article in zip(texts, articles, strict=True)
        ]
        read = [i for i, code in enumerate(spoken) if code in LANGUAGES]
        with self._nlp.memory_zone():
            docs = zip(read, self._nlp.pipe(texts[i] for i in read), strict=True)
            understood = {i: self._understand(articles[i], texts[i], spoken[i], doc) for i, doc in docs}
        return [
            understood.get(i)
            or Analysis((), (), tuple(split_sentences(text)), code, self.model, is_language_known=False)
            for i, (text, code) in enumerate(zip(texts, spoken, strict=True))
        ]

    def _understand(self, article: Article, text: str, code: str, doc: Doc) -> Analysis:
        sentences = tuple(split_sentences(text))
        results = self._topics.score(text, sentences) if sentences else []
        return Analysis(
            entities=tuple(
                Entity(ent.text, ent.label_, ent.start_char, ent.end_char, ent.kb_id_ or ent.ent_id_ or None)
                for ent in doc.ents
            ),
            topics=tuple(_topic(result, text) for result in sorted(results, key=lambda r: (-r.probability, r.topic))),
            sentences=sentences,
            language=code,
            model=self.model,
            truncated_at=LONGEST_TEXT if len(article.text) > LONGEST_TEXT else None,
        )


def load() -> SpacyEnricher:
    """The shipped enricher: English tokens, a ruler of countries, capitals and nationals, topics by phrases."""
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(  # type: ignore[attr-defined]
        [{"label": term.label, "pattern": term.text, "id": term.id} for term in country_terms() if not term.ambiguous]
    )
    return SpacyEnricher(nlp, PhraseTopics.default(), f"tocsin-rules-{__version__}")


def _topic(result: TopicResult, text: str) -> TopicScore:
    evidence = tuple(Span(start, end, text[start:end]) for start, end, _ in result.evidence)
    return TopicScore(result.topic, result.probability, evidence)
