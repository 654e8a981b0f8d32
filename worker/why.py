"""Why an article raised an alert, or did not: what is kept of it, as one answer that a person can read.

Pure: `Case` is what was found, `answer` says what it means. Finding it is `runtime.case`'s work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from worker.model import Article, Decision, Match, Story, Verdict
from worker.plural import counted

Outcome = Literal["yes", "no", "waits", "unknown"]
Said = Literal["fired", "near", "silent", "undecided"]
_ALIASES = {
    "c": "the words of its text",
    "u": "its address and title",
    "g": "the feed's own id for it",
    "e": "its entry",
}
_SET_ASIDE = {
    "baseline": "its feed was read for the first time, and it was older than the feed's backfill",
    "stale": "it was more than 30 days old when it was first seen",
    "rekeyed": "its feed gave new ids to what it had",
}
_NO_MODEL = "(unknown: no model for this language)"
_NEAR_FIRST: tuple[Said, ...] = ("fired", "near", "undecided", "silent")


@dataclass(frozen=True, slots=True)
class FeedSeen:
    """A feed that has the address among its entries now, or could have it since it is of the same site."""

    name: str
    health: str
    holds_it: bool
    succeeded_at: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery: where it stands and what it waits for. `circuit` is that of its endpoint."""

    id: str
    endpoint: str
    state: str
    attempts: int
    due: datetime | None = None
    circuit: str = "closed"
    reason: str = ""
    is_quarantined: bool = False


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert of the article; `held_by` are the things that keep it from being told, in words."""

    id: str
    watch: str
    severity: str
    is_shadow: bool = False
    sent: tuple[Sent, ...] = ()
    held_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """What the store knows of what was asked for. `verdicts` are those of every watch, over the analysis that is kept.

    `known_by` is the alias (its first letter) by which an address was recognised as an article that was there before.
    `is_current` says that the configuration of the decision is not kept, and the present one gave the verdicts.
    """

    asked: str
    feeds: tuple[FeedSeen, ...] = ()
    article: Article | None = None
    known_by: str = ""
    brought_by: tuple[str, ...] = ()
    state: str = ""
    revision: int = 0
    due: datetime | None = None
    claims: int = 0
    awaits_page: bool = False
    quarantined_for: str = ""
    decision: Decision | None = None
    story: Story | None = None
    verdicts: tuple[Verdict, ...] = ()
    is_current: bool = False
    is_language_known: bool = True
    language: str = ""
    truncated_at: int | None = None
    is_partial: bool = False
    alerts: tuple[Raised, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One question on the article's way, and its answer."""

    name: str
    outcome: Outcome
    said: str


