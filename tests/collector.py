"""The spine on a virtual clock, over either store, with a collector that says what had to arrive when.

A scenario is written down first: what is published, done and expected at which second. `play` then runs the real
stages second by second, and every message must meet one expectation, and every expectation one message.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tests.fakes import NOW, SECRET, FakeClock, FakeFetcher, SilentObserver, analysis, done, rss
from worker import silence
from worker.match import Matcher
from worker.model import Attempt
from worker.pipeline import Limits, Pipeline
from worker.watchlist import load_configuration

BASE = """
feeds:
  - {url: "https://wire.example/rss", name: Wire, interval: 1s, fulltext: never}
  - {url: "https://herald.example/rss", name: Herald, interval: 1s, fulltext: never}
  - {url: "https://courier.example/rss", name: Courier, interval: 1s, fulltext: never}
endpoints:
  desk: {url: {env: URL}, secret: {env: SECRET}}
  pager: {url: {env: URL}, secret: {env: SECRET}}
"""
WATCHES = """
watches:
  - {id: tanks, title: Tanks, severity: high, labels: {desk: arms}, match: {phrase: tanks}}
  - {id: banks, title: Banks, severity: low, labels: {desk: money}, match: {phrase: banks}}
"""
_WORDS = (
    "amber birch cedar delta ember fjord grove haven inlet jetty knoll ledge marsh north ocean pearl quartz ridge shore "
    "tulip umber vale wharf yarrow zephyr acorn bramble clover dune elm fern glade heath iris juniper kelp lilac moss"
).split()


@dataclass(frozen=True)
class Message:
    """A message as it arrived, `at` seconds after the start."""

    at: float
    endpoint: str
    id: str
    body: str

    @property
    def data(self) -> dict:
        return json.loads(self.body)["data"]

    @property
    def kind(self) -> str:
        return self.data["kind"] if "alerts" in self.data else "alert"

    @property
    def titles(self) -> list[str]:
        """What it tells of, by the first word of each title."""
        alerts = self.data.get("alerts", [self.data])
        return sorted(alert["article"]["title"].split()[0] for alert in alerts)


@dataclass
class Expected:
    """A message that must arrive between two moments."""

    endpoint: str
    first: float
    last: float
    kind: str
    titles: list[str] | None
    total: int | None
    met: Message | None = None

    def meets(self, message: Message) -> bool:
        return (
            message.endpoint == self.endpoint
            and self.first <= message.at <= self.last
            and message.kind == self.kind
            and (self.titles is None or message.titles == sorted(self.titles))
            and (self.total is None or message.data.get("total", 1) == self.total)
        )


class VirtualClock(FakeClock):
    """Tells the real server the time as well."""

    def __init__(self, at: datetime, tell: Callable[[datetime], None]) -> None:
        super().__init__(at)
        self._tell = tell
        tell(at)

    def advance(self, **kwargs) -> None:
        super().advance(**kwargs)
        self._tell(self.at)


@dataclass
class Newsroom:
    """See the module. `start` is second 0."""

    directory: Path
    clock: FakeClock
    store: object
    groups: object
    silences: object
    start: datetime = NOW
    route: str = ""
    watches: str = WATCHES
    items: dict[str, list] = field(default_factory=lambda: {"wire": [], "herald": [], "courier": []})
    script: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    attempts: list[Message] = field(default_factory=list)
    outages: list[tuple[str, float, float]] = field(default_factory=list)
    made: int = 0

    def open(self, route: str = "", watches: str = WATCHES) -> "Newsroom":
        self.configure(route, watches)
        self.fetcher = FakeFetcher()
        self.pipeline = Pipeline(
            self.store, self.fetcher, self, self, self.clock, SilentObserver(), self.configuration,
            Matcher(self.configuration.watches), Limits(budget=timedelta(0)), silences=self.silences, groups=self.groups,
        )  # fmt: skip
        for feed in self.items:
            self.serve(feed)
        self.store.sync_feeds(self.configuration.feeds)
        self.pipeline.poll_due()
        return self

    def configure(self, route: str, watches: str = WATCHES) -> None:
        (self.directory / "config.yaml").write_text(BASE + watches + route, "utf-8")
        self.configuration = load_configuration(self.directory, {"URL": "https://desk.example/hook", "SECRET": SECRET})

    # --- what happens --------------------------------------------------------------------------------------

    def publish(self, at: float, name: str, about: str = "tanks", feed: str = "wire", **item) -> None:
        """An article whose title begins with `name` is published."""
        self.script.append((at, lambda: self._publish(name, about, feed, item)))

    def reload(self, at: float, route: str, watches: str = WATCHES) -> None:
        """Another configuration comes into force."""

        def adopt() -> None:
            self.configure(route, watches)
            self.pipeline = self.pipeline.reconfigured(self.configuration, self)

        self.script.append((at, adopt))

    def silence(self, at: float, matcher: str, lasts: float) -> None:
        """Somebody silences what matches for so many seconds."""

        def add() -> None:
            now = self.clock.now()
            self.silences.add_silence(
                silence.make([matcher], starts_at=now, ends_at=now + timedelta(seconds=lasts), author="ann",
                             comment="known", now=now)
            )  # fmt: skip

        self.script.append((at, add))

    def acknowledge(self, at: float, name: str) -> None:
        """Somebody acknowledges every alert on the article."""

        def mark() -> None:
            told = {alert["alert_id"] for m in self.messages for alert in _alerts(m) if _name(alert) == name}
            assert told, f"{name} was not told yet"
            for alert_id in told:
                assert self.store.mark_alert(alert_id, "acknowledged")

        self.script.append((at, mark))

    def outage(self, endpoint: str, first: float, last: float) -> None:
        """The endpoint answers 503 between two moments."""
        self.outages.append((endpoint, first, last))

    def expect(
        self, endpoint: str, between: tuple[float, float], *titles: str, kind: str = "alert", total: int | None = None
    ) -> None:
        """A message must arrive between two moments; without titles, whatever it tells of."""
        self.expected.append(Expected(endpoint, *between, kind, list(titles) or None, total))

    def play(self, seconds: float, step: float = 1) -> list[Message]:
        """Run the scenario; the messages that arrived."""
        todo = sorted(self.script, key=lambda entry: entry[0])
        end = self.start + timedelta(seconds=seconds)
        while self.clock.now() <= end:
            while todo and self.seconds() >= todo[0][0]:
                todo.pop(0)[1]()
            self.pipeline.deliver_due()
            self.clock.advance(seconds=step)
        self._check()
        return self.messages

    def seconds(self) -> float:
        return (self.clock.now() - self.start).total_seconds()

    # --- the world -----------------------------------------------------------------------------------------

    def enrich(self, articles):
        return [analysis(article, entities=_named(article.text)) for article in articles]

    def send(self, delivery, endpoint):
        message = Message(self.seconds(), endpoint.name, delivery.id, delivery.body)
        self.attempts.append(message)
        if any(name == endpoint.name and first <= message.at < last for name, first, last in self.outages):
            return done(Attempt(503, timedelta(milliseconds=5), "answered 503"))
        self.messages.append(message)
        return done(Attempt(204, timedelta(milliseconds=5)))

    def serve(self, feed: str) -> None:
        self.fetcher.serve(f"https://{feed}.example/rss", rss(*self.items[feed]))

    def _publish(self, name: str, about: str, feed: str, item: dict[str, str]) -> None:
        self.made += 1
        words = [_WORDS[(self.made * 7 + i * (1 + self.made % 5)) % len(_WORDS)] + str(self.made) for i in range(30)]
        self.items[feed].append(
            {
                "guid": f"{feed}-{self.made}",
                "title": f"{name} {words[0]} {about}",
                "link": f"https://{feed}.example/{self.made}",
                "description": " ".join(words[1:]) + ".",
                "pubDate": self.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT"),
            }
            | item
        )
        self.serve(feed)
        self.store.sync_feeds([])
        self.store.sync_feeds(self.configuration.feeds)
        self.pipeline.poll_due()
        while self.pipeline.enrich_due():
            pass

    def _check(self) -> None:
        unexpected = []
        for message in self.messages:
            found = next((one for one in self.expected if one.met is None and one.meets(message)), None)
            if found:
                found.met = message
            else:
                unexpected.append((message.at, message.endpoint, message.kind, message.titles))
        missing = [one for one in self.expected if one.met is None]
        assert not unexpected, f"unexpected: {unexpected}; still expected: {missing}"
        assert not missing, f"never came: {missing}"


def _alerts(message: Message) -> list[dict]:
    return message.data.get("alerts", [message.data])


def _name(alert: dict) -> str:
    return alert["article"]["title"].split()[0]


def _named(text: str) -> dict[str, tuple[str, str]]:
    names = {"Norland": ("GPE", "NO1"), "Sudmark": ("GPE", "SU1")}
    return {name: found for name, found in names.items() if name in text}
