"""The body an endpoint gets, in whatever it speaks."""

import json
from collections.abc import Mapping
from typing import Any

from worker.deliver import digest_formats, formats, template
from worker.deliver.card import Card
from worker.deliver.digest import DigestCard
from worker.deliver.formats import cut, quiet
from worker.model import JSON_TYPE, Endpoint, Format, Severity

_LINES = 50
_KINDS = {
    Severity.INFO: "info", Severity.LOW: "info", Severity.MEDIUM: "warning", Severity.HIGH: "warning",
    Severity.CRITICAL: "failure",
}  # fmt: skip


def render(card: Card | DigestCard, endpoint: Endpoint) -> tuple[str, str]:
    """The body in the endpoint's format, and its content type. What a template cannot make is told in plain words."""
    if endpoint.format is Format.TEMPLATE:
        return _templated(card, endpoint)
    if endpoint.format is Format.APPRISE:
        return formats.dump(_apprise(card)), JSON_TYPE
    if isinstance(card, DigestCard):
        return digest_formats.render(card, endpoint.format, endpoint.name)
    return formats.render(card, endpoint.format, endpoint.name)


def template_values(card: Card | DigestCard) -> Mapping[str, Any]:
    """What a template sees: the message in short, `alerts`, the first of them as `alert`, and `digest`, which one alert has not."""
    data = card.payload["data"]
    short = {"id": card.id, "title": card.title, "severity": card.severity.value, "raised": card.payload["timestamp"]}
    if isinstance(card, DigestCard):
        text = "\n".join(_line(one) for one in card.cards)
        alerts = data["alerts"]
        return {
            **short,
            "kind": card.kind,
            "text": text,
            "link": "",
            "alerts": alerts,
            "alert": alerts[0],
            "digest": data,
        }
    return {
        **short,
        "kind": "alert",
        "text": card.text,
        "link": card.link,
        "alerts": [data],
        "alert": data,
        "digest": None,
    }


def _templated(card: Card | DigestCard, endpoint: Endpoint) -> tuple[str, str]:
    if card.payload["type"].startswith("tocsin."):  # a notice, which has no alert to speak of
        return _plainly(card, endpoint, ""), endpoint.content_type
    try:
        body = template.render(endpoint.template, endpoint.content_type, template_values(card))
    except template.TemplateError as error:
        body = _plainly(card, endpoint, str(error))
    return body, endpoint.content_type


def _plainly(card: Card | DigestCard, endpoint: Endpoint, error: str) -> str:
    """An alert is told even where its template fails."""
    values = template_values(card) if "article" in card.payload["data"] or isinstance(card, DigestCard) else None
    text = values["text"] if values else getattr(card, "text", "")
    link = getattr(card, "link", "")
    told = {"id": card.id, "severity": card.severity.value, "title": card.title, "text": text, "link": link}
    told |= {"template_error": error} if error else {}
    if endpoint.content_type == template.JSON:
        return json.dumps(told, ensure_ascii=False)
    if endpoint.content_type == template.HTML:
        from markupsafe import escape

        return "".join(f"<p>{escape(value)}</p>" for value in told.values() if value)
    return "\n".join(value for value in told.values() if value)


def _apprise(card: Card | DigestCard) -> Mapping[str, str]:
    """A title, a plain text and a kind; services that read mentions in plain text are kept from ringing anybody."""
    if isinstance(card, DigestCard):
        lines = [_line(one) for one in card.cards[:_LINES]]
        if more := card.total - len(lines):
            lines.append(f"and {more} more")
    else:
        lines = [card.text, *(f"{name}: {cut(value, 200)}" for name, value in card.facts), card.link]
    return {
        "title": _harmless(_one_line(f"{card.severity.value}: {cut(card.title, 250)}")),
        "body": _harmless("\n".join(line for line in lines if line)),
        "type": _KINDS[card.severity],
    }


def _line(card: Card) -> str:
    title = _one_line(cut(card.title, 180))
    return f"{card.severity.value}: {title} ({cut(card.payload['data']['article']['source'], 80)}) {card.link}".rstrip()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _harmless(text: str) -> str:
    return quiet(text).replace("<!", "<\u200b!").replace("<#", "<\u200b#")
