"""What each kind of condition comes to on one article, and the words that show it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from worker.match.events import find_event
from worker.match.names import NameHit
from worker.match.near import find_windows
from worker.match.reading import Reading
from worker.model import (
    AgeCondition,
    Condition,
    EntityCondition,
    EventCondition,
    Evidence,
    FieldCondition,
    Finding,
    Group,
    LanguageCondition,
    Leaf,
    NearCondition,
    Pending,
    PhraseCondition,
    RegexCondition,
    SourceCondition,
    SourceFilter,
    TopicCondition,
    Truth,
    Watch,
)

SURE = 0.8
"""A listed name that is at least so sure counts by itself, where the watch says nothing else."""
_MOST_EVIDENCE = 200
_NAMED = 3


def find(condition: Condition, watch: Watch, reading: Reading) -> Finding:
    """The finding of a condition and all under it."""
    if isinstance(condition, Group):
        return _find_group(condition, watch, reading)
    finding = _find_leaf(condition, watch, reading)
    if watch.threshold is None:
        return finding
    weight = condition.weight if condition.weight is not None else dict(watch.weights).get(finding.kind, 0.0)
    return replace(finding, contribution=weight if finding.truth == "true" else 0.0)


def _find_leaf(condition: Leaf, watch: Watch, reading: Reading) -> Finding:  # noqa: C901, PLR0911 - one for each kind
    match condition:
        case TopicCondition():
            return _find_topic(condition, watch, reading)
        case EntityCondition():
            return _find_entity(condition, watch, reading)
        case EventCondition():
            return find_event(condition, watch, reading, SURE)
        case PhraseCondition():
            return _find_phrase(condition, watch, reading)
        case NearCondition():
            return _find_near(condition, watch, reading)
        case RegexCondition():
            spans = reading.patterns.get((condition.pattern, condition.is_cased), ())
            return _by_evidence("regex", f"the pattern {condition.pattern}", reading.evidence(watch, spans))
        case FieldCondition():
            return _find_field(condition, reading)
        case SourceCondition():
            return _find_source(condition, reading)
        case LanguageCondition():
            return _by_truth(
                "language", _in_language(condition.languages), reading.analysis.language in condition.languages
            )
        case AgeCondition():
            return _find_age(condition, reading)


def passes(sources: SourceFilter, reading: Reading) -> bool:
    """Whether the article's source passes the filter."""
    article = reading.article
    is_named = article.source in sources.names or any(tag in sources.tags for tag in article.tags)
    is_open = not (sources.names or sources.tags or sources.include)
    is_in = is_open or is_named or any(passes(inner, reading) for inner in sources.include)
    speaks = not sources.languages or reading.analysis.language in sources.languages
    return is_in and speaks and not any(passes(outer, reading) for outer in sources.exclude)


# --- groups ------------------------------------------------------------------------------------------------


def _find_group(group: Group, watch: Watch, reading: Reading) -> Finding:
    children = tuple(find(child, watch, reading) for child in group.children)
    if group.kind == "all":
        children = _bring_together(group, children, watch, reading)
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


def _bring_together(group: Group, findings: tuple[Finding, ...], watch: Watch, reading: Reading) -> tuple[Finding, ...]:
    """Keep of each `within` entity what shares its sentence or paragraph with evidence of a neighbour."""
    return tuple(
        _keep_near(condition, finding, [other for other in findings if other is not finding], watch, reading)
        if isinstance(condition, EntityCondition) and condition.within
        else finding
        for condition, finding in zip(group.children, findings, strict=True)
    )


def _keep_near(
    condition: EntityCondition, finding: Finding, others: list[Finding], watch: Watch, reading: Reading
) -> Finding:
    number = reading.sentence if condition.within == "sentence" else reading.paragraph
    occupied = {number(evidence.start) for other in others for evidence in _all_evidence(other)}
    kept = tuple(evidence for evidence in finding.evidence if number(evidence.start) in occupied)
    asks = f"{finding.asks} in the same {condition.within} as another condition"
    if finding.truth != "true" or kept:
        return replace(finding, asks=asks, evidence=kept)
    truth: Truth = "unknown" if reading.analysis.pending else "false"
    return replace(finding, asks=asks, truth=truth, evidence=(), contribution=None if watch.threshold is None else 0.0)


