"""A pipeline over fakes, with everything around it."""

from tests.fakes import (
    FakeBell,
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
from tests.memory_lender import MemoryLender
from tests.memory_store import MemoryStore
from worker.match import Matcher
from worker.model import LanguageModel
from worker.pipeline import Limits, Pipeline

FEED = feed()


class Spine:
    def __init__(
        self, feeds=(FEED,), watches=None, endpoints=None, enricher=None, read_limit=None, at_once=32,
        most_at_once=None, entities="always", **statuses,
    ) -> None:  # fmt: skip
        self.clock, self.fetcher, self.sender = FakeClock(), FakeFetcher(), FakeSender(**statuses)
        self.store, self.observer, self.bell = MemoryStore(self.clock), SilentObserver(), FakeBell()
        nlp = LanguageModel(entities=entities)
        config = configuration(feeds, watches or (watch(),), endpoints or (endpoint(),), nlp=nlp)
        self.store.sync_feeds(config.feeds)
        self.pipeline = Pipeline(
            self.store, self.fetcher, enricher or PhraseEnricher(), self.sender, self.clock, self.observer, config,
            Matcher(config.watches), Limits(articles=at_once, most_articles=most_at_once or at_once), bell=self.bell, articles=self.store,
            lender=MemoryLender(self.store),
            **({"read_limit": read_limit} if read_limit else {}),
        )  # fmt: skip

    def serve(self, *items, **kwargs) -> None:
        self.fetcher.serve(FEED.url, rss(*items), **kwargs)

    def run(self, **later) -> None:
        self.clock.advance(**later)
        self.pipeline.poll_due()
        self.pipeline.enrich_due()
        self.pipeline.deliver_due()

    @property
    def received(self) -> list[str]:
        return [delivery.id for _, delivery in self.sender.sent]
