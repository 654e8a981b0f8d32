"""What a person said of an alert."""

from dataclasses import dataclass
from datetime import datetime

from worker.runtime.redis_client import K, moment_of, translated
from worker.runtime.redis_store import RedisStore


@dataclass(frozen=True, slots=True)
class AlertVerdict:
    """`mark` is true, false, acknowledged or open; `by` and `reason` are empty where nobody gave them."""

    alert: str
    watch: str
    mark: str
    at: datetime | None = None
    by: str = ""
    reason: str = ""

    def describe(self) -> str:
        """One line for a person, such as a comment in a file."""
        day = f" on {self.at.date().isoformat()}" if self.at else ""
        by, reason = f" by {self.by}" if self.by else "", f": {self.reason}" if self.reason else ""
        return " ".join(f"{self.alert} was judged {self.mark}{day}{by}{reason}".split())


def read_verdict(store: RedisStore, alert: str) -> AlertVerdict | None:
    """The newest verdict on an alert; None where there is no such alert."""
    names = ("watch", "verdict", "judged_at", "acknowledged_at", "marked_by", "marked_for")
    with translated():
        watch, verdict, judged_at, acknowledged_at, by, reason = store.client.hmget(K + f"alert:{alert}", names)
    if watch is None:
        return None
    at = judged_at or acknowledged_at
    return AlertVerdict(
        alert,
        watch,
        verdict or ("acknowledged" if acknowledged_at else "open"),
        moment_of(at) if at else None,
        by or "",
        reason or "",
    )
