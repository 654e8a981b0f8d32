"""The reader over fakes: whatever a page or its server does, the article is analysed once, with one text or the other."""

from concurrent.futures import Future
from datetime import timedelta

import pytest

from tests import pages
from tests.fakes import (
    ARMS,
    FakeClock,
    FakeFetcher,
    FakeSender,
    PhraseEnricher,
    SilentObserver,
    configuration,
    done,
    endpoint,
    feed,
    rss,
    watch,
)
from tests.memory_pages import MemoryPageStore
from tests.memory_store import MemoryStore
from worker.match import Matcher
from worker.model import Fetched, PhraseCondition, PollFailed, PollFailure, Postponed
from worker.page import read_page
from worker.pipeline import Pipeline
from worker.reader import PageReader

FEED = feed(fulltext="auto")
LINK = "https://wire.example/arms-1"
ENTRY = ARMS | {"title": pages.TITLE, "description": pages.SUMMARY}
NEEDS_PAGE = watch(id="escort", condition=PhraseCondition(("naval escort",)))


class PageFetcher(FakeFetcher):
    """Feeds by their address, pages by theirs."""

    def fetch(self, request):
        if not request.is_page:
            return super().fetch(request)
        self.asked.append(request)
        return done(self.documents.get(request.address, PollFailed(PollFailure.UNREACHABLE, "cannot be reached")))


class Reading:
    def __init__(self, dies=False) -> None:
        self.dies = dies

    def extract(self, fetched: Fetched):
        if self.dies:
            raise ValueError(fetched.url)
        return read_page(fetched.body, fetched.url, fetched.content_type)


class Spine:
    def __init__(self, extractor=None, feeds=(FEED,)) -> None:
        self.clock, self.fetcher, self.sender = FakeClock(), PageFetcher(), FakeSender()
        self.store, self.observer = MemoryStore(self.clock), SilentObserver()
        config = configuration(feeds, (NEEDS_PAGE,), (endpoint(),))
        self.store.sync_feeds(config.feeds)
        reader = PageReader(
            MemoryPageStore(self.store), self.fetcher, extractor or Reading(), self.clock, self.observer,
            lease=timedelta(seconds=30), budget=timedelta(seconds=20),
        )  # fmt: skip
        self.pipeline = Pipeline(
            self.store, self.fetcher, PhraseEnricher(), self.sender, self.clock, self.observer, config,
            Matcher(config.watches), reader=reader,
        )  # fmt: skip
        self.fetcher.serve(FEED.url, rss(ENTRY))

    def run(self, **later) -> None:
        self.clock.advance(**later)
        self.pipeline.poll_due()
        self.pipeline.read_due()
        self.pipeline.enrich_due()
        self.pipeline.deliver_due()

    @property
    def article(self):
        [item] = self.store.articles.values()
        return item.record

    def pages_asked(self) -> int:
        return sum(request.is_page for request in self.fetcher.asked)


def test_what_only_the_page_says_is_alerted_on():
    spine = Spine()
    spine.fetcher.serve(LINK, pages.story(), "text/html")
    spine.run()
    assert len(spine.sender.sent) == 1
    assert spine.article.text_from == "page"


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (PollFailed(PollFailure.HTTP_STATUS, "https://wire.example/arms-1 answered 404", status=404), "404"),
        (PollFailed(PollFailure.BLOCKED_ADDRESS, "is not public"), "not public"),
        (Fetched(pages.COOKIE_WALL.encode(), LINK, "text/html"), "cookies"),
        (Fetched(b"%PDF", LINK, "application/pdf"), "application/pdf"),
    ],
)
def test_where_the_page_gives_nothing_the_feeds_text_is_analysed_at_once(outcome, reason):
    spine = Spine()
    spine.fetcher.documents[LINK] = outcome
    spine.run()
    assert spine.store.due["articles"] == {}, "it was analysed"
    assert spine.article.text_from == "feed"
    assert reason in spine.article.text_reason
    assert any(event == "page_not_taken" for event, _ in spine.observer.events)


def test_a_page_that_fails_for_now_is_asked_once_more_and_then_the_feeds_text_holds():
    spine = Spine()
    spine.run()
    assert spine.pages_asked() == 1
    spine.run(seconds=5)
    assert (spine.pages_asked(), len(spine.store.due["articles"])) == (1, 1)
    spine.run(seconds=10)
    assert spine.pages_asked() == 2
    assert spine.store.due["articles"] == {}
    spine.run(hours=1)
    assert spine.pages_asked() == 2, "no second reading of the same text"


def test_a_second_try_that_succeeds_is_taken():
    spine = Spine()
    spine.run()
    spine.fetcher.serve(LINK, pages.story(), "text/html")
    spine.run(seconds=10)
    assert len(spine.sender.sent) == 1


def test_a_host_that_is_busy_to_the_end_costs_a_minute_and_no_article():
    spine = Spine()
    spine.fetcher.documents[LINK] = Postponed(timedelta(seconds=20))
    for _ in range(4):
        spine.run(seconds=20)
    assert spine.store.due["articles"] == {}
    assert spine.article.text_from == "feed"


def test_without_any_reader_the_article_is_analysed_after_a_minute():
    spine = Spine()
    spine.pipeline.poll_due()
    assert spine.pipeline.enrich_due() == 0
    assert len(spine.store.due["articles"]) == 1
    spine.clock.advance(seconds=60)
    spine.pipeline.enrich_due()
    assert spine.store.due["articles"] == {}
    assert "not read within" in spine.article.text_reason


def test_a_page_that_our_own_reading_stumbles_over_leaves_the_feeds_text():
    spine = Spine(Reading(dies=True))
    spine.fetcher.serve(LINK, pages.story(), "text/html")
    spine.run()
    assert spine.store.due["articles"] == {}
    assert "ValueError" in spine.article.text_reason
    assert LINK not in spine.article.text_reason


def test_a_page_that_kills_its_readers_is_not_fetched_a_third_time():
    spine = Spine()
    spine.pipeline.poll_due()
    for _ in range(2):
        MemoryPageStore(spine.store).claim_pages(9, timedelta(seconds=5))  # and dies
        spine.clock.advance(seconds=6)
    spine.run()
    assert spine.pages_asked() == 0
    assert "died 2 times" in spine.article.text_reason
    assert spine.store.due["articles"] == {}


def test_the_page_of_a_feed_that_was_removed_is_left():
    spine = Spine()
    spine.pipeline.poll_due()
    spine.pipeline = spine.pipeline.reconfigured(configuration((), (NEEDS_PAGE,), (endpoint(),)), PhraseEnricher())
    spine.run()
    assert spine.pages_asked() == 0
    assert "removed" in spine.article.text_reason


class Slow(PageFetcher):
    """Pages are answered when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[Future] = []

    def fetch(self, request):
        if not request.is_page:
            return super().fetch(request)
        self.pages.append(Future())
        return self.pages[-1]


def test_a_slow_page_is_asked_for_once_and_read_however_short_the_lease():
    spine, fetcher = Spine(), Slow()
    spine.pipeline.poll_due()
    reader = PageReader(
        MemoryPageStore(spine.store), fetcher, Reading(), spine.clock, spine.observer,
        lease=timedelta(seconds=5), budget=timedelta(0),
    )  # fmt: skip
    reader.adopt(configuration((FEED,), (NEEDS_PAGE,), (endpoint(),)))
    for _ in range(4):
        reader.read_due()
        spine.clock.advance(seconds=7)
    [page] = fetcher.pages
    page.set_result(Fetched(pages.story().encode(), LINK, "text/html"))
    assert reader.read_due() == 1
    assert spine.article.text_from == "page"
