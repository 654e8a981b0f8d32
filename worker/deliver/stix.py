"""Alerts as STIX 2.1 (OASIS): an alert is a report on what its article names, with a note that says why it was raised.

    identity   Tocsin, the source, and the people and organisations that are named
    location   the countries that are named
    report     the alert
    note       the evidence
    opinion    a person's verdict, where there is one

A news item is neither an indicator nor a sighting of one, and is not said to be. Ids are UUIDs of version 5, so that the
same alert is the same object however often and from wherever it is sent.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from worker.deliver import payload
from worker.deliver.shared_alert import SharedAlert

MEDIA_TYPE = "application/stix+json;version=2.1"
_NAMES = uuid.UUID("6e5f1d0a-6a5b-5d57-8f0e-1b7a2c9d4e30")
_ALWAYS = "2026-01-01T00:00:00.000Z"
"""When an object came about that is only a name: the same for all who make it."""
_CLASSES = {"PERSON": "individual", "ORG": "organization"}
_COUNTRY_ID = 2

Row = dict[str, Any]


def bundle(alerts: Iterable[SharedAlert]) -> Row:
    """A bundle of alerts, each object once."""
    alerts = list(alerts)
    found = {row["id"]: row for alert in alerts for row in objects(alert)}
    return {
        "type": "bundle",
        "id": bundle_id([alert.data["alert_id"] for alert in alerts]),
        "objects": list(found.values()),
    }


def bundle_id(alert_ids: Sequence[str]) -> str:
    """The id of a bundle of these alerts."""
    return _id("bundle", *alert_ids)


def notice(id_: str, title: str, text: str, at: datetime) -> Row:
    """What is told to the operator and is no alert: a note on Tocsin itself."""
    maker = _maker()
    told = _dated("note", payload.moment(at) or "", id_)
    told |= {"abstract": title, "content": text or title, "object_refs": [maker["id"]]}
    return {"type": "bundle", "id": _id("bundle", id_), "objects": [maker, told]}


def objects(alert: SharedAlert) -> Iterator[Row]:
    """The objects of one alert, those it refers to first."""
    data, at = alert.data, alert.payload["timestamp"]
    yield _maker()
    named = [_identity("organization", data["article"]["source"] or "an unnamed source"), *_named(data["entities"])]
    yield from named
    report = _report(data, at, [row["id"] for row in named])
    yield report
    yield _note(data, at, report["id"])
    if alert.verdict:
        yield _opinion(alert, report["id"])


def _report(data: Mapping[str, Any], at: str, refs: Sequence[str]) -> Row:
    article, before = data["article"], data["story"].get("follows")
    report = _dated("report", at, data["alert_id"])
    external = [{"source_name": "tocsin", "external_id": data["alert_id"]}]
    if article["link"]:
        external.append({"source_name": article["source"] or "article", "url": article["link"]})
    evidence = list(dict.fromkeys(piece["text"] for piece in data["evidence"]))
    report |= {
        "name": article["title"] or "untitled",
        "description": "\n".join(evidence),
        "published": report["created"],
        "object_refs": [*refs, *([_id("report", before)] if before else [])],
        "labels": _labels(data),
        "external_references": external,
    }
    return report | ({"lang": article["language"]} if article["language"] else {})


def _labels(data: Mapping[str, Any]) -> list[str]:
    labels = [f"severity:{data['severity']}", f"watch:{data['watch']['id']}"]
    labels += [f"{name}:{value}" for name, value in data["watch"]["labels"].items()]
    return labels + [f"topic:{topic['topic']}" for topic in data["topics"]]


def _note(data: Mapping[str, Any], at: str, report: str) -> Row:
    lines = [f"{piece['asks']}: “{piece['text']}”" for piece in data["evidence"]]
    lines += [f"topic {topic['topic']}: {topic['score']:.2f}" for topic in data["topics"]]
    lines.append(
        f"{data['independent_sources']} independent sources; model {data['model']}; configuration {data['config']}"
    )
    told = {
        "abstract": f"Why {data['watch']['title']} was raised",
        "content": "\n".join(lines),
        "object_refs": [report],
    }
    return _dated("note", at, data["alert_id"]) | told


def _opinion(alert: SharedAlert, report: str) -> Row:
    at = payload.moment(alert.judged_at) or alert.payload["timestamp"]
    said = _dated("opinion", at, alert.data["alert_id"], alert.verdict or "", at)
    said |= {"opinion": "strongly-agree" if alert.verdict == "true" else "strongly-disagree", "object_refs": [report]}
    return said | ({"explanation": alert.reason} if alert.reason else {})


def _named(entities: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """Countries as locations, people and organisations as identities; a place without a country STIX cannot tell."""
    seen: set[str] = set()
    for entity in entities:
        country, kind = entity["id"] or "", _CLASSES.get(entity["label"])
        if len(country) == _COUNTRY_ID:
            row = _dated("location", _ALWAYS, country) | {"country": country}
        elif kind:
            row = _identity(kind, entity["text"])
        else:
            continue
        if row["id"] not in seen:
            seen.add(row["id"])
            yield row


def _identity(kind: str, name: str) -> Row:
    return _dated("identity", _ALWAYS, kind, name) | {"name": name, "identity_class": kind}


def _maker() -> Row:
    maker = _dated("identity", _ALWAYS, "system", "Tocsin") | {"name": "Tocsin", "identity_class": "system"}
    del maker["created_by_ref"]
    return maker


def _dated(kind: str, at: str, *name: str) -> Row:
    """What every object has. Times have milliseconds, as the specification wants."""
    moment = at if "." in at else at.removesuffix("Z") + ".000Z"
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": _id(kind, *name),
        "created_by_ref": _id("identity", "system", "Tocsin"),
        "created": moment,
        "modified": moment,
    }


def _id(kind: str, *name: str) -> str:
    return f"{kind}--{uuid.uuid5(_NAMES, '|'.join((kind, *name)))}"
