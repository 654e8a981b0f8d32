"""What the spine needs of the world: Protocols that `runtime` fulfils with real adapters and tests with fakes."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from worker.deliver.breaker import EndpointState
from worker.deliver.retry import Decision as RetryDecision
from worker.model import (
    Alert,
    Analysis,
    Article,
    Attempt,
    Decision,
    Delivery,
    Draft,
    Endpoint,
    Feed,
    FeedState,
    Kin,
    Onward,
    PollOutcome,
    Signature,
    Story,
)
from worker.poll import PollDecision, PollRequest

Steering = Literal["pause", "resume", "hurry"]
Stage = Literal["poll", "read", "enrich", "deliver"]
STAGES: tuple[Stage, ...] = ("poll", "read", "enrich", "deliver")
Mark = Literal["acknowledged", "true", "false", "open"]
"""What a person may say of an alert; `true` and `false` acknowledge it too, `open` takes everything back."""

MOST_CLAIMS = 5
"""Work that was claimed this often and never completed is quarantined: it kills whoever touches it."""

BOILERPLATE = 3
"""A short passage that so many articles of one feed share is no part of any of them."""


SUSPECT = 2
"""Work that was claimed this often in vain is lent alone, so that what kills takes no other with it."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Work set aside: why, when, and what it is for a person (a title, an endpoint; a feed's id)."""

    stage: Stage
    id: str
    at: datetime
    reason: str
    subject: str


@dataclass(frozen=True, slots=True)
class FeedClaim:
    """A feed lent to one worker until the lease ends; `fence` must still hold when the work is handed in.

    One `is_suspect` that never came back from its last claims; whoever polls it polls no other beside it.
    `pushes` documents wait that its hub has sent; `delivers_until` is the end of the lease of a hub that delivers.
    """

    feed_id: str
    fence: int
    state: FeedState
    is_suspect: bool = False
    pushes: int = 0
    delivers_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ArticleClaim:
    """An article lent for enrichment; `story` is the one it belongs to if it was read before (an edit), else "".

    `is_trimmed` says that passages which its feed repeats were taken out of it since. `trace` is the traceparent of what
    brought it, and as `finish_articles` is told, of its analysis; "" where nothing is traced.
    """

    article: Article
    fence: int
    story: str = ""
    is_trimmed: bool = False
    trace: str = ""


MOVED = -2
"""What became of an article where another changed its story or its kin meanwhile: look again and raise anew."""


@dataclass(frozen=True, slots=True)
class Kinship:
    """An article's remembered kin; `seen` tells the store later whether they are still the same."""

    kin: tuple[Kin, ...] = ()
    seen: str = ""


@dataclass(frozen=True, slots=True)
class StoryStep:
    """A story as it shall be after an article, made from the `version` that was read; 0 where it was not there.

    `decision` is kept with the article and told in the audit record.
    """

    story: Story
    version: int
    signature: Signature
    seen: str
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An article that is through: what was understood of it, its story's next step, its alerts and what becomes of each."""

    claim: ArticleClaim
    analysis: Analysis
    step: StoryStep
    alerts: Sequence[tuple[Alert, Sequence[Onward]]] = ()
    counts: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """A delivery lent for its next attempt, the `number`-th (from 1), in the outbox since `queued_at`.

    `is_probe` says that its endpoint's circuit is open, and that this one delivery is to try it.
    `fetched_at` is when the alert's article was first seen; None for a notice. `trace` is the traceparent of the
    article's analysis, "" where nothing is traced.
    """

    delivery: Delivery
    fence: int
    number: int
    queued_at: datetime
    is_probe: bool = False
    fetched_at: datetime | None = None
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a finished poll put into the store, each entry counted once; `is_stale` says that nothing was."""

    new: int = 0
    revised: int = 0
    known: int = 0
    remembered: int = 0
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class FinishedPoll:
    """What a poll leaves in the store: articles, metric increments, alerts on the feed itself, and the feed's state."""

    claim: FeedClaim
    decision: PollDecision
    drafts: Sequence[Draft] = ()
    counts: Sequence[tuple[str, float]] = ()
    alerts: Sequence[tuple[Alert, Sequence[Onward]]] = ()

    @property
    def is_quiet(self) -> bool:
        """Whether it changes nothing but the feed's state and time."""
        return not self.drafts and not self.alerts and not self.decision.pushes


