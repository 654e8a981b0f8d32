"""What messengers and other alert systems are told of several alerts at once. Quotes articles as `formats` does."""

from collections.abc import Callable, Mapping
from typing import Any

from worker.deliver import misp, payload, stix
from worker.deliver.card import Card
from worker.deliver.digest import DigestCard
from worker.deliver.formats import (
    COLOURS,
    PAGER,
    alertmanager_group,
    cloudevent,
    cut,
    dump,
    escape_slack,
    link,
    markdown,
    plain,
    quiet,
)
from worker.deliver.shared_alert import SharedAlert
from worker.model import JSON_TYPE, Format

_LINE = 180
_LINES = 3_500
_ATTACHMENTS = 10


def render(card: DigestCard, wanted: Format, endpoint: str) -> tuple[str, str]:
    """The body in the wanted format, and its content type."""
    if wanted is Format.CLOUDEVENTS:
        return dump(cloudevent(card)), "application/cloudevents+json; charset=utf-8"
    if wanted is Format.STIX:
        return dump(stix.bundle(SharedAlert(one.payload) for one in card.cards)), stix.MEDIA_TYPE
    made = _alertmanager(card, endpoint) if wanted is Format.ALERTMANAGER else _MAKERS[wanted](card)
    return dump(made), JSON_TYPE


def _alertmanager(card: DigestCard, endpoint: str) -> Mapping[str, Any]:
    return alertmanager_group(card.group, card.labels, card.cards, card.others, endpoint)


def _slack(card: DigestCard) -> Mapping[str, Any]:
    """Rich text, whose elements are given apart and not read as mrkdwn; the fall-back text is escaped."""
    lines = [{"type": "rich_text_section", "elements": _slack_line(one)} for one in card.cards]
    blocks: list[Mapping[str, Any]] = [
        {"type": "header", "text": plain(card.title, 150)},
        {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": lines}]},
    ]
    if card.others:
        blocks.append({"type": "section", "text": plain(_rest(card), _LINE)})
    return {"text": escape_slack(cut(card.title, _LINE)), "blocks": blocks, "unfurl_links": False}


def _slack_line(card: Card) -> list[Mapping[str, Any]]:
    title = cut(card.title, _LINE) or "–"
    named: Mapping[str, Any] = {"type": "text", "text": title}
    if card.link:
        named = {"type": "link", "url": link(card.link), "text": title}
    said = f"{card.severity.value}: ", f" ({cut(_source(card), 80)})"
    return [{"type": "text", "text": said[0], "style": {"bold": True}}, named, {"type": "text", "text": said[1]}]


def _teams(card: DigestCard) -> Mapping[str, Any]:
    """An Adaptive Card; text runs are not read as markdown, and a run with an action is a link."""
    body = [{"type": "RichTextBlock", "inlines": [_run(cut(card.title, _LINE), weight="Bolder", size="Medium")]}]
    body += [{"type": "RichTextBlock", "inlines": _teams_line(one)} for one in card.cards]
    body += [{"type": "RichTextBlock", "inlines": [_run(_rest(card), isSubtle=True)]}] if card.others else []
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _teams_line(card: Card) -> list[Mapping[str, Any]]:
    action = {"selectAction": {"type": "Action.OpenUrl", "url": link(card.link)}} if card.link else {}
    return [
        _run(f"{card.severity.value}: ", weight="Bolder"),
        _run(cut(card.title, _LINE) or "–", **action),
        _run(f" ({cut(_source(card), 80)})", isSubtle=True),
    ]


def _run(text: str, **style: object) -> Mapping[str, Any]:
    return {"type": "TextRun", "text": text, **style}


def _discord(card: DigestCard) -> Mapping[str, Any]:
    """One embed with a line for each alert; its markdown is escaped, and nobody is rung."""
    embed: dict[str, Any] = {
        "title": markdown(cut(card.title, 120)),
        "description": _markdown_lines(card),
        "color": int(COLOURS[card.severity][1:], 16),
        "timestamp": payload.moment(card.at),
    }
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _mattermost(card: DigestCard) -> Mapping[str, Any]:
    """An attachment for each of the first alerts; an invisible character after @ keeps anybody from being rung."""
    shown = [
        {
            "fallback": quiet(cut(f"{one.severity.value}: {one.title}", _LINE)),
            "color": COLOURS[one.severity],
            "title": quiet(markdown(cut(one.title, _LINE))),
            "title_link": link(one.link),
            "text": quiet(markdown(f"{one.severity.value}, {cut(_source(one), 80)}")),
        }
        for one in card.cards[:_ATTACHMENTS]
    ]
    more = card.total - len(shown)
    footer = [{"fallback": f"and {more} more", "text": f"and {more} more"}] if more else []
    return {"text": quiet(markdown(cut(card.title, _LINE))), "attachments": [*shown, *footer]}


def _pagerduty(card: DigestCard) -> Mapping[str, Any]:
    """Events API v2: all messages of a group are one incident."""
    links = [{"href": link(one.link), "text": cut(one.title, _LINE)} for one in card.cards[:_ATTACHMENTS] if one.link]
    lines = [f"{one.severity.value}: {cut(one.title, _LINE)} ({cut(_source(one), 80)})" for one in card.cards]
    return {
        "event_action": "trigger",
        "dedup_key": card.group[:255],
        "client": "Tocsin",
        "links": links,
        "payload": {
            "summary": cut(card.title, 1_000),
            "source": "tocsin",
            "severity": PAGER[card.severity],
            "timestamp": payload.moment(card.at),
            "class": card.kind,
            "custom_details": {"alerts": lines, "total": card.total, "labels": dict(card.labels)},
        },
    }


def _misp(card: DigestCard) -> Mapping[str, Any]:
    """MISP takes one event at a time, hence an event that lists the alerts; each in full is at the API."""
    lines = [f"{one.severity.value}: {cut(one.title, _LINE)} {one.link}".rstrip() for one in card.cards]
    return misp.notice(card.id, card.title, "\n".join([*lines, *([_rest(card)] if card.others else [])]), card.at)


_MAKERS: Mapping[Format, Callable[[DigestCard], Mapping[str, Any]]] = {
    Format.STANDARD: lambda card: card.payload,
    Format.SLACK: _slack,
    Format.TEAMS: _teams,
    Format.DISCORD: _discord,
    Format.MATTERMOST: _mattermost,
    Format.PAGERDUTY: _pagerduty,
    Format.MISP: _misp,
}


def _markdown_lines(card: DigestCard) -> str:
    """As many alerts as a message has room for, each on its line with an escaped title and an encoded address."""
    lines: list[str] = []
    for one in card.cards:
        title = markdown(cut(one.title, _LINE)) or "–"
        linked = f"[{title}](<{link(one.link)}>)" if one.link else title
        line = f"**{one.severity.value}** {linked} ({markdown(cut(_source(one), 80))})"
        if sum(map(len, lines)) + len(line) > _LINES:
            break
        lines.append(line)
    if more := card.total - len(lines):
        lines.append(f"and {more} more")
    return "\n".join(lines)


def _rest(card: DigestCard) -> str:
    counted = ", ".join(f"{number} {cut(title, 60)}" for title, number in card.by_watch[:5])
    return f"and {card.others} more; in all {counted}"


def _source(card: Card) -> str:
    return str(card.payload["data"]["article"]["source"])
