"""What a feed's hub does and what became of its pages is seen on the page and by `tocsin feeds show`."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from tests.contract.test_pages import LEASE, Bench, read
from tests.desk import serving
from tests.fakes import ARMS, HARMLESS, configuration, feed
from tests.integration.test_web import ask
from worker import fulltext
from worker.cli import app
from worker.model import PageDecision, PageOutcome, Subscription, SubscriptionState
from worker.runtime import process
from worker.runtime.feed_view import describe_feeds
from worker.runtime.page_store import RedisPageStore
from worker.runtime.subscription_store import RedisSubscriptionStore
from worker.watchlist.load import feed_id

pytestmark = pytest.mark.integration
URL = "https://wire.example/rss"
FEED = replace(feed(fulltext="auto"), id=feed_id(URL), url=URL, name="Wire")
QUIET = feed("quiet", fulltext="never", websub="off")
THIRD = {
    "guid": "3",
    "title": "Harbour reopens after storm",
    "link": "https://wire.example/3",
    "description": "It is open.",
}
FORBIDDEN = "https://wire.example/3: its robots.txt keeps us out (Disallow: /<3>)"


def refuse(claim, outcome: PageOutcome, reason: str) -> PageDecision:
    return fulltext.keep_feed(claim.article, fulltext.Verdict(outcome, reason))


@pytest.fixture
def store(redis_store):
    """A feed of which one page was taken, two were not, and whose hub has verified."""
    bench = Bench(redis_store, RedisPageStore(redis_store), None)
    for item, outcome, reason in (
        (ARMS, PageOutcome.READ, ""),
        (HARMLESS, PageOutcome.ROBOTS, "an older reason"),
        (THIRD, PageOutcome.ROBOTS, FORBIDDEN),
    ):
        bench.ingest(item, FEED)
        [claim] = bench.pages.claim_pages(9, LEASE)
        assert bench.pages.finish_page(
            claim, PageDecision(PageOutcome.RETRIED, claim.article, timedelta(milliseconds=1))
        )
        bench.pass_time()
        [claim] = bench.pages.claim_pages(9, LEASE)
        decision = read(claim) if outcome is PageOutcome.READ else refuse(claim, outcome, reason)
        assert bench.pages.finish_page(claim, decision)
    until = datetime.now(UTC) + timedelta(days=9.5)
    made = Subscription(
        FEED.id, "https://hub.example/?key=s3cret", URL, "tok", "sec", SubscriptionState.VERIFIED, expires_at=until
    )
    assert RedisSubscriptionStore(redis_store).save(FEED.id, made, 0, timedelta(days=1))
    return redis_store


def test_the_api_says_of_a_feed_what_its_page_says(store):
    with serving(store, configuration_=configuration(feeds=(FEED, QUIET))) as base:
        told, quiet = json.loads(ask(base + "/api/v1/feeds")[1])["feeds"]
        alone = json.loads(ask(f"{base}/api/v1/feeds/{FEED.id}")[1])
    assert (told["hub"]["state"], told["hub"]["hub"]) == ("verified", "https://hub.example/")
    assert (told["pages"]["taken"], told["pages"]["refused"]) == (1, 2)
    assert told["pages"]["outcomes"][0]["reason"] == FORBIDDEN
    assert (quiet["hub"], quiet["pages"]["outcomes"], quiet["settings"]["websub"]) == (None, [], "off")
    assert alone == told


def test_a_feed_says_what_its_hub_does_and_what_became_of_its_pages(store):
    row, quiet = describe_feeds(store, (FEED, QUIET))
    assert (row["hub"]["state"], row["hub"]["hub"], row["hub"]["delivers"]) == (
        "verified",
        "https://hub.example/",
        False,
    )
    assert (row["pages"]["taken"], row["pages"]["refused"]) == (1, 2)
    robots, taken = row["pages"]["outcomes"]
    assert (robots["outcome"], robots["number"], robots["reason"]) == ("robots", 2, FORBIDDEN)
    assert (taken["outcome"], taken["number"]) == ("read", 1)
    assert datetime.fromisoformat(robots["at"]) <= datetime.now(UTC)
    assert (quiet["hub"], quiet["pages"]["outcomes"]) == (None, [])
    assert quiet["settings"] == {"fulltext": "never", "robots": "respect", "websub": "off"}


def test_the_page_shows_it_and_quotes_nothing_as_markup(store):
    config = configuration((FEED, QUIET))
    with serving(store, configuration_=config) as base:
        status, page, _ = ask(base + "/feeds")
    assert status == 200
    assert "1 taken, 2 not" in page
    assert "2 robots: https://wire.example/3: its robots.txt keeps us out (Disallow: /&lt;3&gt;)" in page
    assert ">verified</span>, ends <time" in page
    assert "in 9 d" in page or "in 10 d" in page
    assert page.count(">off</td>") == 2, "the other feed's hub and pages are switched off"
    assert "s3cret" not in page


def test_the_command_shows_it(store, tmp_path, monkeypatch):
    (tmp_path / "feeds.yaml").write_text(f"feeds:\n  - {{url: '{URL}', name: Wire}}\n", "utf-8")
    monkeypatch.setattr(process, "open_store", lambda: store)
    shown = CliRunner().invoke(app, ["feeds", "show", "wire", "-c", str(tmp_path)])
    row = json.loads(shown.stdout)
    assert row["hub"]["state"] == "verified"
    assert row["pages"]["refused"] == 2


def test_a_page_that_came_too_late_is_said_to_have(redis_store):
    bench = Bench(redis_store, RedisPageStore(redis_store), None)
    bench.ingest(ARMS, FEED)
    [claim] = bench.pages.claim_pages(9, LEASE)
    redis_store.client.zadd("{tocsin}:articles:due", {claim.article.id: 1})
    assert redis_store.claim_articles(9, LEASE)
    assert not bench.pages.finish_page(claim, read(claim))
    [row] = describe_feeds(redis_store, (FEED,))
    [late] = row["pages"]["outcomes"]
    assert (late["outcome"], late["reason"]) == ("late", "the page came when the article had been analysed")


def test_what_was_counted_does_not_outlive_its_week(store):
    assert 0 < store.client.ttl(f"{{tocsin}}:feed_pages:{FEED.id}") <= timedelta(days=9).total_seconds()
