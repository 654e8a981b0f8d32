"""What becomes of a new alert: told at once, held in a group, kept back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from worker.model.alert import Delivery
from worker.model.timing import Rate

Collecting = Literal["group", "digest", "quiet", "rate"]
"""Why alerts are collected: the route groups them, digests them, is silent at this time, or their watch fires too often."""


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What alerts have in common that are told together; `watch` is that of a rate cap."""

    kind: Collecting
    route: str
    endpoint: str
    labels: tuple[tuple[str, str], ...] = ()
    watch: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """An alert that waits in a group, which is looked at again at `look_at`.

    `card` and `labels` are what the message will be made of, frozen when the alert was raised.
    """

    alert_id: str
    group: str
    key: GroupKey
    look_at: datetime
    card: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Silenced:
    """An alert that a silence keeps back for good."""

    alert_id: str
    silence_id: str


@dataclass(frozen=True, slots=True)
class Rated:
    """What becomes of an alert `within` its watch's rate cap, and what `beyond` it; the store counts and chooses."""

    watch: str
    rate: Rate
    within: tuple[Delivery | Held, ...]
    beyond: tuple[Held, ...]


Onward: TypeAlias = Delivery | Held | Silenced | Rated
"""What becomes of a new alert: one step for each endpoint it is meant for."""
