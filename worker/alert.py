"""A match becomes an alert and its deliveries. Owns the ids, so that no crash, retry or re-poll makes a second one."""

import hashlib
from base64 import b32encode
from collections.abc import Iterable
from datetime import datetime

from worker.model import Alert, Analysis, Article, Match, Verdict


def alert_id(watch_id: str, story: str, fact_revision: int) -> str:
    """The alert's name: the same watch, story and fact revision always give the same one."""
    return "alrt_" + _digest("v1", watch_id, story, str(fact_revision))


def delivery_id(alert: str, endpoint: str) -> str:
    """The `webhook-id`: one alert to one endpoint, constant over all attempts."""
    return "msg_" + _digest("v1", alert, endpoint)


def raise_alerts(
    verdicts: Iterable[Verdict], article: Article, analysis: Analysis, *, config_hash: str, now: datetime
) -> tuple[Alert, ...]:
    """One alert for each match. Every article is its own story, and a story's first facts are revision 0."""
    return tuple(
        Alert(
            id=alert_id(match.watch.id, article.id, 0),
            watch_id=match.watch.id,
            watch_title=match.watch.title,
            severity=match.watch.severity,
            labels=match.watch.labels,
            story=article.id,
            fact_revision=0,
            article=article,
            analysis=analysis,
            finding=match.finding,
            raised_at=now,
            config_hash=config_hash,
            is_shadow=match.watch.is_shadow,
        )
        for match in verdicts
        if isinstance(match, Match)
    )


def _digest(*parts: str) -> str:
    return b32encode(hashlib.sha256("\0".join(parts).encode()).digest()).decode().lower()[:32]
