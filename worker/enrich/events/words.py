"""The word lists by which events are read (`data/events.yaml`)."""

from functools import cache
from importlib.resources import files
from typing import Final

import yaml

HYPHENED: Final = frozenset(
    (
        "imposed supplied made sanctioned led backed built donated provided delivered exported smuggled manufactured "
        "produced sold bought funded owned"
    ).split()
)
"""Participles that are cut from the name before their hyphen: "US-imposed"."""


@cache
def words(*names: str) -> frozenset[str]:
    """One list, or several joined; the parts of a term of several words are joined by `|`."""
    return frozenset(word for name in names for word in _lists()[name].split())


@cache
def pairs(name: str) -> frozenset[tuple[str, ...]]:
    """The terms of several words of one list."""
    return frozenset(tuple(term.split("|")) for term in words(name))


@cache
def _lists() -> dict[str, str]:
    text = (files("worker.enrich") / "data" / "events.yaml").read_text(encoding="utf-8")
    lists: dict[str, str] = yaml.safe_load(text)
    return lists