def _all_evidence(finding: Finding) -> Iterator[Evidence]:
    if finding.truth == "true" and finding.kind != "none":
        yield from finding.evidence
        for child in finding.children:
            yield from _all_evidence(child)


# --- leaves ------------------------------------------------------------------------------------------------


def _find_topic(condition: TopicCondition, watch: Watch, reading: Reading) -> Finding:
    topic = next((topic for topic in reading.analysis.topics if topic.topic == condition.name), None)
    threshold = condition.min_score if condition.min_score is not None else (topic.threshold if topic else None)
    asks = f"topic {condition.name}" + (f" with a score of at least {threshold:.2f}" if threshold is not None else "")
    asks += " in the title or lead" if condition.salience == "main" else ""
    if topic is None:
        return Finding("topic", asks, "false" if reading.analysis.is_language_known else "unknown")
    spans = ((span.start, span.end) for span in topic.evidence)
    evidence = tuple(reading.evidence(watch, spans, condition.salience))
    is_true = threshold is not None and topic.score >= threshold and bool(evidence)
    return Finding("topic", asks, "true" if is_true else "false", evidence, topic.score)


def _find_entity(condition: EntityCondition, watch: Watch, reading: Reading) -> Finding:
    named = _named(condition, watch, reading)
    if reading.analysis.pending:
        return _expect_entity(condition, named, reading.analysis.pending)
    asks = f"an entity {condition.name}".rstrip() + (" in the title or lead" if condition.salience == "main" else "")
    found = {} if condition.labels else dict(named)
    for entity in reading.analysis.entities:
        if condition.labels and entity.label not in condition.labels:
            continue
        mentions = [e for e in named.values() if e.start < entity.end and entity.start < e.end]
        if mentions and condition.labels:
            found |= {(e.start, e.end): e for e in mentions if e.entry}
        is_wanted = entity.id in condition.ids or mentions
        if is_wanted or not (condition.ids or condition.terms or condition.lists):
            spans = [(entity.start, entity.end)]
            found |= {(e.start, e.end): found.get((e.start, e.end), e)
                      for e in reading.evidence(watch, spans, condition.salience)}  # fmt: skip
    if found:
        return Finding("entity", asks, "true", tuple(found[key] for key in sorted(found))[:_MOST_EVIDENCE])
    is_decided = reading.analysis.is_language_known or (condition.lists and not (condition.ids or condition.labels))
    return Finding("entity", asks, "false" if is_decided else "unknown", score=_weak_score(condition, reading))


def _expect_entity(condition: EntityCondition, named: dict[tuple[int, int], Evidence], pending: Pending) -> Finding:
    """The finding before names are looked for: decided where they can change nothing. Never without reason "false"."""
    if named and not condition.labels:
        return Finding("entity", condition.name, "true", tuple(named[key] for key in sorted(named)))
    is_label = not condition.labels or pending.labels is None or not set(pending.labels).isdisjoint(condition.labels)
    is_id = bool(condition.ids) and (pending.ids is None or not set(pending.ids).isdisjoint(condition.ids))
    is_any = not (condition.ids or condition.terms or condition.lists)
    return Finding("entity", condition.name, "unknown" if is_label and (named or is_id or is_any) else "false")


def _named(condition: EntityCondition, watch: Watch, reading: Reading) -> dict[tuple[int, int], Evidence]:
    """Evidence for the condition's terms, and for listed names: the sure ones, with the weak ones they vouch for."""
    spans = (span for term in reading.standing(condition.terms) for span in reading.terms[term])
    found = {(e.start, e.end): e for e in reading.evidence(watch, spans, condition.salience)}
    hits = [hit for hit in reading.names if hit.list in condition.lists] if condition.lists else []
    least = SURE if condition.min_score is None else condition.min_score
    sure = {hit.name.entry for hit in hits if hit.score >= least and _is_read(hit.span, watch, reading)}
    if len(hits) <= _MOST_EVIDENCE:
        hits = [hit for hit in hits if not any(_outdoes(other, hit) for other in hits)]
    # where several parties share a name, the one whose listed name is nearest to what stands there comes last, and stays
    for hit in sorted(hits, key=lambda hit: (hit.score, -len(hit.name.text))):
        if hit.name.entry in sure:
            evidence = reading.evidence(watch, [hit.span], condition.salience, hit.name.entry)
            found |= {(e.start, e.end): e for e in evidence}
    return found


