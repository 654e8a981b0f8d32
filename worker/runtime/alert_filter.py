"""Which alerts somebody wants to see: the same filter for the page, the API and the live stream."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from worker.errors import InputError
from worker.model import Severity

_RANKS = {severity.value: rank for rank, severity in enumerate(Severity)}
STATES = ("open", "acknowledged", "true", "false")


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Empty fields let everything through; `severity` is the least, `country` an ISO 3166-1 alpha-2 code."""

    topic: str = ""
    severity: str = ""
    watch: str = ""
    country: str = ""
    source: str = ""
    state: str = ""
    text: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "AlertFilter":
        """From query parameters of the same names. Raises InputError on a severity or state that does not exist."""
        made = cls(**{field.name: query.get(field.name, "").strip()[:200] for field in fields(cls)})
        if made.severity and made.severity not in _RANKS:
            msg = f"severity must be one of {', '.join(_RANKS)}"
            raise InputError(msg)
        if made.state and made.state not in STATES:
            msg = f"state must be one of {', '.join(STATES)}"
            raise InputError(msg)
        return made

    @property
    def is_empty(self) -> bool:
        """Whether everything passes."""
        return self == AlertFilter()

    def as_query(self) -> dict[str, str]:
        """The parameters that are set."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name))}

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Whether an alert, as `views` shows it, passes every field."""
        return (
            (not self.topic or any(topic["topic"] == self.topic for topic in row["topics"]))
            and (not self.severity or _RANKS.get(row["severity"], 0) >= _RANKS[self.severity])
            and (not self.watch or row["watch"]["id"] == self.watch)
            and (not self.country or any(entity["id"] == self.country for entity in row["entities"]))
            and (not self.source or row["article"]["source"] == self.source)
            and (not self.state or self._has_state(row))
            and (not self.text or self._has_text(row))
        )

    def _has_state(self, row: Mapping[str, Any]) -> bool:
        if self.state == "open":
            return not row["acknowledged_at"]
        return bool(row["acknowledged_at"]) if self.state == "acknowledged" else bool(row["verdict"] == self.state)

    def _has_text(self, row: Mapping[str, Any]) -> bool:
        texts = [row["article"]["title"], row["article"]["source"], row["watch"]["title"], row["alert_id"]]
        texts.append(row["article"].get("id", ""))
        texts += [piece["text"] for piece in row["evidence"]] + [entity["text"] for entity in row["entities"]]
        return self.text.casefold() in "\n".join(texts).casefold()
