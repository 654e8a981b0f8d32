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
from worker.ports import Bell
from worker.runtime.bell import Doorbell

FEED = feed()


class Glancing(PhraseEnricher):
    """Leaves the names of everything open until they are looked for."""

    def glance(self, articles):
        return [replace(one, pending=Pending()) for one in super().glance(articles)]

    def complete(self, articles, glances):
        return [replace(one, pending=None) for one in glances]


class Heard(Bell):
    """What rang, and which articles were done by then."""

    def __init__(self, store) -> None:
        self.store, self.rings = store, []

    def ring(self, stage) -> None:
        done = [item.record.title for item in self.store.articles.values() if item.state == "done"]
        self.rings.append((stage, done))


def quiet(number):
    """Articles that fire nothing."""
    return [
        HARMLESS | {"guid": f"q{i}", "title": f"Flowers {i}", "link": f"https://x.example/q{i}"} for i in range(number)
    ]


def reading(store, bell, items):
    """A pipeline over one feed with these articles, which looks for names where they matter."""
    config = configuration((FEED,), (watch(),), (endpoint(),), nlp=LanguageModel(entities="when_relevant"))
    store.sync_feeds(config.feeds)
    fetcher = FakeFetcher()
    fetcher.serve(FEED.url, rss(*items))
    return Pipeline(
        store, fetcher, Glancing(), FakeSender(), store.clock, SilentObserver(), config, Matcher(config.watches),
        articles=store, bell=bell,
    )  # fmt: skip


def test_what_fires_is_done_and_the_deliverer_woken_before_the_rest_is_finished():
    store = MemoryStore(FakeClock())
    pipeline = reading(store, bell := Heard(store), [*quiet(70), ARMS])
    pipeline.poll_due()
    assert bell.rings == [("enrich", [])]
    pipeline.enrich_due()
    stage, done = bell.rings[-1]
    assert (stage, done) == ("deliver", [ARMS["title"]]), "the one that fires came last and was told first"
    assert all(item.state == "done" for item in store.articles.values())


def test_the_deliverer_hears_of_what_fires_just_after_other_alerts_while_the_rest_is_finished():
    store, rung = MemoryStore(FakeClock()), []

    def done():
        return sum(item.state == "done" for item in store.articles.values())

    bell = Doorbell(lambda stage: rung.append((stage, done())), lambda: 1 + done() * 0.01)
    text = (
        "Westhaven has shipped sixty rifles and ammunition to Oststadt, a trade paper writes; weapons deliveries go on."
    )
    other = {"guid": "fires", "title": "Rifles for Oststadt", "link": "https://x.example/f", "description": text}
    items = quiet(120)
    items[5:5], items[60:60] = [ARMS], [ARMS | other]
    pipeline = reading(store, bell, items)
    pipeline.poll_due()
    pipeline.enrich_due()
    delivers = [number for stage, number in rung if stage == "deliver"]
    assert len(delivers) == 2
    assert delivers[0] < 20 <= delivers[1] < done() == 122
