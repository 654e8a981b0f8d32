"""The alerts of a watch as an Atom feed (RFC 4287) for feed readers."""

import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

_ATOM = "http://www.w3.org/2005/Atom"
_UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""
_NAMES = uuid.UUID("1d5b1c5e-6f0a-5c0a-9d4e-2a8f0c6b7e11")
_NEVER = "1970-01-01T00:00:00Z"


def atom_feed(watch_id: str, title: str, alerts: Sequence[Mapping[str, Any]], address: str) -> str:
    """The feed's document; `alerts` as the API shows them, the newest first, `address` where it is read.

    The same alerts give the same bytes, and an alert's entry keeps its id for good.
    """
    ET.register_namespace("", _ATOM)
    root = _element(None, "feed")
    _element(root, "id", _urn(f"watch/{watch_id}"))
    _element(root, "title", title)
    _element(root, "updated", _moment(alerts[0]["raised_at"]) if alerts else _NEVER)
    _element(root, "link", rel="self", href=address)
    _element(_element(root, "author"), "name", "Tocsin")
    for alert in alerts:
        _entry(root, alert)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def _entry(root: ET.Element, alert: Mapping[str, Any]) -> None:
    entry = _element(root, "entry")
    article = alert["article"]
    _element(entry, "id", _urn(f"alert/{alert['alert_id']}"))
    _element(entry, "title", f"[{alert['severity']}] {article['title']}")
    _element(entry, "updated", _moment(alert["raised_at"]))
    _element(entry, "published", _moment(alert["raised_at"]))
    _element(_element(entry, "author"), "name", article["source"])
    if article["link"].startswith(("https://", "http://")):
        _element(entry, "link", rel="alternate", href=article["link"])
    for term in (alert["severity"], *(topic["topic"] for topic in alert["topics"])):
        _element(entry, "category", term=term)
    quoted = list(dict.fromkeys(piece["text"] for piece in alert["evidence"]))
    _element(entry, "summary", "\n".join(quoted[:5]), type="text")


def _element(parent: ET.Element | None, name: str, text: str = "", /, **attributes: str) -> ET.Element:
    clean = {key: _UNSPEAKABLE.sub("", value) for key, value in attributes.items()}
    tag = f"{{{_ATOM}}}{name}"
    element = ET.Element(tag, clean) if parent is None else ET.SubElement(parent, tag, clean)
    element.text = _UNSPEAKABLE.sub("", text) or None
    return element


def _urn(name: str) -> str:
    return uuid.uuid5(_NAMES, name).urn


def _moment(iso: str) -> str:
    return iso.replace("+00:00", "Z")
