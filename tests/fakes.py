"""Stand-ins for the world, and small makers of nouns. No mocks: each fake really does the little it promises."""

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import cache

from worker.enrich.phrase_topics import PhraseTopics
from worker.enrich.sentences import split_sentences
from worker.model import (
    Analysis,
    Article,
    Attempt,
    Configuration,
    Endpoint,
    Entity,
    Feed,
    Fetched,
    Format,
    PollFailed,
    PollFailure,
    Route,
    Severity,
    Span,
    TopicCondition,
    TopicScore,
    Watch,
)
from worker.ports import Bell
from worker.zones import split_zones, without_teasers

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "whsec_" + "c2VjcmV0" * 5


class FakeClock:
    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def draw(self) -> float:
        return 0.0

    def advance(self, **kwargs) -> None:
        self.at += timedelta(**kwargs)


class FakeFetcher:
    """Serves documents by address; what has no document is unreachable."""

    def __init__(self) -> None:
        self.documents: dict[str, object] = {}
        self.asked = []

    def serve(self, url: str, body: bytes | str, content_type: str = "application/xml", **kwargs) -> None:
        raw = body.encode() if isinstance(body, str) else body
        self.documents[url] = Fetched(raw, url, content_type, **kwargs)

    def fetch(self, request):
        self.asked.append(request)
        missing = PollFailed(PollFailure.UNREACHABLE, f"{request.feed.url} cannot be reached")
        return done(self.documents.get(request.feed.url, missing))


class FakeSender:
    """Answers each attempt with the next status of its endpoint, then 204."""

    def __init__(self, **statuses: Sequence[int]) -> None:
        self.statuses = {name: list(codes) for name, codes in statuses.items()}
        self.sent = []

    def send(self, delivery, endpoint):
        self.sent.append((endpoint.name, delivery))
        left = self.statuses.get(endpoint.name, [])
        status = left.pop(0) if left else 204
        return done(Attempt(status, timedelta(milliseconds=5), "" if status < 300 else f"answered {status}"))


class PhraseEnricher:
    """Topics by the phrase baseline, no entities: enough understanding for the spine, and fast."""

    def enrich(self, articles: Sequence[Article]) -> list[Analysis]:
        return [analyse(article) for article in articles]

    def glance(self, articles: Sequence[Article]) -> list[Analysis]:
        return [analyse(article) for article in articles]

    def complete(self, articles: Sequence[Article], glances: Sequence[Analysis]) -> list[Analysis]:
        return list(glances)


class FakeBell(Bell):
    """Writes down which stage was rung, and what `look` saw at that moment."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, object]] = []
        self.look = lambda: None

    def ring(self, stage: str) -> None:
        self.rung.append((stage, self.look()))


class SilentObserver:
    def __init__(self) -> None:
        self.events = []

    def note(self, event: str, **facts: object) -> None:
        self.events.append((event, facts))


_phrase_topics = cache(PhraseTopics.default)
"""Compiled once: hundreds of patterns would cost every test that reads an article a second."""


def analyse(article: Article) -> Analysis:
    text = without_teasers(article.text, article.zones)
    sentences = tuple(split_sentences(text))
    scored = _phrase_topics().score(text, sentences)
    topics = tuple(
        TopicScore(r.topic, r.probability, tuple(Span(s, e, text[s:e]) for s, e, _ in r.evidence)) for r in scored
    )
    return Analysis((), topics, sentences, "en", "fake")


def done(value) -> Future:
    future: Future = Future()
    future.set_result(value)
    return future


def feed(name: str = "wire", **kwargs) -> Feed:
    return Feed(id=f"feed_{name}", url=f"https://{name}.example/rss", name=name, **kwargs)


def article(title: str, body: str = "", **kwargs) -> Article:
    values = {"id": "art_1", "feed_id": "feed_wire", "source": "wire"} | kwargs
    return Article(title=title, text=f"{title}\n{body}", zones=split_zones(title, body), **values)


def analysis(
    art: Article, topics: dict[str, float] | None = None, entities: dict[str, tuple] | None = None
) -> Analysis:
    sentences = tuple(split_sentences(art.text))
    first = Span(*sentences[0], art.text[slice(*sentences[0])]) if sentences else Span(0, 0, "")
    found = tuple(
        Entity(name, label, art.text.index(name), art.text.index(name) + len(name), id_)
        for name, (label, id_) in (entities or {}).items()
    )
    scored = tuple(TopicScore(name, score, (first,)) for name, score in (topics or {}).items())
    return Analysis(found, scored, sentences, "en", "fake")


def watch(topic: str = "arms-transfer", **kwargs) -> Watch:
    values = {"id": topic, "title": topic, "severity": Severity.HIGH, "condition": TopicCondition(topic)} | kwargs
    return Watch(**values)


def endpoint(name: str = "desk", url: str = "http://127.0.0.1:9/hook", **kwargs) -> Endpoint:
    return Endpoint(name, url, (SECRET,), allow_private=True, **kwargs)


TEMPLATE = '{"text": {{ title }}, "link": {{ alert.article.link }}, "severities": {{ alerts | map(attribute="severity") | list }}}'


def speaking(format_: Format, name: str = "desk") -> Endpoint:
    """An endpoint of a format."""
    return endpoint(name, format=format_, template=TEMPLATE if format_ is Format.TEMPLATE else "")


def configuration(feeds=(), watches=(), endpoints=(), **kwargs) -> Configuration:
    route = Route(tuple(e.name for e in endpoints))
    return Configuration(tuple(feeds), tuple(watches), tuple(endpoints), route, "confhash", **kwargs)


def rss(*items: dict[str, str], title: str = "Wire") -> str:
    """An RSS 2.0 document; each item's keys are its elements, already escaped."""
    body = "".join("<item>" + "".join(f"<{k}>{v}</{k}>" for k, v in item.items()) + "</item>" for item in items)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{body}</channel></rss>'


ARMS = {
    "guid": "arms-1",
    "title": "Norland ships tanks to Sudmark",
    "link": "https://wire.example/arms-1",
    "description": "The government of Norland has delivered forty battle tanks and artillery shells to Sudmark, "
    "the defence ministry said. Further weapons deliveries to Sudmark follow in spring.",
    "pubDate": "Sun, 01 Mar 2026 11:00:00 GMT",
}
HARMLESS = {
    "guid": "choir-1",
    "title": "Village choir wins a prize",
    "link": "https://wire.example/choir-1",
    "description": "The choir of the village took first place at the regional festival on Sunday evening.",
    "pubDate": "Sun, 01 Mar 2026 11:30:00 GMT",
}
