"""What any store promises of the pages that are wanted, over the one in memory and the real one."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import ARMS, NOW, FakeClock, feed, rss
from tests.memory_pages import MemoryPageStore
from tests.memory_store import MemoryStore
from tests.polls import finish_poll
from worker import fulltext
from worker.dedupe import identify
from worker.model import FeedState, Fetched, PageDecision, PageOutcome
from worker.parse import parse
from worker.poll import PollDecision
from worker.runtime.page_store import RedisPageStore

FEED = feed(fulltext="auto")
LEASE, SHORT = timedelta(seconds=60), timedelta(milliseconds=1)


class Bench:
    def __init__(self, store, pages, clock) -> None:
        self.store, self.pages, self.clock = store, pages, clock

    def pass_time(self) -> None:
        if self.clock:
            self.clock.advance(seconds=1)
        else:
            time.sleep(0.02)

    def ingest(self, item=ARMS, feed_=FEED):
        self.store.sync_feeds([feed_])
        self.store.steer_feed(feed_.id, "hurry")
        [claim] = self.store.claim_feeds(10, LEASE)
        document = parse(Fetched(rss(item).encode(), feed_.url))
        drafts = identify(feed_, FeedState(is_baselined=True), document, NOW)
        marked = [fulltext.marked(feed_, draft) for draft in drafts]
        return finish_poll(self.store, claim, PollDecision(FeedState(is_baselined=True), LEASE, "fetched"), marked)

    def counted(self, outcome: str) -> float:
        name = f'tocsin_pages_total{{outcome="{outcome}"}}'
        if self.clock:
            return self.store.counted[name]
        return float(self.store.client.hget("{tocsin}:metrics", name) or 0)


@pytest.fixture(params=["memory", "redis"])
def bench(request):
    if request.param == "memory":
        clock = FakeClock()
        store = MemoryStore(clock)
        return Bench(store, MemoryPageStore(store), clock)
    store = request.getfixturevalue("redis_store")
    return Bench(store, RedisPageStore(store), None)


def read(claim, text="The page's text.") -> PageDecision:
    return PageDecision(PageOutcome.READ, replace(claim.article, text=text, text_from="page", text_reason="because"))


def test_an_article_that_waits_for_its_page_is_not_analysed_and_is_at_once_when_the_page_came(bench):
    bench.ingest()
    assert bench.store.claim_articles(9, LEASE) == []
    [claim] = bench.pages.claim_pages(9, LEASE)
    assert (claim.tries, claim.claims) == (1, 1)
    assert bench.pages.claim_pages(9, LEASE) == [], "it is lent"
    assert bench.pages.finish_page(claim, read(claim))
    bench.pass_time()
    [article] = [claimed.article for claimed in bench.store.claim_articles(9, LEASE)]
    assert (article.text, article.text_from, article.text_reason) == ("The page's text.", "page", "because")
    assert bench.counted("read") == 1


def test_a_feed_that_wants_no_pages_waits_for_none(bench):
    bench.ingest(feed_=feed())
    assert bench.pages.claim_pages(9, LEASE) == []
    assert len(bench.store.claim_articles(9, LEASE)) == 1


def test_the_same_entry_again_wants_its_page_once(bench):
    bench.ingest()
    [claim] = bench.pages.claim_pages(9, LEASE)
    bench.pages.finish_page(claim, read(claim))
    bench.ingest(ARMS | {"guid": "another-guid"})
    bench.pass_time()
    assert bench.pages.claim_pages(9, LEASE) == []


def test_an_edit_wants_its_page_again_and_outdates_whoever_reads_the_old_one(bench):
    bench.ingest()
    [old] = bench.pages.claim_pages(9, LEASE)
    bench.ingest(
        ARMS | {"description": "The delivery was stopped at the last moment, says Norland's defence ministry."}
    )
    assert not bench.pages.finish_page(old, read(old, "of the old text"))
    bench.pass_time()
    [new] = bench.pages.claim_pages(9, LEASE)
    assert "stopped" in new.article.text
    assert (new.tries, new.claims) == (1, 1)


def test_what_failed_for_now_comes_back_after_its_wait_with_a_try_more(bench):
    bench.ingest()
    [claim] = bench.pages.claim_pages(9, LEASE)
    assert bench.pages.finish_page(claim, PageDecision(PageOutcome.RETRIED, claim.article, SHORT))
    assert bench.store.claim_articles(9, LEASE) == []
    bench.pass_time()
    [again] = bench.pages.claim_pages(9, LEASE)
    assert (again.tries, again.claims) == (2, 1)
    assert again.wanted_at == claim.wanted_at


def test_a_reader_that_dies_is_seen_in_the_claims(bench):
    bench.ingest()
    bench.pages.claim_pages(9, SHORT)
    bench.pass_time()
    [claim] = bench.pages.claim_pages(9, LEASE)
    assert (claim.tries, claim.claims) == (1, 2)


def test_a_page_that_comes_when_the_patience_is_over_changes_nothing(bench, monkeypatch):
    monkeypatch.setattr(fulltext, "PATIENCE", SHORT)
    monkeypatch.setattr("worker.runtime.poll_store.PATIENCE", SHORT)
    monkeypatch.setattr("tests.memory_store.PATIENCE", SHORT)
    bench.ingest()
    [claim] = bench.pages.claim_pages(9, LEASE)
    bench.pass_time()
    [analysed] = bench.store.claim_articles(9, LEASE)
    assert analysed.article.text_from == "feed"
    assert "not read within" in analysed.article.text_reason
    assert not bench.pages.finish_page(claim, read(claim))
    assert bench.counted("late") == 1
    assert bench.counted("read") == 0


def test_a_page_whose_article_is_analysed_already_is_dropped_unread(bench, monkeypatch):
    monkeypatch.setattr("worker.runtime.poll_store.PATIENCE", SHORT)
    monkeypatch.setattr("tests.memory_store.PATIENCE", SHORT)
    bench.ingest()
    bench.pass_time()
    assert len(bench.store.claim_articles(9, LEASE)) == 1
    assert bench.pages.claim_pages(9, LEASE) == []
    assert bench.counted("late") == 1
