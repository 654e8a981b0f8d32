"""What becomes of articles that were read: match → story → alerts → decision. The store alone is asked, and nothing is changed there.

Articles that may be of one story are made ready one after the other, in the order in which they came, so that alerts and
stories are those of telling every article alone.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from worker import alert, ports, series, story
from worker.decision import record_decision
from worker.isolation import spared
from worker.match import Matcher
from worker.model import Alert, Analysis, Kin, Match, Onward, Signature, Story, Verdict
from worker.triage import Compared, Opened, Read, Triage


@dataclass(slots=True)
class Telling:
    """An article on its way; `ending` ends its span and keeps its failure to itself.

    `ties` are its keys and the stories that it may join, as far as they were looked up: None before that.
    """

    claim: ports.ArticleClaim
    analysis: Analysis
    signature: Signature
    verdicts: Sequence[Verdict]
    unknown: int | None
    counts: list[tuple[str, float]]
    ending: ExitStack
    ties: frozenset[str] | None = None
    looks: int = 0
    is_done: bool = False
    alerts: tuple[Alert, ...] = ()

    def end(self, failure: BaseException | None = None) -> None:
        """Let go of it; a failure of its own goes no further."""
        self.is_done = True
        with self.ending:
            if failure:
                raise failure


@dataclass(frozen=True, slots=True)
class Looked:
    """Of those that wait the ones that may be told now, with their kin, and when these were looked for."""

    at: datetime
    waiting: Sequence[Telling]
    group: Sequence[Telling]
    kinships: Sequence[ports.Kinship]
    opened: Opened | None


class Teller:
    """Makes articles ready for the store."""

    def __init__(  # noqa: PLR0913 - the ports it needs
        self,
        store: ports.Store,
        clock: ports.Clock,
        observer: ports.Observer,
        matcher: Matcher,
        route: Callable[[Sequence[Alert]], list[tuple[Onward, ...]]],
        *,
        config_hash: str,
        triage: Triage | None = None,
        tracer: ports.Tracer = ports.UNTRACED,
    ) -> None:
        self._store, self._clock, self._observer, self._tracer = store, clock, observer, tracer
        self._matcher, self._route, self._triage, self._config_hash = matcher, route, triage, config_hash

    def begin(self, read: Read) -> Telling | None:
        """The article with what watches make of it; None where that fails, which is noted."""
        claim, analysis, started = read.claim, read.analysis, self._clock.now()
        facts = {"article": claim.article.id, "feed": claim.article.feed_id}
        with ExitStack() as ending:
            ending.enter_context(spared(self._observer, "enrich", claim.article.id, self._store, claim))
            trace = ending.enter_context(self._tracer.span("enrich", claim.trace, started - read.share, facts))
            verdicts, blind = self._matcher.sift(claim.article, analysis)
            unknown = None if analysis.pending else blind + sum(one.finding.truth == "unknown" for one in verdicts)
            counts = series.observation(series.STAGE_SECONDS, read.share, stage="enrich")
            counts += series.observation(series.STAGE_SECONDS, self._clock.now() - started, stage="match")
            counts += _count_unread(analysis)
            counts += _count_lag(claim)
            counts += [(series.WATCH_UNKNOWN, float(unknown))] if unknown else []
            claim = replace(claim, trace=trace) if trace else claim
            return Telling(claim, analysis, read.signature, verdicts, unknown, counts, ending.pop_all())
        return None

    def look(self, waiting: Sequence[Telling], ahead: Collection[Telling] = ()) -> Looked:
        """Look for the kin of those that need not wait for an earlier one, nor for one ahead, which the store has not heard of."""
        found = self._find_kin(waiting, ahead)
        free = [i for i in _unrelated(waiting, ahead) if i in found]
        now, group, kinships = self._clock.now(), [waiting[i] for i in free], [found[i] for i in free]
        return Looked(now, waiting, group, kinships, self._open(group, kinships, now))

    def judge(self, looked: Looked) -> list[tuple[Telling, ports.Told]]:
        """What is to be stored of each article whose kin were looked for."""
        now, group = looked.at, looked.group
        kinships = self._settle(looked)
        grown = self._grow(group, kinships, now)
        _tie(looked.waiting, group, [joined.id for joined, _ in grown])
        ready = [
            self._judge(one, *joined, kinship.seen, now)
            for one, joined, kinship in zip(group, grown, kinships, strict=True)
        ]
        onward = iter(self._route([raised for one in ready for raised, _ in one.alerts]))
        told = [replace(one, alerts=[(raised, next(onward)) for raised, _ in one.alerts]) for one in ready]
        return list(zip(group, told, strict=True))

    def _find_kin(self, waiting: Sequence[Telling], ahead: Collection[Telling]) -> dict[int, ports.Kinship]:
        """The kin of those that no earlier one holds as far as is known; the ties of each are known then."""
        asked = _unrelated(waiting, ahead)
        keys = [() if waiting[i].claim.story else waiting[i].signature.keys for i in asked]
        found = dict(zip(asked, self._store.find_kin(keys), strict=True))
        for i, kinship in found.items():
            one = waiting[i]
            stories = (kin.story for kin in kinship.kin)
            one.ties = frozenset({*one.signature.keys, one.claim.article.id, one.claim.story, *stories} - {""})
        return found

    def _open(self, group: Sequence[Telling], kinships: Sequence[ports.Kinship], now: datetime) -> Opened | None:
        """What names can tell of articles and their kin; None where everything has its names."""
        if not self._triage:
            return None
        compared = [
            Compared(one.claim.article, one.analysis, one.signature, kinship.kin)
            for one, kinship in zip(group, kinships, strict=True)
        ]
        return self._triage.open(compared, now)

    def _settle(self, looked: Looked) -> list[ports.Kinship]:
        """The kin with their names where only these tell them apart; the articles' own analyses may be whole then."""
        if not self._triage or not looked.opened:
            return list(looked.kinships)
        settled = self._triage.settle(looked.opened)
        for one, whole in zip(looked.group, settled, strict=True):
            one.analysis, one.signature = whole.analysis, whole.signature
        return [replace(kinship, kin=whole.kin) for kinship, whole in zip(looked.kinships, settled, strict=True)]

    def _grow(
        self, group: Sequence[Telling], kinships: Sequence[ports.Kinship], now: datetime
    ) -> list[tuple[Story, int]]:
        """Each article's story with the article in it, and the version that it was made from."""
        nearest = [story.choose(one.signature, kinship.kin, now) for one, kinship in zip(group, kinships, strict=True)]
        known = self._read_stories(group, [relative for relative, _ in nearest])
        for i, (relative, _) in enumerate(nearest):
            before = known[i][0]
            sources = before.sources if relative and before else ()
            if sources and now - sources[0].seen_at > story.WINDOW:
                # kin of kin would carry a theme on for ever; what begins after the window is news again
                nearest[i] = None, False
                [known[i]] = self._read_stories([group[i]], [None])
        return [
            (
                story.learn(
                    story.grow(before, one.claim.article, relative, is_copy=is_copy, now=now),
                    one.claim.article,
                    one.analysis,
                ),
                version,
            )
            for one, (relative, is_copy), (before, version) in zip(group, nearest, known, strict=True)
        ]

    def _read_stories(
        self, group: Sequence[Telling], relatives: Sequence[Kin | None]
    ) -> list[tuple[Story | None, int]]:
        """The stories that articles join. One that an article is to begin is not asked for, unless it was there before."""
        places = [
            one.claim.story or (relative.story if relative else one.claim.article.id)
            for one, relative in zip(group, relatives, strict=True)
        ]
        asked = [i for i, one in enumerate(group) if one.looks or places[i] != one.claim.article.id or one.claim.story]
        found = dict(zip(asked, self._store.read_stories([places[i] for i in asked]), strict=True))
        return [found.get(i, (None, 0)) for i in range(len(group))]

    def _judge(self, one: Telling, grown: Story, version: int, seen: str, now: datetime) -> ports.Told:
        article, analysis = one.claim.article, one.analysis
        one.alerts, told = alert.raise_alerts(
            one.verdicts, article, analysis, grown, config_hash=self._config_hash, now=now
        )
        decided = record_decision(
            article,
            analysis,
            one.verdicts,
            one.alerts,
            grown,
            config_hash=self._config_hash,
            now=now,
            are_zones_changed=one.claim.is_trimmed,
            unknown=one.unknown,
        )
        quiet = sum(isinstance(verdict, Match) for verdict in one.verdicts) - len(one.alerts)
        counts = one.counts + ([(series.NOTHING_NEW, float(quiet))] if quiet else [])
        step = ports.StoryStep(told, version, one.signature, seen, decided)
        return ports.Told(one.claim, analysis, step, [(raised, ()) for raised in one.alerts], counts)