@dataclass(frozen=True, slots=True)
class WatchSaid:
    """What a watch said: why it was silent (the first condition that was missing), or what became of its firing."""

    watch: str
    outcome: Said
    said: str
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer; `summary` is one sentence."""

    asked: str
    article: str
    title: str
    summary: str
    steps: tuple[Step, ...]
    watches: tuple[WatchSaid, ...]

    def to_json(self) -> dict[str, Any]:
        """As values for JSON."""
        return asdict(self)


def answer(case: Case, now: datetime, watch: str | None = None) -> Answer:
    """The answer; with `watch` only what that one said, and whether it was there."""
    watches = tuple(sorted(_watches(case, watch), key=lambda one: (_NEAR_FIRST.index(one.outcome), one.watch)))
    steps = tuple(_steps(case, now, watch))
    article = case.article
    return Answer(
        case.asked,
        article.id if article else "",
        article.title if article else "",
        _summarise(steps, watches, watch),
        steps,
        watches,
    )


def _steps(case: Case, now: datetime, watch: str | None) -> Iterator[Step]:
    yield from _fetched(case)
    if case.article is None:
        return
    yield _known(case)
    if case.state in _SET_ASIDE:
        yield Step("read", "no", f"it was set aside as {case.state}: {_SET_ASIDE[case.state]}")
        return
    yield _read(case, now)
    if case.story:
        yield _story(case.story, case.article)
    if case.decision is None:
        return
    yield _matched(case, watch)
    for alert in case.alerts:
        if watch in (None, alert.watch):
            yield from _delivered(alert, now)


def _fetched(case: Case) -> Iterator[Step]:
    if case.article is not None:
        names = ", ".join(case.brought_by) or case.article.source
        seen = case.article.first_seen
        yield Step("fetched", "yes", f"brought by {names}" + (f", first seen {_at(seen)}" if seen else ""))
        return
    holding = [feed.name for feed in case.feeds if feed.holds_it]
    if holding:
        yield Step(
            "fetched",
            "yes",
            f"{', '.join(holding)} has it now, but the article itself is not kept: it is older than 30 days",
        )
        return
    yield Step(
        "fetched",
        "no",
        "no feed has brought it within 30 days"
        if case.feeds
        else "no feed has brought it within 30 days, and none is of its site",
    )
    for feed in case.feeds:
        last = f"last read {_at(feed.succeeded_at)}" if feed.succeeded_at else "never read with success"
        trouble = f": {feed.message}" if feed.message and feed.health != "ok" else ""
        yield Step(
            "fetched",
            "unknown" if feed.health == "ok" else "no",
            f"{feed.name} is of the same site: {feed.health}, {last}{trouble}",
        )


def _known(case: Case) -> Step:
    assert case.article is not None
    if case.known_by:
        by = _ALIASES.get(case.known_by, "another name")
        return Step(
            "seen before",
            "yes",
            f"recognised by {by} as {case.article.id}, which {case.article.source} had brought before",
        )
    edits = (
        f", edited {case.revision} times since" if case.revision > 1 else ", edited once since" if case.revision else ""
    )
    return Step("seen before", "no", f"it was new{edits}")


def _read(case: Case, now: datetime) -> Step:
    if case.quarantined_for:
        return Step(
            "read", "no", f"it is in quarantine: {case.quarantined_for}; `tocsin quarantine release enrich` tries again"
        )
    if case.state == "due" and case.decision is None:
        if case.awaits_page:
            return Step("read", "waits", "its page is being fetched first")
        wait = f"due {_in(case.due, now)}" if case.due else "due"
        return Step("read", "waits", f"it waits to be read, {wait}, claimed {case.claims} times")
    if not case.is_language_known:
        return Step(
            "read", "unknown", f"no model reads {case.language or 'its language'}: topics and entities are unknown"
        )
    if case.truncated_at:
        return Step("read", "unknown", f"only its first {case.truncated_at:,} characters were read")
    later = "; a newer text of it waits to be read" if case.state == "due" else ""
    return Step("read", "yes", f"read by {case.decision.model}{later}" if case.decision else "it was read")


def _story(story: Story, article: Article) -> Step:
    own = next((one for one in story.sources if one.article_id == article.id), None)
    number = len(story.sources)
    if story.id == article.id:
        return Step("story", "yes", f"it began the story {story.id}, which has {counted(number, 'article')}")
    kind = "a copy of a text in" if own and own.is_copy else "another text of"
    return Step("story", "yes", f"it is {kind} the story {story.id}, which has {number} articles")


def _matched(case: Case, watch: str | None) -> Step:
    assert case.decision is not None
    under = f"configuration {case.decision.config_hash}"
    if case.is_current:
        under += " (which is not kept: what silent watches say is by the present one)"
    fired = [one.watch_id for one in case.decision.fired]
    if watch is not None:
        is_there = watch in fired or any(one.watch.id == watch for one in case.verdicts)
        if not is_there:
            return Step("matched", "no", f"there was no watch {watch} under {under}")
        return Step(
            "matched",
            "yes" if watch in fired else "no",
            f"{watch} {'fired' if watch in fired else 'was silent'} under {under}",
        )
    return Step(
        "matched",
        "yes" if fired else "no",
        f"{len(fired)} of {max(len(case.verdicts), len(fired))} watches fired under {under}",
    )


def _delivered(alert: Raised, now: datetime) -> Iterator[Step]:
    name = f"alert {alert.id}"
    if alert.is_shadow:
        yield Step(name, "no", f"{alert.watch} is a shadow watch: its alerts are stored and not sent")
        return
    for reason in alert.held_by:
        yield Step(name, "waits", reason)
    if not alert.sent and not alert.held_by:
        yield Step(name, "no", "no endpoint takes it: see `tocsin routes test`")
    for sent in alert.sent:
        yield _sent(name, sent, now)


def _sent(name: str, sent: Sent, now: datetime) -> Step:
    tried = counted(sent.attempts, "attempt")
    last = f"; the last: {sent.reason}" if sent.reason else ""
    if sent.state == "delivered":
        return Step(name, "yes", f"delivered to {sent.endpoint} after {tried}")
    if sent.state == "dropped":
        return Step(name, "no", f"given up by hand for {sent.endpoint}, which was removed; the audit record says why")
    if sent.state == "dead":
        return Step(
            name, "no", f"given up for {sent.endpoint} after {tried}{last}; `tocsin alerts replay` sends it again"
        )
    if sent.is_quarantined:
        return Step(name, "no", f"its delivery to {sent.endpoint} is in quarantine; `tocsin quarantine list` says why")
    if sent.circuit != "closed":
        return Step(name, "waits", f"the circuit of {sent.endpoint} is {sent.circuit}: {tried}{last}")
    return Step(name, "waits", f"its delivery to {sent.endpoint} is due {_in(sent.due, now)}, {tried}{last}")


def _watches(case: Case, wanted: str | None) -> Iterator[WatchSaid]:
    fired = {one.watch_id: one for one in case.decision.fired} if case.decision else {}
    for watch_id, one in fired.items():
        if wanted in (None, watch_id):
            yield WatchSaid(watch_id, "fired", one.why_not or "raised an alert", one.alert_id)
    for verdict in case.verdicts:
        if verdict.watch.id in fired or wanted not in (None, verdict.watch.id):
            continue
        if isinstance(verdict, Match):  # by the present configuration, where that of the decision is not kept
            yield WatchSaid(verdict.watch.id, "silent", "would fire under the present configuration")
            continue
        outcome: Said = "near" if verdict.is_near else "silent"
        missing = verdict.missing
        if case.is_partial:  # the analysis was left partial because nothing that it lacks could make a watch fire
            missing = missing.replace(_NO_MODEL, "(names were not looked for: no watch could fire)")
        elif verdict.finding.truth == "unknown":
            outcome = "undecided"
        yield WatchSaid(verdict.watch.id, outcome, f"missing: {missing}")


def _summarise(steps: Sequence[Step], watches: Sequence[WatchSaid], watch: str | None) -> str:
    """The first thing that stopped it; else what became of its alerts."""
    before = [step for step in steps if not step.name.startswith("alert ")]
    alerts = [step for step in steps if step.name.startswith("alert ")]
    stopped = next(
        (step for step in before if step.outcome in ("no", "waits") and step.name not in ("seen before", "matched")),
        None,
    )
    if stopped:
        return ("No alert yet: " if stopped.outcome == "waits" else "No alert: ") + stopped.said
    if alerts:
        return _summarise_alerts(alerts)
    quiet = [one for one in watches if one.outcome == "fired" and not one.alert]
    if quiet:
        return f"No alert: {quiet[0].watch} fired, but {quiet[0].said}"
    if watch is not None:
        matched = next((step.said for step in steps if step.name == "matched"), "it was not judged")
        return f"No alert: {watches[0].watch} was silent, {watches[0].said}" if watches else f"No alert: {matched}"
    near = [one for one in watches if one.outcome == "near"]
    if near:
        return f"No alert: no watch fired; the nearest is {near[0].watch}, {near[0].said}"
    return "No alert: no watch fired, and none came near"


def _summarise_alerts(alerts: Sequence[Step]) -> str:
    tally: Mapping[str, int] = {
        outcome: sum(one.outcome == outcome for one in alerts) for outcome in ("yes", "waits", "no")
    }
    first = next((one.said for one in alerts if one.outcome != "yes"), "")
    number = len({one.name for one in alerts})
    said = f"{counted(number, 'alert')}: {tally['yes']} delivered"
    return f"{said}, {tally['waits']} waiting, {tally['no']} not sent; {first}" if first else said


def _at(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else "never"


def _in(moment: datetime | None, now: datetime) -> str:
    if moment is None or moment <= now:
        return "now"
    seconds = round((moment - now).total_seconds())
    minutes, hours = seconds // 60, seconds // 3_600
    return f"in {hours} h" if hours > 1 else f"in {minutes} min" if minutes > 1 else f"in {seconds} s"
