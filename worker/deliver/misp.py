"""Alerts as MISP events (core format), as they are imported from a file and taken by `/events/add`.

An event is of the receiver's own organisation only (distribution 0) and nothing in it is for detection (`to_ids`): news
names people and companies that did nothing.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from worker.deliver.shared_alert import SharedAlert

_NAMES = uuid.UUID("9f0f4b1e-52c7-5b8e-8a53-0f6d1c2b7a94")
_LEVELS = {"critical": "1", "high": "1", "medium": "2", "low": "3", "info": "4"}
"""MISP's high, medium, low, undefined."""
_COUNTRY_ID = 2
_LONGEST_INFO = 1_000

Row = dict[str, Any]


def event(alert: SharedAlert) -> Row:
    """The alert's event; its UUIDs are the same each time."""
    data = alert.data
    id_ = data["alert_id"]
    tags = [f'tocsin:severity="{data["severity"]}"', f'tocsin:watch="{data["watch"]["id"]}"']
    tags += [f'tocsin:topic="{topic["topic"]}"' for topic in data["topics"]]
    tags += [f'tocsin:verdict="{alert.verdict}"'] if alert.verdict else []
    made = _event(
        id_,
        data["article"]["title"] or "untitled",
        data["severity"],
        datetime.fromisoformat(alert.payload["timestamp"]),
    )
    made["Tag"] = [{"name": tag} for tag in tags]
    made["Attribute"] = list(_attributes(id_, _facts(data), made["timestamp"]))
    return {"Event": made}


def notice(id_: str, title: str, text: str, at: datetime) -> Row:
    """What is told to the operator and is no alert."""
    made = _event(id_, title, "info", at)
    made["Attribute"] = list(_attributes(id_, [("Internal reference", "text", text or title, "")], made["timestamp"]))
    return {"Event": made}


_Fact = tuple[str, str, str, str]
"""Category, type, value, comment."""


def _facts(data: Mapping[str, Any]) -> Iterator[_Fact]:
    yield "Internal reference", "text", data["alert_id"], "the alert's id in Tocsin"
    for source in (data["article"], *data["sources"]):
        if source["link"]:
            yield "External analysis", "link", source["link"], source.get("source") or source.get("name", "")
    for piece in data["evidence"]:
        yield "External analysis", "text", piece["text"], piece["asks"]
    for entity in data["entities"]:
        if len(entity["id"] or "") == _COUNTRY_ID:
            yield "Other", "text", entity["id"], "country"
        elif entity["label"] == "PERSON":
            yield "Person", "full-name", entity["text"], ""
        elif entity["label"] == "ORG":
            yield "Other", "text", entity["text"], "organisation"


def _attributes(id_: str, facts: Iterable[_Fact], timestamp: str) -> Iterator[Row]:
    """Each fact once: MISP takes no category, type and value twice."""
    seen: set[tuple[str, str, str]] = set()
    for category, kind, value, comment in facts:
        key = (category, kind, value)
        if value.strip() and key not in seen:
            seen.add(key)
            yield {
                "uuid": _uuid("attribute", id_, *key),
                "category": category,
                "type": kind,
                "value": value,
                "comment": comment,
                "to_ids": False,
                "distribution": "5",  # that of the event
                "timestamp": timestamp,
            }


def _event(id_: str, title: str, severity: str, moment: datetime) -> Row:
    return {
        "uuid": _uuid("event", id_),
        "info": title[:_LONGEST_INFO],
        "date": moment.date().isoformat(),
        "timestamp": str(int(moment.timestamp())),
        "threat_level_id": _LEVELS[severity],
        "analysis": "2",
        "distribution": "0",
        "published": False,
        "Orgc": {"name": "Tocsin", "uuid": _uuid("organisation", "Tocsin")},
    }


def _uuid(*name: str) -> str:
    return str(uuid.uuid5(_NAMES, "|".join(name)))
