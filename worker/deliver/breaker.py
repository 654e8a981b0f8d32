"""The circuit breaker of an endpoint: its words and numbers. The store keeps it, since all deliverers share it.

closed     deliveries flow, up to `AT_ONCE` at a time over all processes
open       after 10 failures in a row, or more than 10 of the last 20: everything waits and burns no attempt
half_open  one real delivery is under way as a probe, every 60 s; its success closes the circuit
paused     the receiver said 410, and an operator must resume it

Whatever its circuit, an endpoint that answered 429 or 503 with a Retry-After is left alone until then.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

AT_ONCE = 4
OPEN_AFTER = 10
WINDOW = 20
PROBE_EVERY = timedelta(seconds=60)


class Circuit(StrEnum):
    """Also the `state` label of `tocsin_endpoint_state`."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What the attempts so far have taught about an endpoint; `waiting` counts its outbox, `dead` its dead letters.

    Until `held_until` nothing is sent to it: it asked for that with a Retry-After.
    """

    name: str
    circuit: Circuit = Circuit.CLOSED
    since: datetime | None = None
    reason: str = ""
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    waiting: int = 0
    dead: int = 0
    held_until: datetime | None = None
