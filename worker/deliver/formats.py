"""What messengers and other alert systems want to read. Everything an article brought is quoted for its reader.

A publisher chooses titles and sentences, so none of them may ring a channel, forge a link or break the layout: each
format puts them where nothing is interpreted, or escapes what would be.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from worker.deliver import misp, payload, stix
from worker.deliver.card import Card
from worker.deliver.digest import DigestCard
from worker.deliver.shared_alert import SharedAlert
from worker.model import JSON_TYPE, Format, Severity

COLOURS = {
    Severity.INFO: "#5b8def", Severity.LOW: "#3fa796", Severity.MEDIUM: "#e0a800", Severity.HIGH: "#e8590c",
    Severity.CRITICAL: "#c92a2a",
}  # fmt: skip
PAGER = {
    Severity.INFO: "info", Severity.LOW: "info", Severity.MEDIUM: "warning", Severity.HIGH: "error",
    Severity.CRITICAL: "critical",
}  # fmt: skip
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:>])")
_LINK_SAFE = "%:/?=&;#@,+!~$*."
_TITLE, _TEXT = 250, 1_500


def render(card: Card, wanted: Format, endpoint: str) -> tuple[str, str]:
    """The body in the wanted format, and its content type."""
    if wanted is Format.CLOUDEVENTS:
        return dump(cloudevent(card)), "application/cloudevents+json; charset=utf-8"
    if wanted is Format.STIX:
        return dump(_stix(card)), stix.MEDIA_TYPE
    made = _alertmanager(card, endpoint) if wanted is Format.ALERTMANAGER else _MAKERS[wanted](card)
    return dump(made), JSON_TYPE


def cloudevent(card: Card | DigestCard) -> Mapping[str, Any]:
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
    labels = [("alertname", dict(card.labels)["alertname"])]
    return alertmanager_group(card.group, labels, [card], 0, endpoint)


def alertmanager_group(
    key: str, labels: Iterable[tuple[str, str]], cards: Iterable[Card], others: int, receiver: str
) -> Mapping[str, Any]:
    """Version 4 of Alertmanager's webhook: firing alerts in one message that leaves `others` out."""
    alerts = [_alertmanager_alert(card) for card in cards]
    return {
        "version": "4",
        "groupKey": key,
        "truncatedAlerts": others,
        "status": "firing",
        "receiver": receiver,
        "groupLabels": _prometheus_labels(labels),
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": "",
        "alerts": alerts,
    }


def _common(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: value for name, value in rows[0].items() if all(row.get(name) == value for row in rows)}


def _prometheus_labels(labels: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {re.sub(r"\W", "_", name): value for name, value in labels}


def _alertmanager_alert(card: Card) -> Mapping[str, Any]:
    return {
        "status": "firing",
        "labels": _prometheus_labels(card.labels),
        "annotations": {"summary": card.title, "description": card.text},
        "startsAt": payload.moment(card.at),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": card.link,
        "fingerprint": hashlib.sha256(card.id.encode()).hexdigest()[:16],
    }


def _slack(card: Card) -> Mapping[str, Any]:
    """Block Kit with `plain_text` throughout, which interprets nothing; the fall-back text is escaped."""
    blocks: list[Mapping[str, Any]] = [
        {"type": "header", "text": plain(card.title, 150)},
        {"type": "section", "fields": [plain(f"{name}: {value}", 200) for name, value in card.facts]},
    ]
    if card.text:
        blocks.append({"type": "section", "text": plain(card.text, _TEXT)})
    if card.link:
        button = {"type": "button", "text": plain("Read the article", 75), "url": link(card.link)}
        blocks.append({"type": "actions", "elements": [button]})
    text = cut(f"{card.severity.value}: {card.title}", _TITLE)
    return {"text": escape_slack(text), "blocks": blocks, "unfurl_links": False}


def plain(text: str, limit: int) -> Mapping[str, Any]:
    return {"type": "plain_text", "text": cut(text, limit) or "–", "emoji": False}


def escape_slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(card: Card) -> Mapping[str, Any]:
    """An Adaptive Card; text runs of a RichTextBlock are not read as markdown, as a TextBlock's text would be."""

    def runs(text: str, **style: object) -> Mapping[str, Any]:
        return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}

    body = [runs(cut(card.title, _TITLE), weight="Bolder", size="Medium")]
    body += [runs(f"{name}: {cut(value, 200)}", isSubtle=True) for name, value in card.facts]
    body += [runs(cut(card.text, _TEXT))] if card.text else []
    actions = [{"type": "Action.OpenUrl", "title": "Read the article", "url": link(card.link)}] if card.link else []
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
        "title": markdown(cut(card.title, 120)),
        "description": markdown(cut(card.text, _TEXT)),
        "color": int(COLOURS[card.severity][1:], 16),
        "timestamp": payload.moment(card.at),
        "fields": [
            {"name": name, "value": markdown(cut(value, 200)) or "–", "inline": True} for name, value in card.facts
        ],
    }
    if card.link:
        embed["url"] = link(card.link)
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _mattermost(card: Card) -> Mapping[str, Any]:
    """An attachment with its markdown escaped; an invisible character after @ keeps anybody from being rung."""
    attachment = {
        "fallback": quiet(cut(f"{card.severity.value}: {card.title}", _TITLE)),
        "color": COLOURS[card.severity],
        "title": quiet(markdown(cut(card.title, _TITLE))),
        "title_link": link(card.link),
        "text": quiet(markdown(cut(card.text, _TEXT))),
        "fields": [
            {"title": name, "value": quiet(markdown(cut(value, 200))), "short": True} for name, value in card.facts
        ],
    }
    return {"text": "", "attachments": [attachment]}


def _pagerduty(card: Card) -> Mapping[str, Any]:
    """Events API v2: all alerts of a watch on one story are one incident. The integration key goes in a header."""
    return {
        "event_action": "trigger",
        "dedup_key": card.group[:255],
        "client": "Tocsin",
        "links": [{"href": link(card.link), "text": "Article"}] if card.link else [],
        "payload": {
            "summary": cut(card.title, 1_000) or "–",
            "source": dict(card.labels).get("source", "tocsin"),
            "severity": PAGER[card.severity],
            "timestamp": payload.moment(card.at),
            "class": dict(card.labels)["alertname"],
            "custom_details": {name: cut(value, 200) for name, value in card.facts} | {"text": cut(card.text, _TEXT)},
        },
    }


def _stix(card: Card) -> Mapping[str, Any]:
    if card.payload["type"] in (payload.TYPE, payload.LISTED_TYPE):
        return stix.bundle([SharedAlert(card.payload)])
    return stix.notice(card.id, card.title, card.text, card.at)


def _misp(card: Card) -> Mapping[str, Any]:
    if card.payload["type"] in (payload.TYPE, payload.LISTED_TYPE):
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


def dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def markdown(text: str) -> str:
    """Every character that markdown could read is preceded by a backslash."""
    return _MARKDOWN.sub(r"\\\1", text)


def quiet(text: str) -> str:
    return text.replace("@", "@\u200b")


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def link(link: str) -> str:
    """The address with everything percent-encoded that could end it early."""
    return quote(link, safe=_LINK_SAFE)
