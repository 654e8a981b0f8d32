"""What was decided on an article, in a form that can be kept, told and compared. Decides nothing itself."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from worker import __version__
from worker.deliver.payload import describe_finding
from worker.model import Alert, Analysis, Article, Decision, Finding, Fired, Match, Story, Verdict

NOTHING_NEW = "its story was told before, and this article tells the watch nothing new"


def record_decision(  # noqa: PLR0913 - what a decision follows from
    article: Article,
    analysis: Analysis,
    verdicts: Sequence[Verdict],
    alerts: Sequence[Alert],
    story: Story,
    *,
    config_hash: str,
    now: datetime,
    are_zones_changed: bool,
    unknown: int | None = 0,
) -> Decision:
    """The decision that gave these verdicts and alerts; `story` is the one from which they were raised.

    `unknown` counts the watches that could not be decided; None where that was not asked.
    """
    raised = {alert.watch_id: alert.id for alert in alerts}
    fired = tuple(
        Fired(
            verdict.watch.id,
            digest_finding(verdict.finding),
            raised.get(verdict.watch.id, ""),
            "" if verdict.watch.id in raised else NOTHING_NEW,
        )
        for verdict in verdicts
        if isinstance(verdict, Match)
    )
    return Decision(
        config_hash=config_hash,
        model=analysis.model,
        version=__version__,
        decided_at=now,
        text_sha256=digest_text(article.text),
        fired=fired,
        unknown=unknown,
        zones=article.zones if are_zones_changed else (),
        story=story if fired else None,
    )


def digest_text(text: str) -> str:
    """The SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest_finding(finding: Finding) -> str:
    """A hash of the conditions, their truth and the places of their evidence.

    Scores are left out: the same model gives them to within 1e-5 on another processor or in another batch.
    """
    plain = _without_scores(describe_finding(finding))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def _without_scores(described: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in described.items() if key not in ("score", "contribution")}
    return kept | {"children": [_without_scores(child) for child in described.get("children", ())]}
