"""A subscription to a feed's hub (W3C WebSub), and what a feed says of its hubs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class SubscriptionState(StrEnum):
    """How far a subscription is."""

    WANTED = "wanted"
    ASKED = "asked"
    VERIFIED = "verified"
    DENIED = "denied"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Hubs:
    """What a feed advertises: its hubs, the first first, and the topic that they know it by."""

    hubs: tuple[str, ...]
    topic: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """One feed's subscription. `token` is the last part of its callback address; it and the secret are no one else's.

    `expires_at` is the end of the lease that the hub gave; `failures` counts requests in a row that the hub refused.
    """

    feed_id: str
    hub: str
    topic: str
    token: str = field(repr=False)
    secret: str = field(repr=False)
    state: SubscriptionState = SubscriptionState.WANTED
    asked_at: datetime | None = None
    verified_at: datetime | None = None
    expires_at: datetime | None = None
    failures: int = 0
    reason: str = ""
