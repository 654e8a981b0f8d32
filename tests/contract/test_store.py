"""What any store promises, over the one in memory and the real one: the same tests, the same answers."""

import time
from datetime import timedelta

import pytest

from tests.fakes import ARMS, HARMLESS, NOW, FakeClock, analyse, feed, rss, watch
from tests.memory_store import MemoryStore
from worker.alert import delivery_id, raise_alerts
from worker.dedupe import identify, with_zones
from worker.deliver.payload import build
from worker.deliver.retry import Delivered, Exhausted, RetryIn
from worker.match import Matcher
from worker.model import Attempt, Delivery, FeedState, Fetched
from worker.parse import parse
from worker.poll import PollDecision
from worker.ports import MOST_CLAIMS
from worker.zones import without_teasers

LEASE = timedelta(seconds=60)
SHORT = timedelta(milliseconds=1)
FEED = feed()
POLLED = FeedState(is_baselined=True)


class Bench:
    """A store, and a way to let time pass in it."""

    def __init__(self, store, clock) -> None:
        self.store, self.clock = store, clock

    def let_leases_end(self) -> None:
        if self.clock:
            self.clock.advance(seconds=1)
        else:
            time.sleep(0.01)  # claims in these tests are leased for 1 ms

    def ingest(self, *items, feed_=FEED, state=POLLED):
        self.store.sync_feeds([feed_])
        [claim] = self.store.claim_feeds(10, LEASE)
        document = parse(Fetched(rss(*items).encode(), feed_.url))
        return self.store.finish_poll(
            claim, PollDecision(state, SHORT, "fetched"), identify(feed_, state, document, NOW)
        )

    def raise_alerts(self, lease=LEASE) -> int:
        raised = 0
        for claim in self.store.claim_articles(10, lease):
            seen = analyse(claim.article)
            verdicts = Matcher((watch(),)).evaluate(claim.article, seen)
            alerts = raise_alerts(verdicts, claim.article, seen, config_hash="h", now=NOW)
            with_deliveries = [(a, (Delivery(delivery_id(a.id, "desk"), a.id, "desk", build(a)),)) for a in alerts]
            raised += max(self.store.finish_article(claim, seen, with_deliveries), 0)
        return raised


@pytest.fixture(params=["memory", "redis"])
def bench(request):
    if request.param == "redis":
        return Bench(request.getfixturevalue("redis_store"), None)
    clock = FakeClock()
    return Bench(MemoryStore(clock), clock)


def test_a_feed_is_lent_to_one_worker_until_its_lease_ends(bench):
    bench.store.sync_feeds([FEED])
    [first] = bench.store.claim_feeds(10, SHORT)
    bench.let_leases_end()
    [second] = bench.store.claim_feeds(10, LEASE)
    assert bench.store.claim_feeds(10, LEASE) == []
    assert second.fence > first.fence


def test_who_lost_the_lease_can_change_nothing(bench):
    bench.store.sync_feeds([FEED])
    [stale] = bench.store.claim_feeds(10, SHORT)
    bench.let_leases_end()
    [fresh] = bench.store.claim_feeds(10, LEASE)
    drafts = identify(FEED, FeedState(), parse(Fetched(rss(ARMS).encode(), "u")), NOW)
    decision = PollDecision(FeedState(etag="x"), SHORT, "fetched")
    assert bench.store.finish_poll(stale, decision, drafts).is_stale
    assert bench.store.claim_articles(10, LEASE) == []
    assert bench.store.finish_poll(fresh, decision, drafts).new == 1


def test_a_poll_stores_articles_and_state_together(bench):
    assert bench.ingest(ARMS, HARMLESS, state=FeedState(etag='"v1"', is_baselined=True)).new == 2
    bench.let_leases_end()
    [claim] = bench.store.claim_feeds(10, LEASE)
    assert claim.state.etag == '"v1"'
    assert {c.article.title for c in bench.store.claim_articles(10, LEASE)} == {ARMS["title"], HARMLESS["title"]}


