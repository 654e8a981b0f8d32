"""Who supplied what to whom, who sanctioned whom, who broke whose sanctions: as an article tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from worker.model.span import Span

EventType = Literal["transfer", "sanction", "violation"]
"""`sanction` is a measure against someone, `violation` its breach or evasion."""

Modality = Literal["asserted", "alleged", "planned", "requested", "denied", "negated", "hypothetical"]
"""How the article stands to the event; `alleged` is what somebody claims who takes no part in it."""

Role = Literal[
    "supplier",
    "recipient",
    "item",
    "quantity",
    "price",
    "via",
    "date",
    "imposer",
    "target",
    "measure",
    "violator",
    "regime",
    "counterparty",
    "means",
    "claimant",
]

ROLES: dict[EventType, tuple[Role, ...]] = {
    "transfer": ("supplier", "recipient", "item", "quantity", "price", "via", "date", "claimant"),
    "sanction": ("imposer", "target", "measure", "date", "claimant"),
    "violation": ("violator", "regime", "counterparty", "means", "date", "claimant"),
}
"""The roles that an event of each type may have."""


@dataclass(frozen=True, slots=True)
class Filler:
    """Words of the article that fill a role: their offsets, entity label, and id (ISO 3166-1 alpha-2) where known.

    `name` is what they stand for where they do not say it: a pronoun's party, the country of "Moscow"; else "".
    """

    role: Role
    text: str
    start: int
    end: int
    label: str = ""
    id: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One report of an event in one sentence. A role may have several fillers (coordinated recipients), or none.

    `learnt` is the probability of the modality where a learnt judgement overruled the words that the rules go by, else None.
    """

    type: EventType
    modality: Modality
    trigger: Span
    fillers: tuple[Filler, ...]
    learnt: float | None = None

    def of(self, role: Role) -> tuple[Filler, ...]:
        """The fillers of one role, in the order of the text."""
        return tuple(filler for filler in self.fillers if filler.role == role)
