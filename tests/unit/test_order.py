"""The order of work: what fires first, and the next worker while this one still works."""

from dataclasses import replace

from tests.fakes import (
    ARMS,
    HARMLESS,
    FakeClock,
    FakeFetcher,
    FakeSender,
    PhraseEnricher,
    SilentObserver,
    configuration,
    endpoint,
    feed,
    rss,
    watch,
)
from tests.memory_store import MemoryStore
from worker.match import Matcher
from worker.model import LanguageModel, Pending
from worker.pipeline import Pipeline

FEED = feed()


class Glancing(PhraseEnricher):
    """Leaves the names of everything open until they are looked for."""

    def glance(self, articles):
        return [replace(one, pending=Pending()) for one in super().glance(articles)]

    def complete(self, articles, glances):
        return [replace(one, pending=None) for one in glances]


class Heard:
    """What rang, and which articles were done by then."""

    def __init__(self, store) -> None:
        self.store, self.rings = store, []

    def ring(self, stage) -> None:
        done = [item.record.title for item in self.store.articles.values() if item.state == "done"]
        self.rings.append((stage, done))


def test_what_fires_is_done_and_the_deliverer_woken_before_the_rest_is_finished():
    config = configuration((FEED,), (watch(),), (endpoint(),), nlp=LanguageModel(entities="when_relevant"))
    clock, fetcher = FakeClock(), FakeFetcher()
    store = MemoryStore(clock)
    store.sync_feeds(config.feeds)
    pipeline = Pipeline(
        store, fetcher, Glancing(), FakeSender(), clock, SilentObserver(), config, Matcher(config.watches),
        articles=store, bell=(bell := Heard(store)),
    )  # fmt: skip
    quiet = [
        HARMLESS | {"guid": f"q{i}", "title": f"Flowers {i}", "link": f"https://x.example/q{i}"} for i in range(70)
    ]
    fetcher.serve(FEED.url, rss(*quiet, ARMS))
    pipeline.poll_due()
    assert bell.rings == [("enrich", [])]
    pipeline.enrich_due()
    stage, done = bell.rings[-1]
    assert (stage, done) == ("deliver", [ARMS["title"]]), "the one that fires came last and was told first"
    assert all(item.state == "done" for item in store.articles.values())
