"""Whatever is left unread, the alerts are those of reading everything."""

import json
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import FakeClock, FakeFetcher, FakeSender, SilentObserver, configuration, endpoint, feed, rss
from tests.memory_store import MemoryStore
from worker import story
from worker.decision import digest_finding
from worker.deliver.payload import build
from worker.enrich.enricher import load
from worker.match import Matcher
from worker.model import (
    AgeCondition,
    Analysis,
    EntityCondition,
    Escalation,
    EventCondition,
    Group,
    LanguageCondition,
    LanguageModel,
    ListedName,
    ListEntry,
    Match,
    NameList,
    NearCondition,
    Pending,
    PhraseCondition,
    RegexCondition,
    Severity,
    TopicCondition,
    Watch,
)
from worker.model.article import Article
from worker.pipeline import Limits, Pipeline
from worker.zones import split_zones

FEED = feed()
WORDS = ("sanctions", "missile", "police", "bank", "ship", "ukraine", "north korea", "tank*", "the", "jordan", "un")
LIST = NameList(
    "parties",
    tuple(ListedName(name, ListEntry("parties", name, name)) for name in ("Rosneft", "Wagner Group", "Kim Jong Un")),
)
ids = st.lists(st.sampled_from(("RU", "UA", "KP", "IR", "JO", "GE", "US", "CN", "TR")), max_size=3).map(tuple)
labels = st.lists(st.sampled_from(("GPE", "NORP", "PERSON", "ORG", "WEAPON", "VESSEL")), max_size=2).map(tuple)
terms = st.lists(st.sampled_from(WORDS), max_size=2).map(tuple)
some_terms = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(tuple)
salience = st.sampled_from(("any", "main"))
entities = st.builds(
    EntityCondition, ids=ids, terms=terms, labels=labels, lists=st.sampled_from(((), (LIST,))), salience=salience,
    within=st.sampled_from(("", "sentence", "paragraph")), weight=st.sampled_from((None, 1.0, 2.0, -1.0)),
)  # fmt: skip
leaves = st.one_of(
    entities,
    entities,
    st.builds(
        TopicCondition, st.sampled_from(("sanctions-measure", "arms-transfer", "armed-conflict")),
        st.sampled_from((None, 0.05, 0.3)), salience,
    ),
    st.builds(
        EventCondition, st.sampled_from(("transfer", "sanction", "violation")),
        modalities=st.sampled_from(((), ("asserted",))),
    ),
    st.builds(PhraseCondition, some_terms),
    st.builds(NearCondition, st.tuples(some_terms, some_terms), st.integers(1, 30)),
    st.just(RegexCondition("billion|million")),
    st.just(LanguageCondition(("en",))),
    st.just(AgeCondition()),
)  # fmt: skip


def groups(inner):
    return st.builds(Group, st.sampled_from(("all", "any", "none")), st.lists(inner, min_size=1, max_size=3).map(tuple))


conditions = st.one_of(leaves, groups(leaves), groups(st.one_of(leaves, groups(leaves))))
watches = st.builds(
    Watch, id=st.just("w"), title=st.just("w"), severity=st.just(Severity.HIGH), condition=conditions,
    zones=st.sampled_from((("title", "lead", "body"), ("title",))), threshold=st.sampled_from((None, None, 1.0, 2.5)),
    weights=st.just((("entity", 1.0), ("topic", 1.0), ("phrase", 0.5))),
)  # fmt: skip


@cache
def enricher():
    return load(LanguageModel(backend="numpy"))


@pytest.fixture(scope="module")
def readings(shared: Path) -> list[tuple[Article, Analysis, Analysis]]:
    """Real articles, glanced at and read."""
    rows = rows_of(shared)[::17]
    articles = [as_article(number, row) for number, row in enumerate(rows)]
    return Readings(zip(articles, enricher().glance(articles), enricher().enrich(articles), strict=True))


class Readings(list):
    """Shown as a word, where hypothesis would print them all."""

    def __repr__(self) -> str:
        return "readings"


def rows_of(shared: Path) -> list[dict]:
    return [json.loads(line) for line in (shared / "topics" / "dev.jsonl").read_text("utf-8").splitlines()]


def as_article(number: int, row: dict) -> Article:
    title, body = headline(row)
    return Article(f"art_{number}", FEED.id, FEED.name, title, f"{title}\n{body}", split_zones(title, body))


def headline(row: dict) -> tuple[str, str]:
    title, _, body = (row.get("text") or f"{row['title']}\n{row['body']}").partition("\n")
    return title, body


def test_what_was_glanced_at_completes_to_what_reading_gives(readings):
    for article, glance, whole in readings:
        assert glance.pending
        assert not whole.pending
        [completed] = enricher().complete([article], [glance])
        assert completed == whole


def test_names_bring_only_ids_and_labels_that_were_expected(readings):
    for article, glance, whole in readings:
        assert {e.id for e in whole.entities if e.id} <= set(glance.pending.ids), article.title
        assert {e.label for e in whole.entities} <= set(glance.pending.labels), article.title
        assert glance.pending.has_events or not whole.events, article.title


