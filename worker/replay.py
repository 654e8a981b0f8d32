"""A decision made again from what it followed from, and compared with what was kept of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from worker.alert import raise_alerts
from worker.decision import digest_text, record_decision
from worker.deliver.payload import describe
from worker.match import Matcher
from worker.model import Analysis, Article, Decision, Match, Story

_SCORES = frozenset({"score", "contribution"})
_NEAR = 1e-3
"""Scores of the same model differ by some 1e-5 between processors and batches, and payloads round them to 1e-4."""
_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Decided:
    """An article as it was decided on, with the analysis and the decision; `revision` counts the edits before.

    `alerts` are the `data` of the alerts that the decision raised and that are still kept, by id.
    """

    article: Article
    analysis: Analysis
    decision: Decision
    revision: int = 0
    alerts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that comes out otherwise; texts for a person, empty where there is nothing."""

    what: str
    then: str
    now: str


def replay(decided: Decided, analysis: Analysis, matcher: Matcher, config_hash: str) -> tuple[Difference, ...]:
    """Decide anew; what is not as it was, nothing where the two are identical.

    The moment is that of the decision, and the story as the watches saw it then. Alerts are compared by what they tell;
    scores may differ by 0.001.
    """
    then = decided.decision
    article = replace(decided.article, zones=then.zones) if then.zones else decided.article
    verdicts, blind = matcher.sift(article, analysis)
    unknown = blind + sum(one.finding.truth == "unknown" for one in verdicts)
    story = then.story or Story(article.id)
    alerts, _ = raise_alerts(verdicts, article, analysis, story, config_hash=config_hash, now=then.decided_at)
    now = record_decision(
        article, analysis, verdicts, alerts, story,
        config_hash=config_hash, now=then.decided_at, are_zones_changed=bool(then.zones), unknown=unknown,
    )  # fmt: skip
    told = {alert.id: describe(alert)["data"] for alert in alerts}
    if {one.watch_id for one in then.fired} - {one.watch_id for one in now.fired}:
        verdicts = matcher.evaluate(article, analysis)  # also those that are silent say why
    return (*_compare_text(decided), *_compare(then, now, verdicts), *_compare_alerts(decided.alerts, told))


def _compare_text(decided: Decided) -> Iterator[Difference]:
    found = digest_text(decided.article.text)
    if found != decided.decision.text_sha256:
        yield Difference("the stored text", f"SHA-256 {decided.decision.text_sha256[:16]}…", f"{found[:16]}…")


def _compare(then: Decision, now: Decision, verdicts: Sequence[Any]) -> Iterator[Difference]:
    before, after = ({one.watch_id: one for one in decision.fired} for decision in (then, now))
    missing = {verdict.watch.id: verdict.missing for verdict in verdicts if not isinstance(verdict, Match)}
    for watch in dict.fromkeys((*before, *after)):
        old, new = before.get(watch), after.get(watch)
        if old is None or new is None:
            silent = f"silent: {missing[watch]}" if watch in missing else "silent"
            yield Difference(f"watch {watch}", _said(old) if old else "silent", _said(new) if new else silent)
        elif old.finding != new.finding:
            yield Difference(f"watch {watch}", "fired", "fires for other reasons: other words or conditions")
        elif (old.alert_id, old.why_not) != (new.alert_id, new.why_not):
            yield Difference(f"watch {watch}", _said(old), _said(new))
    if then.unknown is not None and then.unknown != now.unknown:
        yield Difference("watches that cannot be decided", str(then.unknown), str(now.unknown))


def _said(fired: Any) -> str:
    return f"raised {fired.alert_id}" if fired.alert_id else f"fired, no alert: {fired.why_not}"


def _compare_alerts(
    then: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> Iterator[Difference]:
    """What an alert told then and tells now; what payloads have gained since is no difference."""
    for alert_id, old in then.items():
        if alert_id in now:
            for path, before, after in _differing(old, now[alert_id], ""):
                yield Difference(f"alert {alert_id}, {path}", before, after)


def _differing(old: Any, new: Any, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            yield from _differing(value, new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differing(one, other, f"{path}[{number}]")
    elif path.rpartition(".")[2] in _SCORES and isinstance(old, int | float) and isinstance(new, int | float):
        if abs(old - new) > _NEAR:
            yield path, str(old), str(new)
    elif old != new:
        yield path, _short(old), _short(new)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
