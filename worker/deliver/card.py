"""What any format is made of: the parts of an alert that a message shows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.deliver import payload
from worker.model import Alert, Listing, Severity


@dataclass(frozen=True, slots=True)
class Card:
    """What any format is made of. `group` is what belongs together; `payload` is the whole of it as Tocsin says it."""

    id: str
    group: str
    title: str
    text: str
    link: str
    severity: Severity
    facts: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    at: datetime
    payload: Mapping[str, Any]


def alert_card(alert: Alert) -> Card:
    """An alert's card; its text is the first evidence, and what is new where it follows another alert."""
    described = payload.describe(alert)
    evidence = [piece["text"] for piece in described["data"]["evidence"][:2]]
    new = ", ".join(fact.value for fact in alert.new)
    facts = [
        ("Severity", alert.severity.value),
        ("Source", alert.article.source),
        ("Independent sources", str(alert.independent_sources)),
        *([("New", new)] if new else []),
        *([("Newly listed", _party(alert.listing))] if alert.listing else []),
        ("Watch", alert.watch_title),
    ]
    labels = {**dict(alert.labels), "alertname": alert.watch_id, "watch": alert.watch_id}
    labels |= {"severity": alert.severity.value, "source": alert.article.source, "story": alert.story}
    return Card(
        id=alert.id,
        group=f"{alert.watch_id}/{alert.story}",
        title=alert.article.title,
        text="\n".join(evidence),
        link=alert.article.link,
        severity=alert.severity,
        facts=tuple(facts),
        labels=tuple(labels.items()),
        at=alert.raised_at,
        payload=described,
    )


def _party(listing: Listing) -> str:
    entry = listing.entry
    under = f", {entry.programme}" if entry.programme else ""
    return f"{entry.name} ({entry.list}{under}); found in an article of before"


def freeze(card: Card) -> str:
    """The card as text, without its payload: that is the alert's own record."""
    return json.dumps(
        [
            card.id,
            card.group,
            card.title,
            card.text,
            card.link,
            card.severity.value,
            card.facts,
            card.labels,
            card.at.isoformat(),
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def thaw(frozen: str, record: str) -> Card:
    """The card that `freeze` was given, with the alert's record as its payload."""
    id_, group, title, text, link, severity, facts, labels, at = json.loads(frozen)
    return Card(
        id=id_,
        group=group,
        title=title,
        text=text,
        link=link,
        severity=Severity(severity),
        facts=tuple((name, value) for name, value in facts),
        labels=tuple((name, value) for name, value in labels),
        at=datetime.fromisoformat(at),
        payload=json.loads(record),
    )
