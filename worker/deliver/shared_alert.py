"""An alert as it is handed to other systems: what was sent when it was raised, and what people made of it since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class SharedAlert:
    """`payload` is the webhook's body as values; it never changes, so that every way out tells the same."""

    payload: Mapping[str, Any]
    verdict: Literal["true", "false"] | None = None
    judged_at: datetime | None = None
    reason: str = ""
    acknowledged_at: datetime | None = None
    is_shadow: bool = False

    @property
    def data(self) -> Mapping[str, Any]:
        """The webhook's `data`."""
        data: Mapping[str, Any] = self.payload["data"]
        return data
