"""The `Enricher` over spaCy: names, topics and events of one article as its `Analysis`."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Protocol

from spacy.language import Language

from worker.enrich import language, pipeline
from worker.enrich.cues import NOT_SOUGHT, RunCues, TextCues
from worker.enrich.entities import expect, make_reader
from worker.enrich.events import Judge, by_rules, extract, learnt
from worker.enrich.own_topics import WithOwnTopics, digest
from worker.enrich.runs import RunTable
from worker.enrich.sentences import split_sentences
from worker.enrich.topic_result import TopicResult
from worker.enrich.topics import TopicClassifier
from worker.model import Analysis, Article, Entity, LanguageModel, OwnTopic, Pending, Span, TopicScore
from worker.zones import without_teasers

LONGEST_TEXT = 200_000
"""Characters beyond this are matched by phrase only; the analysis says so."""
LEARNT_STRINGS = 50_000
"""So many words are kept for good (18 MB), some 800 articles' worth: new to a zone, each costs three times as much."""
MOST_WORDS = 600_000
"""After so many new words the pipeline is loaded anew, with an empty vocabulary. The tables by which spaCy finds a word keep a
dead entry of each that a zone has forgotten (31 bytes; preshed 3.0), 19 MB by then, and would grow for ever. To load, and to
learn the words of the day again, takes some 2 s of the processor, about once in 25,000 articles."""
_MOST_MARKS, _LONGEST_TOKEN = 100, 1_000
_MARK, _NO_SPACE = r"(?:[^\w\s]|_)", "[!-~\u00a1-\u024f\u2010-\u2027\u2030-\u205e\u2070-\u2bff]"
"""Letters of scripts that write without spaces are none of the second."""
_ENDLESS_MARKS = re.compile(f"({_MARK}{{{_MOST_MARKS}}})({_MARK}+)")
_ENDLESS_TOKEN = re.compile(f"({_NO_SPACE}{{{_LONGEST_TOKEN}}})({_NO_SPACE}+)")
LEAST_SCORE = 0.02
"""Topics below this are not kept with an article."""


class TopicScorer(Protocol):
    """Scores topics of a text cut into sentences, and says from which score one is reported."""

    thresholds: dict[str, float]

    def score_all(
        self, articles: Sequence[tuple[str, Sequence[tuple[int, int]]]], *, least: float = 0.0
    ) -> list[list[TopicResult]]:
        """Of each text every topic that has evidence and at least the probability `least`; none without sentences."""


class SpacyEnricher:
    """Entities by a spaCy pipeline, topics by a scorer; teasers are blanked out before either reads the text.

    Articles in another language than the pipeline's get none of the two: their entities and topics are unknown.
    """

    def __init__(  # noqa: PLR0913 - its parts, the last ones by name
        self,
        nlp: Language,
        topics: TopicScorer,
        model: str,
        *,
        least_score: float = LEAST_SCORE,
        load_anew: Callable[[], Language] | None = None,
        judge: Judge = by_rules,
        runs: RunTable | None = None,
    ) -> None:
        """`load_anew` gives the pipeline with an empty vocabulary; without it the one it has grows slowly but for ever.

        `judge` has the last word on the modality of events; `runs` are those by which `topics` reads texts, for names to share.
        """
        self._judge, self._runs = judge, runs
        self._cues = None if runs is None else RunCues(runs)
        self._topics, self.model, self._least_score, self._load_anew = topics, model, least_score, load_anew
        self._take(nlp)

    def _take(self, nlp: Language) -> None:
        self._nlp, self._read = nlp, make_reader(nlp, self._runs)
        self._words_at_first = len(nlp.vocab)
        if hasattr(nlp.tokenizer, "max_cache_size"):  # not every language's
            nlp.tokenizer.max_cache_size = LEARNT_STRINGS

    def enrich(self, articles: Sequence[Article]) -> list[Analysis]:
        """An analysis for each article, in order."""
        texts = [_readable(article) for article in articles]
        return self._with_names(texts, self._see(articles, texts))

    def glance(self, articles: Sequence[Article]) -> list[Analysis]:
        """What is understood without looking for names: `pending` says what these may still bring."""
        texts = [_readable(article) for article in articles]
        seen = self._see(articles, texts)
        read = _pending(seen)
        for i, cues in zip(read, self._sought([texts[i] for i in read]), strict=True):
            seen[i] = self._expect(texts[i], seen[i], cues)
        return seen

    def complete(self, articles: Sequence[Article], glances: Sequence[Analysis]) -> list[Analysis]:
        """The whole analyses, as `enrich` makes them, of articles that were glanced at."""
        return self._with_names([_readable(article) for article in articles], glances)

    def _with_names(self, texts: Sequence[str], seen: Sequence[Analysis]) -> list[Analysis]:
        read = _pending(seen)
        some = [texts[i] for i in read]
        if self._load_anew and len(self._nlp.vocab) - self._words_at_first >= MOST_WORDS:
            self._take(self._load_anew())
        cues = self._sought(some)
        with self._zone():
            entities = self._read(some, [_glanced(seen[i]) for i in read], cues)
        whole = list(seen)
        for i, names, sought in zip(read, entities, cues, strict=True):
            whole[i] = _with_entities(seen[i], texts[i], names, self._judge, sought)
        return whole

    def _sought(self, texts: Sequence[str]) -> list[TextCues]:
        return self._cues.find(texts) if self._cues else [NOT_SOUGHT] * len(texts)

    def _expect(self, text: str, analysis: Analysis, cues: TextCues) -> Analysis:
        entities, pending = expect(self._nlp, text, analysis.sentences, cues)
        return replace(analysis, entities=entities, pending=pending)

    def _zone(self) -> AbstractContextManager[object]:
        """A memory zone, once the vocabulary is learnt: what spaCy keeps of a word is forgotten with its zone."""
        is_learnt = len(self._nlp.vocab.strings) >= LEARNT_STRINGS
        return self._nlp.memory_zone() if is_learnt else nullcontext()

    def _see(self, articles: Sequence[Article], texts: Sequence[str]) -> list[Analysis]:
        codes = [
            language.detect(text, article.declared_language) for article, text in zip(articles, texts, strict=True)
        ]
        sentences = [tuple(split_sentences(text)) for text in texts]
        read = [places if code == self._nlp.lang else () for code, places in zip(codes, sentences, strict=True)]
        topics = self._topics.score_all(list(zip(texts, read, strict=True)), least=self._least_score)
        return [
            Analysis(
                entities=(),
                topics=self._told(results, text),
                sentences=places,
                language=code,
                model=self.model,
                is_language_known=code == self._nlp.lang,
                truncated_at=LONGEST_TEXT if len(article.text) > LONGEST_TEXT else None,
                pending=Pending() if code == self._nlp.lang else None,
            )
            for article, text, code, places, results in zip(articles, texts, codes, sentences, topics, strict=True)
        ]

    def _told(self, results: Sequence[TopicResult], text: str) -> tuple[TopicScore, ...]:
        found = [self._topic(result, text) for result in results]
        return tuple(sorted(found, key=lambda topic: (-topic.score, topic.topic)))

    def _topic(self, result: TopicResult, text: str) -> TopicScore:
        evidence = tuple(Span(start, end, text[start:end]) for start, end, _ in result.evidence)
        return TopicScore(result.topic, result.probability, evidence, self._topics.thresholds[result.topic])


