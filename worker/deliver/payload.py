"""The bytes a receiver gets. Their shape is `alert.schema.json`; within a version it only gains fields."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from worker import events
from worker.model import Alert, Analysis, Article, Event, Finding, ListEntry, Listing, Source

TYPE = "news.alert.matched.v1"
LISTED_TYPE = "news.alert.newly_listed.v1"
"""An article we already had names a party that has come onto a list since."""
SCHEMA_VERSION = 1
_MOST_ENTITIES, _MOST_EVIDENCE, _MOST_SOURCES = 40, 12, 20
_MOST_EVENTS, _MOST_FILLERS = 5, 8
_TEXT_LIMIT = 400


def build(alert: Alert) -> str:
    """The alert as compact JSON, under 20 kB whatever the article's size; what was cut is counted in `truncated`."""
    return json.dumps(describe(alert), ensure_ascii=False, separators=(",", ":"))


def describe(alert: Alert) -> dict[str, Any]:
    """The payload as values."""
    evidence = list(_evidence(alert.finding))
    entities = _distinct_entities(alert.analysis)
    return {
        "type": LISTED_TYPE if alert.listing else TYPE,
        "timestamp": moment(alert.raised_at),
        "schema_version": SCHEMA_VERSION,
        "data": {
            "alert_id": alert.id,
            "watch": {"id": alert.watch_id, "title": alert.watch_title, "labels": dict(alert.labels)},
            "kind": "newly_listed" if alert.listing else "matched",
            "listing": _describe_listing(alert.listing),
            "severity": alert.severity.value,
            "story": {
                "id": alert.story,
                "fact_revision": alert.fact_revision,
                "follows": alert.follows,
                "new": [{"kind": fact.kind, "value": shorten(fact.value)} for fact in alert.new[:_MOST_EVIDENCE]],
            },
            "sources": [_describe_source(source) for source in alert.sources[:_MOST_SOURCES]],
            "independent_sources": alert.independent_sources,
            "article": describe_article(alert.article, alert.analysis.language),
            "entities": entities[:_MOST_ENTITIES],
            "topics": describe_topics(alert.analysis),
            "events": [describe_event(event) for event in _asked_first(alert)[:_MOST_EVENTS]],
            "evidence": evidence[:_MOST_EVIDENCE],
            "explanation": describe_finding(alert.finding),
            "truncated": {
                "entities": max(len(entities) - _MOST_ENTITIES, 0),
                "events": max(len(alert.analysis.events) - _MOST_EVENTS, 0),
                "evidence": max(len(evidence) - _MOST_EVIDENCE, 0),
                "sources": max(len(alert.sources) - _MOST_SOURCES, 0),
            },
            "config": alert.config_hash,
            "model": alert.analysis.model,
            "model_reads_language": alert.analysis.is_language_known,
        },
    }


def describe_article(article: Article, language: str) -> dict[str, Any]:
    """What a receiver needs to find and file the article; times are ISO 8601 in UTC or null."""
    return {
        "id": article.id,
        "title": shorten(article.title),
        "link": article.link,
        "source": article.source,
        "published": moment(article.published),
        "first_seen": moment(article.first_seen),
        "language": language,
        "author": shorten(article.author),
        "tags": list(article.tags),
        "text_from": article.text_from,
        "text_reason": shorten(article.text_reason),
    }


def _describe_listing(listing: Listing | None) -> dict[str, Any] | None:
    """The party, and how many stories name it: the newest `alerted_stories` of them get an alert each."""
    if listing is None:
        return None
    counted = {"articles": listing.articles, "stories": listing.stories, "alerted_stories": listing.told}
    return {**_describe_entry(listing.entry)["entry"], **counted}


def _describe_source(source: Source) -> dict[str, Any]:
    return {
        "article_id": source.article_id,
        "name": shorten(source.name),
        "publisher": shorten(source.publisher),
        "link": source.link,
        "first_seen": moment(source.seen_at),
        "is_copy": source.is_copy,
    }


def describe_topics(analysis: Analysis) -> list[dict[str, Any]]:
    """The reported topics with score and up to two evidence sentences each."""
    return [
        {
            "topic": topic.topic,
            "score": round(topic.score, 4),
            "evidence": [{"start": s.start, "end": s.end, "text": shorten(s.text)} for s in topic.evidence[:2]],
        }
        for topic in analysis.topics
        if topic.is_reported
    ]


def _asked_first(alert: Alert) -> list[Event]:
    """The article's events, those that made the watch fire before the others."""
    asked = {(row["start"], row["end"]) for row in _evidence(alert.finding) if row["condition"] == "event"}
    return sorted(alert.analysis.events, key=lambda event: events.extent(event) not in asked)


def describe_event(event: Event) -> dict[str, Any]:
    """The event as one line, and what fills its roles."""
    return {
        "type": event.type,
        "modality": event.modality,
        "learnt": None if event.learnt is None else round(event.learnt, 2),
        "line": events.line(event),
        "trigger": {"start": event.trigger.start, "end": event.trigger.end, "text": shorten(event.trigger.text)},
        "roles": [
            {"role": f.role, "text": shorten(f.text), "start": f.start, "end": f.end,
             "label": f.label, "id": f.id, "name": events.name(f)}
            for f in event.fillers[:_MOST_FILLERS]
        ],
    }  # fmt: skip


def describe_finding(finding: Finding) -> dict[str, Any]:
    """The tree of conditions with truth, score and offsets; the words are in `evidence`."""
    described: dict[str, Any] = {"kind": finding.kind, "asks": shorten(finding.asks), "truth": finding.truth}
    if finding.score is not None:
        described["score"] = round(finding.score, 4)
    if finding.contribution is not None:
        described["contribution"] = round(finding.contribution, 4)
    if finding.evidence:
        described["spans"] = [[e.start, e.end] for e in finding.evidence[:_MOST_EVIDENCE]]
        described["zones"] = [e.zone for e in finding.evidence[:_MOST_EVIDENCE]]
        if entries := list(dict.fromkeys(e.entry for e in finding.evidence if e.entry)):
            described["entries"] = [_describe_entry(entry)["entry"] for entry in entries[:_MOST_EVIDENCE]]
    if finding.children:
        described["children"] = [describe_finding(child) for child in finding.children]
    return described


def _evidence(finding: Finding) -> list[Mapping[str, Any]]:
    if finding.truth != "true" or finding.kind == "none":
        return []
    own = [
        {"condition": finding.kind, "asks": shorten(finding.asks), "start": e.start, "end": e.end,
         "text": shorten(e.text), "zone": e.zone} | _describe_entry(e.entry)
        for e in finding.evidence
    ]  # fmt: skip
    return own + [evidence for child in finding.children for evidence in _evidence(child)]


def _describe_entry(entry: ListEntry | None) -> dict[str, Any]:
    """The listed party that the words name."""
    if entry is None:
        return {}
    return {"entry": {"list": entry.list, "id": entry.id, "name": entry.name, "programme": entry.programme}}


def _distinct_entities(analysis: Analysis) -> list[dict[str, Any]]:
    """One row for each distinct name, at its first place in the text."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for entity in analysis.entities:
        row = {"text": shorten(entity.text), "label": entity.label, "id": entity.id}
        seen.setdefault((entity.text, entity.label), row | {"start": entity.start, "end": entity.end})
    return list(seen.values())


def shorten(text: str, limit: int = _TEXT_LIMIT) -> str:
    """At most `limit` characters, the last an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second, ending in Z."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