def test_what_was_seen_is_known_from_every_feed(bench):
    bench.ingest(ARMS)
    bench.let_leases_end()
    assert bench.ingest(ARMS).known == 1
    other = bench.ingest(ARMS | {"guid": "z", "link": "https://herald.example/z"}, feed_=feed("herald"))
    assert (other.new, other.known) == (0, 1)


def test_old_entries_of_a_first_poll_are_remembered_and_raise_nothing(bench):
    old = ARMS | {"pubDate": "Sun, 01 Feb 2026 11:00:00 GMT"}
    assert bench.ingest(old, state=FeedState()).remembered == 1
    bench.let_leases_end()
    assert bench.ingest(old).known == 1
    assert bench.store.claim_articles(10, LEASE) == []


def test_an_edit_is_read_again_as_the_same_article_and_alerts_once(bench):
    bench.ingest(ARMS)
    assert bench.raise_alerts() == 1
    bench.let_leases_end()
    edited = ARMS | {"description": ARMS["description"] + " The ministry gave no price."}
    assert bench.ingest(edited).revised == 1
    bench.let_leases_end()
    assert bench.ingest(ARMS).known == 1, "the old text again is no edit"
    assert bench.raise_alerts() == 0


def test_an_edit_outdates_the_analysis_of_the_old_text(bench):
    bench.ingest(ARMS)
    [claim] = bench.store.claim_articles(10, LEASE)
    bench.let_leases_end()
    bench.ingest(ARMS | {"description": ARMS["description"] + " More was said."})
    assert bench.store.finish_article(claim, analyse(claim.article), []) == -1
    [again] = bench.store.claim_articles(10, LEASE)
    assert "More was said" in again.article.text
    assert again.article.id == claim.article.id
    assert again.article.first_seen == claim.article.first_seen


LINE = "Harbour police seized forty crates of weapons in Eastport, read the full report here."


def test_a_passage_that_three_articles_of_a_feed_share_is_boilerplate(bench):
    entries = [
        {
            "guid": str(i),
            "title": f"Report {i}",
            "description": f"&lt;p&gt;Own words number {i}.&lt;/p&gt;&lt;p&gt;{LINE}&lt;/p&gt;",
        }
        for i in range(3)
    ]
    bench.ingest(*entries)
    claims = bench.store.claim_articles(10, LEASE)
    first, second, third = (claim.article for claim in sorted(claims, key=lambda c: c.article.title))
    assert bench.store.repeated_passages([first, second, first]) == [frozenset()] * 3
    assert bench.store.repeated_passages([third]) == [frozenset([LINE])]
    assert bench.store.repeated_passages([first]) == [frozenset([LINE])]
    assert LINE in without_teasers(third.text, third.zones)
    zoned = with_zones(third, [LINE])
    assert LINE not in without_teasers(zoned.text, zoned.zones)


def test_an_alert_raised_twice_is_one_alert(bench):
    bench.ingest(ARMS)
    [claim] = bench.store.claim_articles(10, SHORT)
    bench.let_leases_end()
    assert bench.raise_alerts() == 1
    assert bench.store.finish_article(claim, analyse(claim.article), []) == -1
    assert len(bench.store.claim_deliveries("desk", 10, LEASE)) == 1


def deliveries(bench):
    bench.ingest(ARMS)
    bench.raise_alerts()
    return bench.store.claim_deliveries("desk", 10, LEASE)


def test_a_delivery_keeps_its_id_and_bytes_over_attempts(bench):
    [first] = deliveries(bench)
    assert first.number == 1
    assert bench.store.finish_delivery(first, Attempt(500, SHORT), RetryIn(SHORT, "500"))
    bench.let_leases_end()
    [second] = bench.store.claim_deliveries("desk", 10, LEASE)
    assert (second.delivery, second.number) == (first.delivery, 2)
    assert not bench.store.finish_delivery(first, Attempt(200, SHORT), Delivered()), "an outdated attempt ends nothing"


@pytest.mark.parametrize("decision", [Delivered(), Exhausted("why")])
def test_what_ended_is_not_sent_again(bench, decision):
    [claim] = deliveries(bench)
    bench.store.finish_delivery(claim, Attempt(200, SHORT), decision)
    bench.let_leases_end()
    assert bench.store.claim_deliveries("desk", 10, LEASE) == []