@dataclass(frozen=True, slots=True)
class ConfigurationState:
    """What became of a process's last load of its configuration; `hash` is that of the one it runs."""

    is_ok: bool
    hash: str
    reason: str = ""


class Store(Protocol):
    """The truth. Each method is one atomic step; a `finish_` with an outdated fence changes nothing.

    `counts` are metric increments as (series, amount), made in the same step as the state change.
    """

    def sync_feeds(self, feeds: Sequence[Feed]) -> None:
        """Make the schedule hold exactly `feeds`: new ones are due at once, the others keep their time."""

    def steer_feed(self, feed_id: str, action: Steering, by: str = "") -> bool:
        """Pause a feed; resume it, due at once, also out of quarantine; hurry it, which a paused one refuses (False).

        `by` (who) is kept in the audit record.
        """

    def epoch(self) -> str:
        """Changes whenever the store may have lost its newest writes."""

    def claim_feeds(self, limit: int, lease: timedelta) -> list[FeedClaim]:
        """Lend due feeds, the longest due first."""

    def finish_polls(self, polls: Sequence[FinishedPoll]) -> list[Ingested | Exception]:
        """Store new articles, queue them, store alerts on the feed itself, and last of all the feed's state.

        Each poll is one atomic step of its own; what one fell with stands in its place. All are durable on return.
        """

    def claim_articles(self, limit: int, lease: timedelta) -> list[ArticleClaim]:
        """Lend due articles."""

    def repeated_passages(self, articles: Sequence[Article]) -> list[frozenset[str]]:
        """For each article its short passages that at least `BOILERPLATE` articles of its feed had in two days.

        Counts each article once, however often it is claimed.
        """

    def find_kin(self, keys: Sequence[Sequence[str]]) -> list[Kinship]:
        """For the keys of each article, in order, the remembered ones that share one: those that share most first."""

    def read_stories(self, stories: Sequence[str]) -> list[tuple[Story | None, int]]:
        """Each story and its version, in order; (None, 0) where there is none."""

    def finish_articles(self, told: Sequence[Told]) -> list[int | Exception]:
        """Store the analyses, the stories, the new alerts and what becomes of them, and remember the articles for their kin.

        Each article is one atomic step, in order, and fails alone; all share one write to disk. Of each the number of
        alerts that were new, -1 if its claim is stale, `MOVED` if its story or its kin have changed, or why it could not
        be stored.
        """

    def claim_deliveries(self, endpoint: str, at_once: int, lease: timedelta) -> list[DeliveryClaim]:
        """Lend due deliveries of one endpoint, so that at most `at_once` are out over all workers.

        None while the endpoint asked to be left alone. Of the suspect one is out at a time over all endpoints.

        With the circuit open one probe every `breaker.PROBE_EVERY`, whether due or not; paused, none.
        """

    def finish_delivery(
        self,
        claim: DeliveryClaim,
        attempt: Attempt,
        decision: RetryDecision,
        counts: Sequence[tuple[str, float]] = (),
        notices: Sequence[Delivery] = (),
    ) -> bool:
        """Record the attempt and what follows for delivery and circuit; False if the claim was outdated.

        `notices` are queued only if this attempt is the one that pauses the endpoint.
        """

    def replay(self, *, alert: str | None, endpoints: Sequence[str], since: datetime | None) -> list[str]:
        """Queue ended deliveries again with their id and bytes; their ids.

        Those of one alert whatever their end, or all dead letters and quarantined deliveries of the endpoints that
        ended since then.
        """

    def resume_endpoint(self, name: str) -> bool:
        """Close an endpoint's circuit, whatever opened it, and end the wait it asked for; False if nothing held it."""

    def endpoint_states(self, names: Sequence[str]) -> list[EndpointState]:
        """The circuits and queues of endpoints, in order."""

    def known_endpoints(self) -> list[str]:
        """Every endpoint that was ever sent anything, configured or not, by name."""

    def redirect_endpoint(self, old: str, new: str) -> int:
        """Hand over what waits for an endpoint and its dead letters to another, ids and bytes as they are; how many."""

    def mark_alert(self, alert_id: str, mark: Mark, reason: str = "", by: str = "") -> bool:
        """Acknowledge or judge an alert; a new verdict replaces the old one. False if there is no such alert.

        `reason` and `by` (who) are kept with the alert and in the audit record.
        """

    def note_failure(self, claim: FeedClaim | ArticleClaim | DeliveryClaim, reason: str) -> bool:
        """Keep why a claim came to nothing, for the quarantine it may lead to; False if the claim was outdated."""

    def quarantined(self) -> list[Quarantined]:
        """Work that was set aside, the oldest first."""

    def release(self, stage: Stage, ids: Sequence[str] = ()) -> list[str]:
        """Make quarantined work due again with all its claims before it (no ids: all of the stage); their ids."""

    def ask_reload(self) -> None:
        """Ask every process to read its configuration anew, though no file changed."""

    def reloads_asked(self) -> int:
        """How often a reload was asked for."""

    def report_configuration(self, process: str, state: ConfigurationState) -> None:
        """Note what became of a process's last load of its configuration."""

    def configuration_states(self) -> dict[str, ConfigurationState]:
        """The last load of each kind of process."""

    def note_audit(self, kind: str, **facts: str | int | Sequence[str]) -> None:
        """Add a line to the audit record for what happens outside of the store; state changes write their own."""

    def count(self, counts: Iterable[tuple[str, float]]) -> None:
        """Add to metric series that go with no change of state."""


