"""Which watches an analysed article fires, which it nearly fires, and why.

Conditions are three-valued. A topic or entity condition is unknown where no model speaks the article's language;
unknown never fires, and a verdict says so.
"""

from collections.abc import Iterable, Iterator, Mapping

from worker.model import (
    Analysis,
    Article,
    Condition,
    Entity,
    EntityCondition,
    Evidence,
    Finding,
    Group,
    Match,
    Miss,
    PhraseCondition,
    SourceCondition,
    TopicCondition,
    Truth,
    Verdict,
    Watch,
    ZoneName,
)
from worker.terms import TermIndex

Hits = Mapping[str, tuple[tuple[int, int], ...]]

_MOST_EVIDENCE = 10


class Matcher:
    """All watches compiled once; `evaluate` passes over an article's text once for all their phrases."""

    def __init__(self, watches: tuple[Watch, ...]) -> None:
        self._watches = watches
        self._index = TermIndex(term for watch in watches for term in _terms(watch.condition))

    def evaluate(self, article: Article, analysis: Analysis) -> tuple[Verdict, ...]:
        """A verdict for every watch, in the order of the watchlist."""
        hits = self._index.find(article.text)
        return tuple(_judge(watch, _Reader(watch, article, analysis, hits)) for watch in self._watches)


class _Reader:
    """One watch's view of one article: only the zones that the watch reads."""

    def __init__(self, watch: Watch, article: Article, analysis: Analysis, hits: Hits) -> None:
        self.watch, self.article, self.analysis, self._hits = watch, article, analysis, hits

    def spans(self, term: str) -> Iterator[Evidence]:
        return self._evidence(self._hits.get(term, ()))

    def entities(self) -> Iterator[tuple[Entity, Evidence]]:
        for entity in self.analysis.entities:
            for evidence in self._evidence([(entity.start, entity.end)]):
                yield entity, evidence

    def sentences(self, spans: Iterable[tuple[int, int]]) -> tuple[Evidence, ...]:
        return tuple(self._evidence(spans))

    def _evidence(self, spans: Iterable[tuple[int, int]]) -> Iterator[Evidence]:
        for start, end in spans:
            zone: ZoneName = self.article.zone_at(start)
            if zone in self.watch.zones:
                yield Evidence(start, end, self.article.text[start:end], zone)


def find_missing(finding: Finding) -> str:
    """What would have to become true first for `finding` to be true; "" where it is true."""
    if finding.truth == "true":
        return ""
    if finding.kind == "none":
        culprit = next((child for child in finding.children if child.truth != "false"), finding)
        return f"not {culprit.asks}"
    if finding.kind == "all":
        return next((find_missing(child) for child in finding.children if child.truth != "true"), finding.asks)
    if finding.kind == "any":
        return " or ".join(find_missing(child) for child in finding.children) or finding.asks
    got = f" (scored {finding.score:.2f})" if finding.score is not None else ""
    return finding.asks + got + (" (unknown: no model for this language)" if finding.truth == "unknown" else "")


def leaves(finding: Finding) -> Iterator[Finding]:
    """The positive conditions under `finding`, in order; what stands under `none` is left out."""
    if finding.kind == "none":
        return
    if not finding.children:
        yield finding
    for child in finding.children:
        yield from leaves(child)


def _judge(watch: Watch, reader: _Reader) -> Verdict:
    finding = _find(watch.condition, reader)
    language = reader.analysis.language
    if watch.languages and language not in watch.languages:
        wanted = " or ".join(watch.languages)
        missing = f"an article in {wanted} (this one is in {language or 'an unknown language'})"
        return Miss(watch, finding, missing, is_near=False)
    if finding.truth == "true":
        return Match(watch, finding)
    is_near = any(leaf.truth == "true" and leaf.kind != "source" for leaf in leaves(finding))
    return Miss(watch, finding, find_missing(finding), is_near)


def _find(condition: Condition, reader: _Reader) -> Finding:
    match condition:
        case Group():
            return _find_group(condition, reader)
        case TopicCondition():
            return _find_topic(condition, reader)
        case EntityCondition():
            return _find_entity(condition, reader)
        case PhraseCondition():
            return _find_phrase(condition, reader)
        case SourceCondition():
            return _find_source(condition, reader)


def _find_group(group: Group, reader: _Reader) -> Finding:
    children = tuple(_find(child, reader) for child in group.children)
    truths = {child.truth for child in children}
    asks = f"{group.kind} of {len(children)} conditions"
    return Finding(group.kind, asks, _combine(group.kind, truths), children=children)


def _combine(kind: str, truths: set[Truth]) -> Truth:
    """Kleene's logic: `all` is and, `any` is or, `none` is not-or."""
    decisive: Truth = "false" if kind == "all" else "true"
    if decisive in truths:
        return "true" if kind == "any" else "false"
    if "unknown" in truths:
        return "unknown"
    return "false" if kind == "any" else "true"


def _find_topic(condition: TopicCondition, reader: _Reader) -> Finding:
    topic = next((topic for topic in reader.analysis.topics if topic.topic == condition.name), None)
    threshold = condition.min_score if condition.min_score is not None else (topic.threshold if topic else None)
    asks = f"topic {condition.name}" + (f" with a score of at least {threshold:.2f}" if threshold is not None else "")
    if topic is None:
        return Finding("topic", asks, "false" if reader.analysis.is_language_known else "unknown")
    evidence = reader.sentences((span.start, span.end) for span in topic.evidence)
    is_true = threshold is not None and topic.score >= threshold and bool(evidence)
    return Finding("topic", asks, "true" if is_true else "false", evidence, topic.score)


def _find_entity(condition: EntityCondition, reader: _Reader) -> Finding:
    by_text = {(e.start, e.end): e for term in condition.terms for e in reader.spans(term)} if condition.terms else {}
    found: dict[tuple[int, int], Evidence] = {}
    for entity, evidence in reader.entities():
        if condition.labels and entity.label not in condition.labels:
            continue
        is_named = entity.id in condition.ids or any(
            start < entity.end and entity.start < end for start, end in by_text
        )
        if is_named or not (condition.ids or condition.terms):
            found[evidence.start, evidence.end] = evidence
    if not condition.labels:
        found |= by_text
    asks = f"an entity {condition.name}".rstrip()
    if found:
        return Finding("entity", asks, "true", tuple(found[key] for key in sorted(found))[:_MOST_EVIDENCE])
    return Finding("entity", asks, "false" if reader.analysis.is_language_known else "unknown")


def _find_phrase(condition: PhraseCondition, reader: _Reader) -> Finding:
    found = {(e.start, e.end): e for phrase in condition.phrases for e in reader.spans(phrase)}
    asks = "the phrase " + " or ".join(f"“{phrase}”" for phrase in condition.phrases[:3])
    asks += f" or {len(condition.phrases) - 3} more" if len(condition.phrases) > 3 else ""  # noqa: PLR2004
    evidence = tuple(found[key] for key in sorted(found))[:_MOST_EVIDENCE]
    return Finding("phrase", asks, "true" if found else "false", evidence)


def _find_source(condition: SourceCondition, reader: _Reader) -> Finding:
    article = reader.article
    is_true = article.source in condition.names or any(tag in condition.tags for tag in article.tags)
    asks = "a source " + " or ".join((*(f"tagged {tag}" for tag in condition.tags), *condition.names))
    return Finding("source", asks, "true" if is_true else "false")


def _terms(condition: Condition) -> Iterator[str]:
    match condition:
        case Group():
            for child in condition.children:
                yield from _terms(child)
        case PhraseCondition():
            yield from condition.phrases
        case EntityCondition():
            yield from condition.terms
