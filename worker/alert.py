"""A match becomes an alert, or tells nothing new. Owns the ids, so that no crash, retry or re-poll makes a second one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from worker import events
from worker.identity import derive_id
from worker.model import (
    Alert,
    Analysis,
    Article,
    Event,
    Evidence,
    Fact,
    Finding,
    Match,
    Severity,
    Story,
    Told,
    Verdict,
    Watch,
)


def alert_id(watch_id: str, story: str, fact_revision: int) -> str:
    """The alert's name: the same watch, story and fact revision always give the same one."""
    return "alrt_" + derive_id("v1", watch_id, story, str(fact_revision))


def delivery_id(alert: str, endpoint: str) -> str:
    """The `webhook-id`: one alert to one endpoint, constant over all attempts."""
    return "msg_" + derive_id("v1", alert, endpoint)


def raise_alerts(  # noqa: PLR0913 - what an alert is made of
    verdicts: Iterable[Verdict], article: Article, analysis: Analysis, story: Story, *, config_hash: str, now: datetime
) -> tuple[tuple[Alert, ...], Story]:
    """An alert for each match that tells its watch something new, and the story with what has now been told.

    New is a story the watch was not told of, an event it asks for, an entity its conditions name, or a higher severity.
    """
    alerts = []
    for match in verdicts:
        if not isinstance(match, Match):
            continue
        told = next((told for told in story.told if told.watch_id == match.watch.id), None)
        entities = tuple(dict.fromkeys(named(match.finding, analysis)))
        reported = {events.fact(event): events.line(event) for event in asked_for(match.finding, analysis)}
        severity = _severity(match.watch, story, now)
        new = _news(told, entities, reported, severity)
        if told and not new:
            continue
        revision = told.revision + 1 if told else 0
        raised = Alert(
            id=alert_id(match.watch.id, story.id, revision),
            watch_id=match.watch.id,
            watch_title=match.watch.title,
            severity=severity,
            labels=match.watch.labels,
            story=story.id,
            fact_revision=revision,
            article=article,
            analysis=analysis,
            finding=match.finding,
            raised_at=now,
            config_hash=config_hash,
            is_shadow=match.watch.is_shadow,
            sources=story.sources,
            independent_sources=max(story.independent_sources(), 1),
            follows=told.alert_id if told else None,
            new=new,
        )
        alerts.append(raised)
        story = _remember(story, raised, told, entities, tuple(reported))
    return tuple(alerts), story


def _news(
    told: Told | None, entities: tuple[str, ...], reported: Mapping[str, str], severity: Severity
) -> tuple[Fact, ...]:
    if told is None:
        return ()
    risen = (Fact("severity", severity.value),) if severity.rank > told.severity.rank else ()
    fresh = (Fact("event", line) for fact, line in reported.items() if events.is_new(fact, told.events))
    return risen + tuple(fresh) + tuple(Fact("entity", name) for name in entities if name not in told.entities)


def _severity(watch: Watch, story: Story, now: datetime) -> Severity:
    """The watch's own, or what its escalations raise it to; never lower."""
    reached = [
        step.to for step in watch.escalate if story.independent_sources(now - step.within) >= step.independent_sources
    ]
    return max((watch.severity, *reached), key=lambda severity: severity.rank)


def _remember(
    story: Story, raised: Alert, told: Told | None, entities: tuple[str, ...], reported: tuple[str, ...]
) -> Story:
    before = told.entities if told else ()
    first = told.alert_id if told else raised.id
    severity = max(raised.severity, told.severity if told else raised.severity, key=lambda s: s.rank)
    everything = tuple(dict.fromkeys((*before, *entities)))
    facts = tuple(dict.fromkeys((*(told.events if told else ()), *reported)))
    now_told = Told(raised.watch_id, first, raised.fact_revision, severity, everything, facts)
    return replace(story, told=(*(one for one in story.told if one.watch_id != raised.watch_id), now_told))


def asked_for(finding: Finding, analysis: Analysis) -> Iterator[Event]:
    """The events that made event conditions true."""
    if finding.truth != "true" or finding.kind == "none":
        return
    places = {(evidence.start, evidence.end) for evidence in finding.evidence if finding.kind == "event"}
    if places:
        yield from (event for event in analysis.events if events.extent(event) in places)
    for child in finding.children:
        yield from asked_for(child, analysis)


def named(finding: Finding, analysis: Analysis) -> Iterator[str]:
    """The entities that made entity conditions true: by id where one is known, else by their words."""
    if finding.truth != "true" or finding.kind == "none":
        return
    for evidence in finding.evidence if finding.kind == "entity" else ():
        yield name_of(evidence, analysis)
    for child in finding.children:
        yield from named(child, analysis)


def name_of(evidence: Evidence, analysis: Analysis) -> str:
    """The id of the entity that the words name, where one is known, else the words."""
    over = (e for e in analysis.entities if e.start < evidence.end and evidence.start < e.end and e.id)
    entity = next(over, None)
    return entity.id if entity and entity.id else evidence.text.casefold()
