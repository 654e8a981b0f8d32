"""The words every stage uses: zones, severities, the truth of a condition, the topics."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

ZoneName = Literal["title", "lead", "body", "teaser"]


Truth = Literal["true", "false", "unknown"]


class Severity(StrEnum):
    """How urgent a watch is, from least to most."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (info) to 4 (critical)."""
        return list(Severity).index(self)


TOPICS = (
    "sanctions-violation",
    "sanctions-measure",
    "arms-transfer",
    "arms-smuggling",
    "weapons-program",
    "armed-conflict",
    "terrorism",
    "cyberattack",
    "financial-crime",
    "organised-crime",
    "civil-unrest",
)
"""The topics the built-in classifiers know."""