def test_a_retry_waits_for_its_time(bench):
    [claim] = deliveries(bench)
    bench.store.finish_delivery(claim, Attempt(500, SHORT), RetryIn(LEASE, "500"))
    assert bench.store.claim_deliveries("desk", 10, LEASE) == []


def test_an_unknown_endpoint_has_nothing_due(bench):
    deliveries(bench)
    assert bench.store.claim_deliveries("other", 10, LEASE) == []


def wear_out(bench, lease=SHORT, note=""):
    """Claim the one due article as often as it may be, and let each claim come to nothing."""
    for _ in range(MOST_CLAIMS):
        [claim] = bench.store.claim_articles(10, lease)
        if note:
            assert bench.store.note_failure(claim, note)
        bench.let_leases_end()
    assert bench.store.claim_articles(10, lease) == []


def test_poison_is_set_aside_after_five_claims_with_its_reason(bench):
    bench.ingest(ARMS)
    wear_out(bench)
    bench.let_leases_end()
    assert bench.store.claim_articles(10, SHORT) == []
    [held] = bench.store.quarantined()
    assert (held.stage, held.subject) == ("enrich", ARMS["title"])
    assert held.reason == "claimed 5 times: whoever worked on it died or ran out of time"
    assert held.at


def test_the_reason_is_the_last_failure_that_was_noted(bench):
    bench.ingest(ARMS)
    wear_out(bench, note="KeyError in match.py:7")
    assert bench.store.quarantined()[0].reason == "claimed 5 times: KeyError in match.py:7"


def test_an_outdated_claim_may_note_no_failure(bench):
    bench.ingest(ARMS)
    [stale] = bench.store.claim_articles(10, SHORT)
    bench.let_leases_end()
    bench.store.claim_articles(10, LEASE)
    assert not bench.store.note_failure(stale, "mine")


@pytest.mark.parametrize("by_id", [True, False])
def test_released_work_is_due_with_all_its_claims_before_it(bench, by_id):
    bench.ingest(ARMS)
    wear_out(bench)
    [held] = bench.store.quarantined()
    assert bench.store.release("poll") == []
    assert bench.store.release("enrich", ["other"]) == []
    assert bench.store.release("enrich", [held.id] if by_id else ()) == [held.id]
    assert bench.store.quarantined() == []
    wear_out(bench)
    assert len(bench.store.quarantined()) == 1


def test_a_released_delivery_goes_back_to_its_endpoint(bench):
    bench.ingest(ARMS)
    bench.raise_alerts()
    for _ in range(MOST_CLAIMS):
        [claim] = bench.store.claim_deliveries("desk", 10, SHORT)
        bench.let_leases_end()
    assert bench.store.claim_deliveries("desk", 10, LEASE) == []
    assert bench.store.quarantined()[0].subject == "desk"
    assert bench.store.release("deliver") == [claim.delivery.id]
    [again] = bench.store.claim_deliveries("desk", 10, LEASE)
    assert (again.delivery, again.number) == (claim.delivery, 1)


def test_what_twice_never_came_back_is_lent_alone_so_that_poison_takes_no_innocent_along(bench):
    bench.ingest(ARMS, HARMLESS)
    for _ in range(2):
        assert len(bench.store.claim_articles(10, SHORT)) == 2
        bench.let_leases_end()
    [first] = bench.store.claim_articles(10, LEASE)
    [second] = bench.store.claim_articles(10, LEASE)
    assert first.article.id != second.article.id


def test_a_feed_that_left_the_configuration_is_not_polled(bench):
    bench.store.sync_feeds([FEED, feed("herald")])
    bench.store.sync_feeds([FEED])
    assert [claim.feed_id for claim in bench.store.claim_feeds(10, LEASE)] == [FEED.id]


def test_a_limit_of_nothing_lends_nothing(bench):
    bench.store.sync_feeds([FEED])
    assert bench.store.claim_feeds(0, LEASE) == []


def test_the_epoch_is_steady_while_the_store_runs(bench):
    assert bench.store.epoch() == bench.store.epoch()