class Articles(Protocol):
    """The articles that were told."""

    def read_articles(self, ids: Sequence[str]) -> list[tuple[Article, Analysis | None] | None]:
        """Of each id the article in the zones in which it was decided on, and its analysis; None where it is not (any more).

        One that was edited has no analysis until it is told again. None of it, too, where `SUSPECT` readers of it never came
        back: nobody else shall read it.
        """


class Fetcher(Protocol):
    """Asks feeds' servers. The future never raises: a failure is an outcome."""

    def fetch(self, request: PollRequest) -> Future[PollOutcome]:
        """Start one poll."""


class Sender(Protocol):
    """Posts deliveries. The future never raises: a failure is an attempt."""

    def send(self, delivery: Delivery, endpoint: Endpoint) -> Future[Attempt]:
        """Start one attempt, signed with the time it starts."""


class Enricher(Protocol):
    """Understands articles: language, entities, topics with evidence."""

    def enrich(self, articles: Sequence[Article]) -> list[Analysis]:
        """An analysis for each article, in order; teasers are not read."""

    def glance(self, articles: Sequence[Article]) -> list[Analysis]:
        """The cheap part of each analysis; `pending` says what the rest may still bring."""

    def complete(self, articles: Sequence[Article], glances: Sequence[Analysis]) -> list[Analysis]:
        """The analyses that `enrich` would have made, from what was glanced."""


class Clock(Protocol):
    """The time and chance, so that tests can hold them still."""

    def now(self) -> datetime:
        """Aware, in UTC."""

    def draw(self) -> float:
        """Uniform in [0, 1)."""


class Bell:
    """Wakes workers; this one nobody. Must not fail: whom no bell wakes wakes by itself within moments."""

    def ring(self, stage: Stage) -> None:
        """There is work for a stage."""

    def catch_up(self) -> None:
        """Ring what was put off; whoever rang and works on asks for it now and then."""


SILENT_BELL = Bell()


class Observer(Protocol):
    """Hears what happened, for logs. Must not fail and must not slow the work."""

    def note(self, event: str, **facts: object) -> None:
        """One thing that happened; facts carry no secret, URL query or article text."""


class Tracer(Protocol):
    """Tells a tracing system how long each step took, and of which other it came. Must not fail."""

    def span(
        self, name: str, parent: str, started: datetime, facts: Mapping[str, str | int]
    ) -> AbstractContextManager[str]:
        """One step, from `started` until the context ends; gives its W3C traceparent. A `parent` of "" begins a trace.

        Facts carry no secret, URL query or article text.
        """


class Untraced:
    """Tells nobody."""

    def span(
        self, name: str, parent: str, started: datetime, facts: Mapping[str, str | int]
    ) -> AbstractContextManager[str]:
        del name, parent, started, facts
        return _NO_SPAN


_NO_SPAN: AbstractContextManager[str] = nullcontext("")
UNTRACED: Tracer = Untraced()