def _pending(seen: Sequence[Analysis]) -> list[int]:
    """The numbers of the analyses in which names are yet to be looked for."""
    return [i for i, analysis in enumerate(seen) if analysis.pending]


def _glanced(analysis: Analysis) -> tuple[Entity, ...] | None:
    """What rules found in a text, where they were asked: nobody looks for it twice."""
    return analysis.entities if analysis.pending and analysis.pending.ids is not None else None


def _with_entities(
    analysis: Analysis, text: str, entities: tuple[Entity, ...], judge: Judge, cues: TextCues
) -> Analysis:
    may_tell = bool(entities and analysis.pending and analysis.pending.has_events)
    events = extract(text, analysis.sentences, entities, judge, cues.events) if may_tell else ()
    return replace(analysis, entities=entities, events=events, pending=None)


def _readable(article: Article) -> str:
    """Its text as far as it is read, offsets kept: teasers are blanked out, and all but the beginning of endless tokens.

    spaCy takes marks, and endings like "'s", from a token one by one and looks at what is left anew: its time grows with
    the square of their number.
    """
    text = without_teasers(article.text, article.zones)[:LONGEST_TEXT]
    if not _has_long_run(text):
        return text
    return _ENDLESS_TOKEN.sub(_beginning, _ENDLESS_MARKS.sub(_beginning, text))


def _has_long_run(text: str) -> bool:
    """Whether more than `_MOST_MARKS` signs stand together; leaps from blank to blank, and looks at each run where none is near."""
    at = 0
    while at + _MOST_MARKS < len(text):
        blank = text.rfind(" ", at, at + _MOST_MARKS + 1)
        if blank < 0:
            return max(map(len, text[at:].split()), default=0) > _MOST_MARKS
        at = blank + 1
    return False


def _beginning(run: re.Match[str]) -> str:
    return run[1] + " " * len(run[2])


def load(
    model: LanguageModel = LanguageModel(),  # noqa: B008 - a frozen value
    topics: Sequence[OwnTopic] = (),
    *,
    least_score: float = LEAST_SCORE,
) -> SpacyEnricher:
    """The shipped pipeline, or the installed one that `model` names; the shipped topics, and the configuration's own.

    The learnt judgement of events reads English only, and only where the model is said to judge them.

    Raises ModelError where the pipeline is not installed or does not fit, ModalityModelError where the weights of modality do not.
    """
    nlp = pipeline.load(model.name, model.backend)
    name = f"{nlp.meta['lang']}_{nlp.meta['name']}-{nlp.meta['version']}"
    runs = RunTable()
    classifier = TopicClassifier.load(runs=runs)
    scorer = WithOwnTopics(classifier, topics) if topics else classifier
    load_anew = partial(pipeline.load_anew, model.name)
    judge = learnt.packaged() if model.judges_events and nlp.lang == "en" else by_rules
    name += digest(topics) if judge is by_rules else f"{digest(topics)}+modality"
    return SpacyEnricher(nlp, scorer, name, least_score=least_score, load_anew=load_anew, judge=judge, runs=runs)
