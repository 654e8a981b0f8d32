"""What of a configuration decides, as text that can be kept and read again years later.

Feeds keep their names and tags, endpoints their names and formats: no address and no secret is in it. Tests of watches,
which decide nothing, are left out. Every value says of which type of `worker.model` it is, and only what differs from the
type's defaults is written, so that a type may gain fields. Lists of names, which are large and change rarely, stand apart
under their own hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any

from worker import model
from worker.errors import InputError
from worker.model import Configuration, Endpoint, Feed, NameList

_PLAIN = (str, int, float, bool, type(None))
_ISO: dict[str, Any] = {"datetime": datetime, "date": date, "time": time}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A configuration's text, and by their SHA-256 the texts of the name lists it refers to."""

    text: str
    lists: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """Of the text, which names its lists by their hashes, and so of everything."""
        return _sha256(self.text)


def write(configuration: Configuration) -> Snapshot:
    """The snapshot. Raises TypeError where the configuration holds what cannot be written."""
    lists: dict[str, str] = {}
    plain = replace(
        configuration,
        feeds=tuple(Feed(id=feed.id, url="", name=feed.name, tags=feed.tags) for feed in configuration.feeds),
        endpoints=tuple(Endpoint(one.name, "", (), format=one.format) for one in configuration.endpoints),
        watches=tuple(replace(watch, tests=()) for watch in configuration.watches),
        files=(),
    )
    return Snapshot(_text(_encode(plain, lists)), lists)


def read(snapshot: Snapshot) -> Configuration:
    """The reverse of `write`. Raises InputError where another version wrote it, or it was changed."""
    if wrong := [sha256 for sha256, text in snapshot.lists.items() if _sha256(text) != sha256]:
        msg = f"the kept name list {wrong[0][:12]} was changed"
        raise InputError(msg)
    made: dict[str, Any] = {}
    try:
        configuration = _decode(json.loads(snapshot.text), snapshot.lists, made)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"the kept configuration cannot be read by this version: {type(error).__name__}: {error}"
        raise InputError(msg) from error
    if not isinstance(configuration, Configuration):
        msg = "what is kept is no configuration"
        raise InputError(msg)
    return configuration


def _encode(value: Any, lists: dict[str, str]) -> Any:  # noqa: PLR0911 - one for each kind of value
    match value:
        case Enum():
            return {"is": type(value).__name__, "value": value.value}
        case _ if isinstance(value, _PLAIN):
            return value
        case tuple() | list():
            return [_encode(one, lists) for one in value]
        case frozenset():
            return {"is": "frozenset", "items": sorted((_encode(one, lists) for one in value), key=json.dumps)}
        case timedelta():
            return {"is": "timedelta", "s": value.total_seconds()}
        case datetime() | date() | time():
            return {"is": type(value).__name__, "iso": value.isoformat()}
        case NameList():
            text = _text(_fields_of(value, lists))
            lists[_sha256(text)] = text
            return {"is": "NameList", "sha256": _sha256(text)}
        case _ if is_dataclass(value) and hasattr(model, type(value).__name__):
            return _fields_of(value, lists)
    msg = f"{type(value).__name__} cannot be kept"
    raise TypeError(msg)


def _fields_of(value: Any, lists: dict[str, str]) -> dict[str, Any]:
    given = {field.name: getattr(value, field.name) for field in fields(value)}
    told = {
        field.name: _encode(given[field.name], lists)
        for field in fields(value)
        if field.default is MISSING or given[field.name] != field.default
    }
    return {"is": type(value).__name__, **told}


def _decode(value: Any, lists: Mapping[str, str], made: dict[str, Any]) -> Any:  # noqa: PLR0911 - as above
    if isinstance(value, list):
        return tuple(_decode(one, lists, made) for one in value)
    if not isinstance(value, dict):
        return value
    name = value["is"]
    if name == "NameList" and "sha256" in value:  # one object for each list, as when it was loaded
        key = value["sha256"]
        if key not in made:
            made[key] = _decode(json.loads(lists[key]), lists, made)
        return made[key]
    if name == "timedelta":
        return timedelta(seconds=value["s"])
    if name == "frozenset":
        return frozenset(_decode(value["items"], lists, made))
    if name in _ISO:
        return _ISO[name].fromisoformat(value["iso"])
    kind = getattr(model, name)
    if issubclass(kind, Enum):
        return kind(value["value"])
    return kind(**{key: _decode(one, lists, made) for key, one in value.items() if key != "is"})


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