def _outdoes(other: NameHit, hit: NameHit) -> bool:
    """Whether `hit` is a shortened name in the midst of another party's longer and surer one."""
    return (
        other.span != hit.span
        and other.span[0] <= hit.span[0]
        and hit.span[1] <= other.span[1]
        and other.score > hit.score
        and other.name.entry != hit.name.entry
    )


def _is_read(span: tuple[int, int], watch: Watch, reading: Reading) -> bool:
    return next(reading.evidence(watch, [span]), None) is not None


def _weak_score(condition: EntityCondition, reading: Reading) -> float | None:
    """How sure the surest name was that did not suffice, so that a miss can say it."""
    scores = [hit.score for hit in reading.names if hit.list in condition.lists]
    return max(scores, default=None)


def _find_phrase(condition: PhraseCondition, watch: Watch, reading: Reading) -> Finding:
    asks = "the phrase " + " or ".join(f"“{phrase}”" for phrase in condition.phrases[:_NAMED])
    asks += f" or {len(condition.phrases) - _NAMED} more" if len(condition.phrases) > _NAMED else ""
    found = {
        (e.start, e.end): e
        for form in reading.standing(condition)
        for e in reading.evidence(watch, reading.terms[form])
        if not condition.is_cased or _is_spelled(form, e.text)
    }
    return _by_evidence("phrase", asks, (found[key] for key in sorted(found)))


def _is_spelled(term: str, text: str) -> bool:
    """Whether `text` is the term in its own capitals."""
    words, stem = " ".join(text.split()), " ".join(term.removesuffix("*").split())
    return words[: len(stem)] == stem


def _find_near(condition: NearCondition, watch: Watch, reading: Reading) -> Finding:
    sides = [
        sorted(
            {(e.start, e.end) for term in reading.standing(side) for e in reading.evidence(watch, reading.terms[term])}
        )
        for side in condition.sides
    ]
    order = " in this order" if condition.is_ordered else ""
    shown = " near ".join("“" + side[0] + "”" + (" …" if len(side) > 1 else "") for side in condition.sides)
    asks = f"{shown} within {condition.within} words{order}"
    windows = find_windows(sides, condition.within, reading, is_ordered=condition.is_ordered) if all(sides) else ()
    return _by_evidence("near", asks, reading.evidence(watch, sorted(windows)))


def _find_field(condition: FieldCondition, reading: Reading) -> Finding:
    asks = f"the {condition.field} " + " or ".join(f"“{term}”" for term in condition.terms[:_NAMED])
    hits = reading.fields.get(condition.field, {})
    return _by_truth("field", asks, not reading.forms[id(condition.terms)].isdisjoint(hits))


def _find_source(condition: SourceCondition, reading: Reading) -> Finding:
    article = reading.article
    is_true = article.source in condition.names or any(tag in condition.tags for tag in article.tags)
    is_true = is_true or any(passes(sources, reading) for sources in condition.filters)
    named = (
        *(f"tagged {tag}" for tag in condition.tags),
        *condition.names,
        *(f"of {f.name}" for f in condition.filters),
    )
    return _by_truth("source", "a source " + " or ".join(named), is_true)


def _find_age(condition: AgeCondition, reading: Reading) -> Finding:
    bounds = (("at most", condition.at_most), ("at least", condition.at_least))
    asks = "an age of " + " and ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)
    article = reading.article
    if article.published is None or article.first_seen is None:
        return Finding("age", asks, "unknown")
    age = article.first_seen - article.published
    is_true = (condition.at_most is None or age <= condition.at_most) and (
        condition.at_least is None or age >= condition.at_least
    )
    return _by_truth("age", asks, is_true)


def _in_language(languages: tuple[str, ...]) -> str:
    return "an article in " + " or ".join(languages)


def _by_truth(kind: str, asks: str, is_true: bool) -> Finding:
    return Finding(kind, asks, "true" if is_true else "false")


def _by_evidence(kind: str, asks: str, evidence: Iterable[Evidence]) -> Finding:
    found = tuple(evidence)[:_MOST_EVIDENCE]
    return Finding(kind, asks, "true" if found else "false", found)