def _unrelated(waiting: Sequence[Telling], ahead: Collection[Telling]) -> list[int]:
    """Those that share neither a key nor a story that they may join with an earlier one, and those nothing is known of.

    So each finds the kin and the story that it would find if all before it had been told.
    """
    free, earlier = [], set[str]().union(*(one.ties or () for one in ahead))
    for i, one in enumerate(waiting):
        if one.ties is None or earlier.isdisjoint(one.ties):
            free.append(i)
        earlier.update(one.ties or ())
    return free


def _tie(waiting: Sequence[Telling], group: Sequence[Telling], stories: Sequence[str]) -> None:
    """What shares a key with an article that joins a story now may join that story, too."""
    joined = {key: place for one, place in zip(group, stories, strict=True) for key in one.signature.keys}
    for one in waiting:
        one.ties = (one.ties or frozenset()) | {joined[key] for key in one.signature.keys if key in joined}


def _count_lag(claim: ports.ArticleClaim) -> list[tuple[str, float]]:
    """How long after its publication an article was fetched, once for each: one that has a story was read before."""
    published, seen = claim.article.published, claim.article.first_seen
    if claim.story or not published or not seen:
        return []
    return series.observation(
        series.FRESHNESS_SECONDS, max(seen - published, timedelta(0)), span="published_to_fetched"
    )


def _count_unread(analysis: Analysis) -> list[tuple[str, float]]:
    reasons = ["language"] * (not analysis.is_language_known) + ["truncated"] * (analysis.truncated_at is not None)
    return [(series.series(series.ARTICLES_UNREAD, reason=reason), 1.0) for reason in reasons]
