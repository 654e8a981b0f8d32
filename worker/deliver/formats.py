"""What messengers and other alert systems want to read. Everything an article brought is quoted for its reader.

A publisher chooses titles and sentences, so none of them may ring a channel, forge a link or break the layout: each
format puts them where nothing is interpreted, or escapes what would be.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from worker.deliver import misp, payload, stix
from worker.deliver.shared_alert import SharedAlert
from worker.model import JSON_TYPE, Alert, Format, Listing, Severity

_COLOURS = {
    Severity.INFO: "#5b8def", Severity.LOW: "#3fa796", Severity.MEDIUM: "#e0a800", Severity.HIGH: "#e8590c",
    Severity.CRITICAL: "#c92a2a",
}  # fmt: skip
_PAGER = {
    Severity.INFO: "info", Severity.LOW: "info", Severity.MEDIUM: "warning", Severity.HIGH: "error",
    Severity.CRITICAL: "critical",
}  # fmt: skip
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:>])")
_LINK_SAFE = "%:/?=&;#@,+!~$*."
_TITLE, _TEXT = 250, 1_500


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


def render(card: Card, wanted: Format, endpoint: str) -> tuple[str, str]:
    """The body in the wanted format, and its content type."""
    if wanted is Format.CLOUDEVENTS:
        return _dump(_cloudevents(card)), "application/cloudevents+json; charset=utf-8"
    if wanted is Format.STIX:
        return _dump(_stix(card)), stix.MEDIA_TYPE
    made = _alertmanager(card, endpoint) if wanted is Format.ALERTMANAGER else _MAKERS[wanted](card)
    return _dump(made), JSON_TYPE


def _cloudevents(card: Card) -> Mapping[str, Any]:
    """CloudEvents 1.0, structured mode."""
    return {
        "specversion": "1.0",
        "id": card.id,
        "source": "/tocsin",
        "type": card.payload["type"],
        "subject": card.group,
        "time": payload.moment(card.at),
        "datacontenttype": JSON_TYPE,
        "data": card.payload["data"],
    }


def _alertmanager(card: Card, endpoint: str) -> Mapping[str, Any]:
    """Version 4 of Alertmanager's webhook: a group of one firing alert."""
    labels = {re.sub(r"\W", "_", name): value for name, value in card.labels}
    annotations = {"summary": card.title, "description": card.text}
    one = {
        "status": "firing",
        "labels": labels,
        "annotations": annotations,
        "startsAt": payload.moment(card.at),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": card.link,
        "fingerprint": hashlib.sha256(card.id.encode()).hexdigest()[:16],
    }
    return {
        "version": "4",
        "groupKey": card.group,
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": endpoint,
        "groupLabels": {"alertname": labels["alertname"]},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [one],
    }


def _slack(card: Card) -> Mapping[str, Any]:
    """Block Kit with `plain_text` throughout, which interprets nothing; the fall-back text is escaped."""
    blocks: list[Mapping[str, Any]] = [
        {"type": "header", "text": _plain(card.title, 150)},
        {"type": "section", "fields": [_plain(f"{name}: {value}", 200) for name, value in card.facts]},
    ]
    if card.text:
        blocks.append({"type": "section", "text": _plain(card.text, _TEXT)})
    if card.link:
        button = {"type": "button", "text": _plain("Read the article", 75), "url": _link(card.link)}
        blocks.append({"type": "actions", "elements": [button]})
    text = _cut(f"{card.severity.value}: {card.title}", _TITLE)
    return {"text": _escape_slack(text), "blocks": blocks, "unfurl_links": False}


def _plain(text: str, limit: int) -> Mapping[str, Any]:
    return {"type": "plain_text", "text": _cut(text, limit) or "–", "emoji": False}


def _escape_slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(card: Card) -> Mapping[str, Any]:
    """An Adaptive Card; text runs of a RichTextBlock are not read as markdown, as a TextBlock's text would be."""

    def runs(text: str, **style: object) -> Mapping[str, Any]:
        return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}

    body = [runs(_cut(card.title, _TITLE), weight="Bolder", size="Medium")]
    body += [runs(f"{name}: {_cut(value, 200)}", isSubtle=True) for name, value in card.facts]
    body += [runs(_cut(card.text, _TEXT))] if card.text else []
    actions = [{"type": "Action.OpenUrl", "title": "Read the article", "url": _link(card.link)}] if card.link else []
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": actions,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _discord(card: Card) -> Mapping[str, Any]:
    """An embed, whose markdown is escaped; `allowed_mentions` sees to it that nobody is rung."""
    embed: dict[str, Any] = {
        "title": _markdown(_cut(card.title, 120)),
        "description": _markdown(_cut(card.text, _TEXT)),
        "color": int(_COLOURS[card.severity][1:], 16),
        "timestamp": payload.moment(card.at),
        "fields": [
            {"name": name, "value": _markdown(_cut(value, 200)) or "–", "inline": True} for name, value in card.facts
        ],
    }
    if card.link:
        embed["url"] = _link(card.link)
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _mattermost(card: Card) -> Mapping[str, Any]:
    """An attachment with its markdown escaped; an invisible character after @ keeps anybody from being rung."""
    attachment = {
        "fallback": _quiet(_cut(f"{card.severity.value}: {card.title}", _TITLE)),
        "color": _COLOURS[card.severity],
        "title": _quiet(_markdown(_cut(card.title, _TITLE))),
        "title_link": _link(card.link),
        "text": _quiet(_markdown(_cut(card.text, _TEXT))),
        "fields": [
            {"title": name, "value": _quiet(_markdown(_cut(value, 200))), "short": True} for name, value in card.facts
        ],
    }
    return {"text": "", "attachments": [attachment]}


def _pagerduty(card: Card) -> Mapping[str, Any]:
    """Events API v2: all alerts of a watch on one story are one incident. The integration key goes in a header."""
    return {
        "event_action": "trigger",
        "dedup_key": card.group[:255],
        "client": "Tocsin",
        "links": [{"href": _link(card.link), "text": "Article"}] if card.link else [],
        "payload": {
            "summary": _cut(card.title, 1_000) or "–",
            "source": dict(card.labels).get("source", "tocsin"),
            "severity": _PAGER[card.severity],
            "timestamp": payload.moment(card.at),
            "class": dict(card.labels)["alertname"],
            "custom_details": {name: _cut(value, 200) for name, value in card.facts} | {"text": _cut(card.text, _TEXT)},
        },
    }


def _stix(card: Card) -> Mapping[str, Any]:
    if card.payload["type"] == payload.TYPE:
        return stix.bundle([SharedAlert(card.payload)])
    return stix.notice(card.id, card.title, card.text, card.at)


def _misp(card: Card) -> Mapping[str, Any]:
    if card.payload["type"] == payload.TYPE:
        return misp.event(SharedAlert(card.payload))
    return misp.notice(card.id, card.title, card.text, card.at)


_MAKERS: Mapping[Format, Callable[[Card], Mapping[str, Any]]] = {
    Format.STANDARD: lambda card: card.payload,
    Format.SLACK: _slack,
    Format.TEAMS: _teams,
    Format.DISCORD: _discord,
    Format.MATTERMOST: _mattermost,
    Format.PAGERDUTY: _pagerduty,
    Format.MISP: _misp,
}


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _markdown(text: str) -> str:
    """Every character that markdown could read is preceded by a backslash."""
    return _MARKDOWN.sub(r"\\\1", text)


def _quiet(text: str) -> str:
    return text.replace("@", "@\u200b")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _link(link: str) -> str:
    """The address with everything percent-encoded that could end it early."""
    return quote(link, safe=_LINK_SAFE)