@settings(max_examples=400)
@given(number=st.integers(0, 999), watch=watches)
def test_a_watch_that_fires_on_a_read_article_was_not_ruled_out_before(readings, number, watch):
    article, glance, whole = readings[number % len(readings)]
    matcher = Matcher((watch,))
    fires = any(isinstance(verdict, Match) for verdict in matcher.screen(article, whole))
    assert matcher.may_fire(article, glance) or not fires


def test_a_foreign_pipeline_may_bring_anything(readings):
    watch = Watch("w", "w", Severity.LOW, EntityCondition(ids=("Q42",), name="a wiki id"))
    article, glance, _ = readings[0]
    assert not Matcher((watch,)).may_fire(article, glance)
    assert Matcher((watch,)).may_fire(article, Analysis((), (), glance.sentences, "en", "x", pending=Pending()))


def test_a_signature_without_names_is_told_apart_when_it_is_read_back(readings):
    for article, glance, whole in readings[:20]:
        for analysis in (glance, whole):
            signature = story.sign(article, analysis)
            assert signature.is_named is (analysis is whole)
            again = story.unpack(story.pack(signature))
            assert (again.is_named, again.names, again.title) == (signature.is_named, signature.names, signature.title)


DESK = (
    Watch("topic", "Arms", Severity.HIGH, TopicCondition("arms-transfer"),
          escalate=(Escalation(Severity.CRITICAL, 2, timedelta(days=2)),)),
    Watch("iran", "Iran", Severity.LOW, Group("all", (
        EntityCondition(ids=("IR",), name="iran"), TopicCondition("sanctions-measure")))),
    Watch("jordan", "Jordan and missiles", Severity.LOW, Group("all", (
        EntityCondition(ids=("JO", "GE"), name="both"), PhraseCondition(("missile*", "troops"))))),
    Watch("not-us", "Weapons without the US", Severity.LOW, Group("all", (
        EntityCondition(labels=("WEAPON",)), Group("none", (EntityCondition(ids=("US",), name="us"),)),
        TopicCondition("armed-conflict")))),
)  # fmt: skip


class Both:
    """The same feed through pipelines that read everything, what matters, or everything with what matters first."""

    def __init__(self, *modes: str) -> None:
        self.runs = [self._open(mode) for mode in modes]

    def _open(self, mode):
        clock, fetcher = FakeClock(), FakeFetcher()
        store = MemoryStore(clock)
        entities = "always" if mode == "hurried" else mode
        config = configuration((FEED,), DESK, (endpoint(),), nlp=LanguageModel(backend="numpy", entities=entities))
        store.sync_feeds(config.feeds)
        pipeline = Pipeline(
            store, fetcher, enricher(), FakeSender(), clock, SilentObserver(), config, Matcher(DESK), articles=store,
            limits=Limits(articles=4, most_articles=8) if mode == "hurried" else Limits(),
        )  # fmt: skip
        return clock, fetcher, store, pipeline

    def publish(self, items) -> None:
        for clock, fetcher, _, pipeline in self.runs:
            fetcher.serve(FEED.url, rss(*items))
            clock.advance(hours=1)
            pipeline.poll_due()
            pipeline.enrich_due()


def test_the_alerts_are_those_of_reading_everything(shared):
    rows = rows_of(shared)
    rows = [row for row in rows if len(row.get("text") or row.get("body", "")) > 80][:240]
    both = Both("always", "when_relevant", "hurried")
    for start in range(0, len(rows), 20):
        both.publish(
            [item for number, row in enumerate(rows[start : start + 20]) for item in told(start + number, row)]
        )
    (*_, everything, _), (*_, relevant, _), (*_, hurried, _) = both.runs
    unread = sum(item.analysis.pending is not None for item in relevant.articles.values() if item.analysis)
    assert unread > len(rows) / 3
    assert [build(alert) for alert in relevant.alerts.values()], "the stream raises alerts"
    by_id = [{id_: alert.article.id for id_, alert in run.alerts.items()} for run in (everything, relevant, hurried)]
    assert by_id[2] == by_id[1] == by_id[0]
    for id_, alert in everything.alerts.items():
        other = relevant.alerts[id_]
        assert (other.finding, other.severity, other.story, other.sources, other.analysis) == (
            alert.finding, alert.severity, alert.story, alert.sources, alert.analysis,
        )  # fmt: skip
        other = hurried.alerts[id_]  # topics' last digits are another batch's
        assert (digest_finding(other.finding), other.severity, other.story, other.sources) == (
            digest_finding(alert.finding), alert.severity, alert.story, alert.sources,
        )  # fmt: skip
    for id_, item in everything.articles.items():
        later = hurried.articles[id_].analysis
        assert later.pending is None, "under load everything is read too, only later"
        assert (later.entities, later.events) == (item.analysis.entities, item.analysis.events)


def told(number: int, row: dict) -> list[dict[str, str]]:
    """An entry, and for every third another publisher's on the same news: same headline words, other text."""
    title, body = headline(row)
    clean = [text.replace("&", "and").replace("<", "") for text in (title, body)]
    entry = {"guid": f"g{number}", "link": f"https://one.example/{number}", "title": clean[0], "description": clean[1]}
    if number % 3:
        return [entry]
    other = (
        f"It was reported today that {clean[0]}. "
        + " ".join(reversed(clean[1].split(".")))
        + f" Told {number} times over."
    )
    return [entry, entry | {"guid": f"h{number}", "link": f"https://two.example/{number}", "description": other}]
