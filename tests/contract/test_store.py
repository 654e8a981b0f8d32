"""What any store promises, over the one in memory and the real one: the same tests, the same answers."""

import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.client import NEVER_DECODE

from tests.fakes import ARMS, HARMLESS, NOW, FakeClock, analyse, feed, rss, watch
from tests.memory_store import MemoryStore
from tests.polls import finish_poll
from worker import coverage, story
from worker.alert import delivery_id, raise_alerts
from worker.dedupe import identify, with_zones
from worker.deliver import breaker
from worker.deliver.payload import build
from worker.deliver.retry import Delivered, Exhausted, RetryIn, decide
from worker.errors import StoreUnavailable
from worker.match import Matcher
from worker.model import Attempt, Delivery, EntryMark, FeedState, Fetched, Pace, Pending, Story
from worker.parse import parse
from worker.poll import PollDecision
from worker.ports import (
    BOILERPLATE,
    MOST_CLAIMS,
    MOVED,
    ConfigurationState,
    FeedClaim,
    FinishedPoll,
    Ingested,
    StoryStep,
    Told,
)
from worker.runtime.article_store import ArticleStore
from worker.runtime.records import KIN_PER_KEY, STATE
from worker.runtime.redis_store import RedisStore
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
        return finish_poll(
            self.store, claim, PollDecision(state, SHORT, "fetched"), identify(feed_, state, document, NOW)
        )

    def told(self, claim) -> Told:
        """What is handed in of an article, with an alert where it is watched for."""
        seen = analyse(claim.article)
        verdicts = Matcher((watch(),)).evaluate(claim.article, seen)
        signature = story.sign(claim.article, seen)
        [kinship] = self.store.find_kin([() if claim.story else signature.keys])
        relative, is_copy = story.choose(signature, kinship.kin, claim.article.first_seen)
        place = claim.story or (relative.story if relative else claim.article.id)
        [(known, version)] = self.store.read_stories([place])
        grown = story.grow(known, claim.article, relative, is_copy=is_copy, now=NOW)
        alerts, told = raise_alerts(verdicts, claim.article, seen, grown, config_hash="h", now=NOW)
        step = StoryStep(told, version, signature, kinship.seen)
        return Told(
            claim, seen, step, [(a, (Delivery(delivery_id(a.id, "desk"), a.id, "desk", build(a)),)) for a in alerts]
        )

    def raise_alerts(self, lease=LEASE) -> int:
        raised = 0
        for claim in self.store.claim_articles(10, lease):
            [answer] = self.store.finish_articles([self.told(claim)])
            raised += max(answer, 0)
        return raised

    def counted(self, series: str) -> float:
        if self.clock:
            return self.store.counted[series]
        return float(self.store.client.hget("{tocsin}:metrics", series) or 0)

    def alert_ids(self) -> list[str]:
        return list(self.store.alerts) if self.clock else self.store.client.zrange("{tocsin}:alerts", 0, -1)

    def mark_of(self, alert_id: str) -> tuple[str, str]:
        if isinstance(self.store, MemoryStore):
            return self.store.marks.get(alert_id, ("", ""))
        given = self.store.client.hmget("{tocsin}:alert:" + alert_id, ["marked_for", "marked_by"])
        return given[0] or "", given[1] or ""

    def verdicts(self) -> dict[str, int]:
        if self.clock:
            given = list(self.store.verdicts.values())
            return {verdict: given.count(verdict) for verdict in ("true", "false")}
        counted = self.store.client.hgetall("{tocsin}:verdicts")
        return {verdict: int(counted.get(f"{verdict}:arms-transfer", 0)) for verdict in ("true", "false")}


def step_for(claim) -> StoryStep:
    """The article as a story of its own."""
    return StoryStep(Story(claim.article.id), 0, story.sign(claim.article, analyse(claim.article)), "")


def finish(bench, claim, seen, step, alerts=()):
    """What becomes of one article."""
    [answer] = bench.store.finish_articles([Told(claim, seen, step, alerts)])
    return answer


def kin_of(bench, article):
    """What is remembered of kin to an article."""
    [kinship] = bench.store.find_kin([story.sign(article, analyse(article)).keys])
    return kinship.kin


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


def test_as_many_feeds_as_are_due_are_lent_and_handed_in_at_once(bench):
    feeds = [feed(f"f{i}") for i in range(5_000)]
    bench.store.sync_feeds(feeds)
    claims = bench.store.claim_feeds(9_000, LEASE)
    assert {claim.feed_id for claim in claims} == {one.id for one in feeds}
    assert bench.store.claim_feeds(9_000, LEASE) == []
    quiet = PollDecision(POLLED, SHORT, "not_modified")
    answers = bench.store.finish_polls([FinishedPoll(claim, quiet, (), [("x_total", 1)]) for claim in claims])
    assert answers == [Ingested()] * len(feeds)
    assert bench.counted("x_total") == len(feeds)
    bench.let_leases_end()
    assert len(bench.store.claim_feeds(9_000, LEASE)) == len(feeds)


def test_an_article_is_lent_with_what_its_reading_needs_and_no_more(redis_store):
    store = Bench(redis_store, None)
    store.ingest(ARMS)
    [waiting] = redis_store.client.zrange("{tocsin}:articles:due", 0, -1)
    redis_store.client.hset(f"{{tocsin}}:article:{waiting}", "analysis", "of an earlier revision")
    [row] = redis_store._claim("enrich", 9, LEASE)
    assert len(row) == 7
    assert "of an earlier revision" not in row


def test_who_lost_the_lease_can_change_nothing(bench):
    bench.store.sync_feeds([FEED])
    [stale] = bench.store.claim_feeds(10, SHORT)
    bench.let_leases_end()
    [fresh] = bench.store.claim_feeds(10, LEASE)
    drafts = identify(FEED, FeedState(), parse(Fetched(rss(ARMS).encode(), "u")), NOW)
    decision = PollDecision(FeedState(etag="x"), SHORT, "fetched")
    assert finish_poll(bench.store, stale, decision, drafts).is_stale
    assert bench.store.claim_articles(10, LEASE) == []
    assert finish_poll(bench.store, fresh, decision, drafts).new == 1


def test_a_poll_stores_articles_and_state_together(bench):
    assert bench.ingest(ARMS, HARMLESS, state=FeedState(etag='"v1"', is_baselined=True)).new == 2
    bench.let_leases_end()
    [claim] = bench.store.claim_feeds(10, LEASE)
    assert claim.state.etag == '"v1"'
    assert {c.article.title for c in bench.store.claim_articles(10, LEASE)} == {ARMS["title"], HARMLESS["title"]}


def test_polls_that_are_handed_in_together_are_each_stored_or_refused_alone(bench):
    feeds = [feed(name) for name in ("lost", "quiet", "busy", "failing")]
    bench.store.sync_feeds(feeds[:1])
    [lost] = bench.store.claim_feeds(1, SHORT)
    bench.let_leases_end()
    bench.store.sync_feeds(feeds)
    claims = {claim.feed_id: claim for claim in bench.store.claim_feeds(9, LEASE)}
    drafts = identify(feeds[2], POLLED, parse(Fetched(rss(ARMS).encode(), feeds[2].url)), NOW)
    polls = [
        FinishedPoll(lost, PollDecision(replace(POLLED, etag="of the dead"), SHORT, "fetched"), (), [("x_total", 100)]),
        FinishedPoll(claims["feed_quiet"], PollDecision(POLLED, SHORT, "not_modified"), (), [("x_total", 1)]),
        FinishedPoll(claims["feed_busy"], PollDecision(POLLED, SHORT, "fetched"), drafts, [("x_total", 2)]),
        FinishedPoll(claims["feed_failing"], PollDecision(POLLED, LEASE, "timeout"), (), [("x_total", 4), ("y", 0.5)]),
    ]
    assert bench.store.finish_polls(polls) == [
        Ingested(is_stale=True), Ingested(), Ingested(new=1), Ingested(),
    ]  # fmt: skip
    assert (bench.counted("x_total"), bench.counted("y")) == (7, 0.5)
    assert bench.counted('tocsin_stale_completions_total{stage="poll"}') == (0 if bench.clock else 1)
    bench.let_leases_end()
    again = {claim.feed_id: claim.state for claim in bench.store.claim_feeds(9, LEASE)}
    assert again == {"feed_quiet": POLLED, "feed_busy": POLLED}
    assert [claim.article.feed_id for claim in bench.store.claim_articles(9, LEASE)] == ["feed_busy"]
    assert all(answer.is_stale for answer in bench.store.finish_polls(polls))


def test_a_feed_that_was_paused_while_it_was_polled_stays_paused(bench):
    bench.store.sync_feeds([FEED])
    [claim] = bench.store.claim_feeds(1, LEASE)
    bench.store.steer_feed(FEED.id, "pause")
    assert bench.store.finish_polls([FinishedPoll(claim, PollDecision(POLLED, SHORT, "not_modified"))]) == [Ingested()]
    bench.let_leases_end()
    assert bench.store.claim_feeds(9, LEASE) == []


def test_a_poll_that_brings_the_store_to_fall_takes_no_other_with_it(redis_store):
    """Whatever it is: here the feed's key holds what no feed is, as after a hand that meddled."""
    feeds = [feed("good"), feed("busy"), feed("broken")]
    redis_store.sync_feeds(feeds)
    claims = {claim.feed_id: claim for claim in redis_store.claim_feeds(9, LEASE)}
    redis_store.client.delete("{tocsin}:feed:feed_broken")
    redis_store.client.set("{tocsin}:feed:feed_broken", "no hash")
    documents = {
        one.id: parse(Fetched(rss(item).encode(), one.url))
        for one, item in zip(feeds[1:], (ARMS, HARMLESS), strict=True)
    }
    polls = [
        FinishedPoll(
            claims[one.id],
            PollDecision(POLLED, LEASE, "fetched"),
            identify(one, POLLED, documents[one.id], NOW) if one.id in documents else (),
        )
        for one in feeds
    ]
    good, busy, broken = redis_store.finish_polls(polls)
    assert (good, busy) == (Ingested(), Ingested(new=1))
    assert "WRONGTYPE" in str(broken)


@pytest.mark.parametrize("part", ["", ":feeds"])
def test_an_entry_that_brings_the_store_to_fall_takes_no_other_with_it(redis_store, part):
    redis_store.sync_feeds([FEED])
    [claim] = redis_store.claim_feeds(1, SHORT)
    items = (ARMS, HARMLESS, HARMLESS | {"guid": "third", "title": "A third", "description": "Something else."})
    drafts = identify(FEED, POLLED, parse(Fetched(rss(*items).encode(), FEED.url)), NOW)
    key = f"{{tocsin}}:article:{drafts[1].article.id}{part}"
    redis_store.client.set(key, "meddled with")
    [failed] = redis_store.finish_polls([FinishedPoll(claim, PollDecision(POLLED, SHORT, "fetched"), drafts)])
    assert "WRONGTYPE" in str(failed)
    ids = {draft.article.id for draft in drafts}
    assert {one.article.id for one in redis_store.claim_articles(9, LEASE)} == (
        ids if part else ids - {drafts[1].article.id}
    )
    assert redis_store.client.hget("{tocsin}:metrics", 'tocsin_articles_total{outcome="new"}') == str(3 if part else 2)
    redis_store.client.delete(key)
    time.sleep(0.01)
    [claim] = redis_store.claim_feeds(1, SHORT)
    [again] = redis_store.finish_polls([FinishedPoll(claim, PollDecision(POLLED, SHORT, "fetched"), drafts)])
    assert again.known >= 2, "and is known by then: it would never be entered"


@pytest.mark.parametrize("key", ["feed:feed_broken", "pushed:feed_broken"])
def test_a_quiet_poll_of_a_feed_whose_keys_were_meddled_with_fails_alone(redis_store, key):
    feeds = [feed("before"), feed("broken"), feed("behind")]
    redis_store.sync_feeds(feeds)
    claims = {claim.feed_id: claim for claim in redis_store.claim_feeds(9, LEASE)}
    redis_store.client.delete("{tocsin}:" + key)
    redis_store.client.set("{tocsin}:" + key, "no hash")
    quiet = PollDecision(POLLED, SHORT, "not_modified")
    before, broken, behind = redis_store.finish_polls(
        [FinishedPoll(claims[one.id], quiet, (), [("x_total", 1)]) for one in feeds]
    )
    assert (before, behind) == (Ingested(), Ingested())
    assert "WRONGTYPE" in str(broken)
    assert redis_store.client.hget("{tocsin}:metrics", "x_total") == "2"
    redis_store.client.delete("{tocsin}:" + key)
    time.sleep(0.01)
    assert {claim.feed_id for claim in redis_store.claim_feeds(9, LEASE)} == {"feed_before", "feed_behind"}


def test_a_feed_whose_key_was_meddled_with_is_set_aside_and_begins_anew_when_released(redis_store):
    redis_store.sync_feeds([feed("broken"), feed("good")])
    redis_store.client.set("{tocsin}:feed:feed_broken", "no hash")
    assert [claim.feed_id for claim in redis_store.claim_feeds(9, LEASE)] == ["feed_good"]
    [held] = redis_store.quarantined()
    assert (held.id, "no hash" in held.reason) == ("feed_broken", True)
    assert redis_store.client.get("{tocsin}:feed:feed_broken:broken") == "no hash"
    assert redis_store.release("poll") == ["feed_broken"]
    [claim] = redis_store.claim_feeds(9, LEASE)
    assert (claim.feed_id, claim.state) == ("feed_broken", FeedState())


@pytest.mark.parametrize("field", ["state", "seen_at", "pushes", "delivers_until"])
def test_a_feed_that_nobody_can_read_is_set_aside_and_begins_anew_when_released(redis_store, field):
    redis_store.sync_feeds([feed("broken"), feed("good")])
    kept = {"state": STATE.dump_json(replace(POLLED, etag="x")).decode(), field: "{"}
    redis_store.client.hset("{tocsin}:feed:feed_broken", mapping=kept)
    assert [claim.feed_id for claim in redis_store.claim_feeds(9, LEASE)] == ["feed_good"]
    [held] = redis_store.quarantined()
    assert (held.id, "no feed that this version can read" in held.reason) == ("feed_broken", True)
    assert redis_store.client.hget("{tocsin}:feed:feed_broken:broken", field) == "{"
    assert redis_store.release("poll") == ["feed_broken"]
    [claim] = redis_store.claim_feeds(9, LEASE)
    assert (claim.feed_id, claim.state) == ("feed_broken", FeedState())


@pytest.mark.parametrize("meddled", ["key", "record", "lost record"])
def test_an_article_that_nobody_can_read_is_set_aside_and_the_others_are_lent(redis_store, meddled):
    redis_store.sync_feeds([FEED])
    [claim] = redis_store.claim_feeds(1, LEASE)
    parsed = parse(Fetched(rss(ARMS, HARMLESS).encode(), FEED.url))
    drafts = identify(FEED, POLLED, parsed, NOW)
    redis_store.finish_polls([FinishedPoll(claim, PollDecision(POLLED, LEASE, "fetched"), drafts)])
    broken, good = (draft.article.id for draft in drafts)
    key = "{tocsin}:article:" + broken
    if meddled == "key":
        redis_store.client.delete(key)
        redis_store.client.set(key, "no hash")
    elif meddled == "record":
        redis_store.client.hset(key, "record", "{")
    else:
        redis_store.client.hdel(key, "record")
    assert [one.article.id for one in redis_store.claim_articles(9, timedelta(0))] == [good]
    [held] = redis_store.quarantined()
    assert (held.stage, held.id) == ("enrich", broken)
    assert ("no hash" if meddled == "key" else "no article that this version can read") in held.reason
    assert redis_store.release("enrich") == [broken]
    assert [one.article.id for one in redis_store.claim_articles(9, LEASE)] == [good]
    assert [one.id for one in redis_store.quarantined()] == [broken]  # nothing brings it back


def test_what_was_claimed_unknown_times_counts_from_nothing_and_keeps_no_other_waiting(redis_store):
    bench = Bench(redis_store, None)
    bench.ingest(ARMS, HARMLESS)
    last = max(redis_store.client.zrange("{tocsin}:articles:due", 0, -1))
    redis_store.client.hset("{tocsin}:article:" + last, "claims", "many")
    assert len(redis_store.claim_articles(9, LEASE)) == 2
    assert redis_store.client.hget("{tocsin}:article:" + last, "claims") == "1"


def test_a_poll_that_cannot_be_written_down_takes_no_other_with_it(redis_store):
    feeds = [feed("good"), feed("broken"), feed("odd")]
    redis_store.sync_feeds(feeds)
    claims = {claim.feed_id: claim for claim in redis_store.claim_feeds(9, LEASE)}
    [draft] = identify(feeds[1], POLLED, parse(Fetched(rss(ARMS).encode(), feeds[1].url)), NOW)
    broken = replace(draft, article=replace(draft.article, title="\ud800"))
    odd = replace(POLLED, last_message="\ud800")
    answers = redis_store.finish_polls(
        [
            FinishedPoll(claims["feed_broken"], PollDecision(POLLED, LEASE, "fetched"), [broken]),
            FinishedPoll(claims["feed_odd"], PollDecision(odd, LEASE, "timeout")),
            FinishedPoll(claims["feed_good"], PollDecision(POLLED, LEASE, "not_modified")),
        ]
    )
    assert [isinstance(answer, Exception) for answer in answers] == [True, True, False]
    assert answers[2] == Ingested()


def test_scripts_that_a_server_forgot_are_given_to_it_anew(redis_store):
    redis_store.sync_feeds([FEED])
    [claim] = redis_store.claim_feeds(1, LEASE)
    redis_store.client.script_flush()
    poll = FinishedPoll(claim, PollDecision(POLLED, SHORT, "not_modified"))
    assert redis_store.finish_polls([poll]) == [Ingested()]


def test_a_server_that_refuses_writes_says_so_for_all_polls(redis_store):
    redis_store.sync_feeds([FEED])
    [claim] = redis_store.claim_feeds(1, LEASE)
    redis_store.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable, match="memory limit"):
            redis_store.finish_polls([FinishedPoll(claim, PollDecision(POLLED, SHORT, "not_modified"))])
    finally:
        redis_store.client.config_set("maxmemory", 0)


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


def test_what_was_only_remembered_is_read_when_it_comes_back_changed_under_a_fresh_date(bench):
    old = ARMS | {"pubDate": "Sun, 01 Feb 2026 11:00:00 GMT", "description": "Level 2: Norland has tanks."}
    assert bench.ingest(old, state=FeedState()).remembered == 1
    bench.let_leases_end()
    edited = bench.ingest(old | {"description": "Level 2: Norland has many tanks."})
    assert (edited.revised, edited.known) == (0, 1), "an old entry that was touched up stays old"
    bench.let_leases_end()
    assert bench.ingest(ARMS).revised == 1
    assert bench.raise_alerts() == 1


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
    assert finish(bench, claim, analyse(claim.article), step_for(claim)) == -1
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


def test_passages_are_counted_however_many_an_article_has(bench):
    lines = [f"Line {number} of the list of ships." for number in range(4_500)]
    body = "".join(f"&lt;p&gt;{line}&lt;/p&gt;" for line in lines)
    bench.ingest(
        *(
            {"guid": str(n), "title": f"Report {n}", "description": f"&lt;p&gt;Day {n}.&lt;/p&gt;{body}"}
            for n in range(BOILERPLATE)
        )
    )
    *some, last = [claim.article for claim in bench.store.claim_articles(10, LEASE)]
    assert bench.store.repeated_passages(some) == [frozenset()] * len(some)
    assert bench.store.repeated_passages([last]) == [frozenset(lines)]


def test_an_alert_raised_twice_is_one_alert(bench):
    bench.ingest(ARMS)
    [claim] = bench.store.claim_articles(10, SHORT)
    bench.let_leases_end()
    assert bench.raise_alerts() == 1
    assert finish(bench, claim, analyse(claim.article), step_for(claim)) == -1
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


def test_a_verdict_has_the_reason_and_the_judge_that_came_with_it_and_no_earlier_ones(bench):
    bench.ingest(ARMS)
    bench.raise_alerts()
    [alert_id] = bench.alert_ids()
    for mark, reason, by, told in (
        ("acknowledged", "seen", "ada", ("seen", "ada")),
        ("true", "confirmed", "bob", ("confirmed", "bob")),
        ("acknowledged", "read too", "eve", ("confirmed", "bob")),
        ("false", "", "", ("", "")),
        ("true", "", "cy", ("", "cy")),
        ("open", "", "", ("", "")),
    ):
        bench.store.mark_alert(alert_id, mark, reason, by)
        assert bench.mark_of(alert_id) == told, mark


def test_a_verdict_replaces_the_one_before_and_can_be_taken_back(bench):
    bench.ingest(ARMS)
    bench.raise_alerts()
    [alert_id] = bench.alert_ids()
    for mark in ("acknowledged", "true", "true", "false", "open", "false"):
        assert bench.store.mark_alert(alert_id, mark)
    assert bench.verdicts() == {"true": 0, "false": 1}
    assert not bench.store.mark_alert("alrt_none", "true")


def many(bench, number: int, at_once: int = 99):
    short = "Norland has delivered battle tanks to Sudmark."  # too short to be anybody's copy
    items = [
        ARMS | {"guid": f"g{i}", "link": f"https://wire.example/{i}", "title": f"Tanks {i}", "description": short}
        for i in range(number)
    ]
    bench.ingest(*items)
    for _ in range(number):
        bench.raise_alerts()
    return bench.store.claim_deliveries("desk", at_once, LEASE)


def fail(bench, claim, status=500, **kwargs):
    decision = decide(Attempt(status, SHORT, "no"), claim.number, 0.0, is_probe=claim.is_probe)
    return bench.store.finish_delivery(claim, Attempt(status, SHORT, "no"), decision, **kwargs)


def state(bench, name="desk"):
    return bench.store.endpoint_states([name])[0]


def test_only_so_many_deliveries_of_an_endpoint_are_out_over_all_workers(bench):
    first = many(bench, 6, at_once=4)
    assert len(first) == 4
    assert bench.store.claim_deliveries("desk", 4, LEASE) == []
    bench.store.finish_delivery(first[0], Attempt(200, SHORT), Delivered())
    assert len(bench.store.claim_deliveries("desk", 4, LEASE)) == 1


def test_ten_failures_in_a_row_open_the_circuit_and_one_probe_goes_out(bench):
    claims = many(bench, 12)
    for claim in claims[:9]:
        fail(bench, claim)
    assert state(bench).circuit == "closed"
    fail(bench, claims[9])
    assert (state(bench).circuit, state(bench).reason) == ("open", "no")
    assert bench.store.claim_deliveries("desk", 4, LEASE) == [], "the first probe comes after a minute"


def test_a_probe_costs_no_attempt_and_its_success_closes_the_circuit(bench, monkeypatch):
    monkeypatch.setattr(breaker, "PROBE_EVERY", SHORT)
    claims = many(bench, 12)
    for claim in claims[:10]:
        fail(bench, claim)
    bench.let_leases_end()
    [probe] = bench.store.claim_deliveries("desk", 4, LEASE)
    assert probe.is_probe
    assert state(bench).circuit == "half_open"
    fail(bench, probe)
    assert state(bench).circuit == "open"
    bench.let_leases_end()
    [second] = bench.store.claim_deliveries("desk", 4, LEASE)
    assert second.delivery.id != probe.delivery.id, "the probes take turns"
    bench.store.finish_delivery(second, Attempt(204, SHORT), Delivered())
    assert state(bench).circuit == "closed"
    assert state(bench).waiting == 11


def test_gone_pauses_and_queues_the_notices_once(bench):
    claims = many(bench, 2)
    for number, claim in enumerate(claims):
        fail(bench, claim, 410, notices=[Delivery(f"msg_n{number}", f"ntc_{number}", "archive", "{}")])
    assert state(bench).circuit == "paused"
    assert bench.store.claim_deliveries("desk", 4, LEASE) == []
    assert [c.delivery.id for c in bench.store.claim_deliveries("archive", 4, LEASE)] == ["msg_n0"]
    assert bench.store.resume_endpoint("desk")
    assert not bench.store.resume_endpoint("desk")
    assert [c.number for c in bench.store.claim_deliveries("desk", 4, LEASE)] == [1, 1], "a pause costs no attempt"


def test_a_dead_letter_is_replayed_under_its_id_from_the_first_attempt(bench):
    [claim] = deliveries(bench)
    bench.store.finish_delivery(claim, Attempt(500, SHORT), Exhausted("why"))
    assert state(bench).dead == 1
    assert bench.store.replay(alert=None, endpoints=["archive"], since=None) == []
    assert bench.store.replay(alert=None, endpoints=["desk"], since=None) == [claim.delivery.id]
    assert bench.store.replay(alert=None, endpoints=["desk"], since=None) == [], "what is due is not queued twice"
    [again] = bench.store.claim_deliveries("desk", 4, LEASE)
    assert (again.delivery, again.number) == (claim.delivery, 1)
    assert state(bench).dead == 0


def test_an_alert_is_replayed_even_where_it_was_delivered(bench):
    [claim] = deliveries(bench)
    bench.store.finish_delivery(claim, Attempt(200, SHORT), Delivered())
    assert bench.store.replay(alert=claim.delivery.alert_id, endpoints=["desk"], since=None) == [claim.delivery.id]
    assert [c.delivery for c in bench.store.claim_deliveries("desk", 4, LEASE)] == [claim.delivery]


def test_a_quarantined_delivery_can_be_replayed(bench):
    bench.ingest(ARMS)
    bench.raise_alerts()
    for _ in range(MOST_CLAIMS + 1):
        bench.store.claim_deliveries("desk", 4, SHORT)
        bench.let_leases_end()
    [id_] = bench.store.replay(alert=None, endpoints=["desk"], since=None)
    assert [c.delivery.id for c in bench.store.claim_deliveries("desk", 4, LEASE)] == [id_]


COPY = ARMS | {"guid": "copy", "link": "https://herald.example/c", "title": "Tanks for Sudmark, ministry says"}


def test_a_copy_joins_the_story_of_the_first_and_raises_nothing(bench):
    bench.ingest(ARMS)
    assert bench.raise_alerts() == 1
    bench.let_leases_end()
    bench.ingest(COPY, feed_=feed("herald"))
    assert bench.raise_alerts() == 0
    [delivery] = bench.store.claim_deliveries("desk", 4, LEASE)
    [(told, version)] = bench.store.read_stories([json.loads(delivery.delivery.body)["data"]["story"]["id"]])
    assert version == 2
    assert [(s.publisher, s.is_copy) for s in told.sources] == [("wire.example", False), ("herald.example", True)]
    assert told.independent_sources() == 1


def test_a_story_that_changed_meanwhile_is_looked_at_again(bench):
    """Two workers read the article and its copy at the same moment: the slower must not begin a second story."""
    bench.ingest(ARMS)
    bench.let_leases_end()
    bench.ingest(COPY, feed_=feed("herald"))
    first, second = bench.store.claim_articles(10, LEASE)
    [kinship] = bench.store.find_kin([story.sign(second.article, analyse(second.article)).keys])
    late = replace(step_for(second), seen=kinship.seen)
    assert finish(bench, first, analyse(first.article), step_for(first)) == 0
    assert finish(bench, second, analyse(second.article), late) == MOVED
    assert bench.store.read_stories([second.article.id]) == [(None, 0)], "what moved left nothing behind"
    [kin] = kin_of(bench, second.article)
    assert (kin.article_id, kin.story) == (first.article.id, first.article.id)


def test_an_outdated_version_of_a_story_is_refused(bench):
    bench.ingest(ARMS)
    [claim] = bench.store.claim_articles(10, LEASE)
    assert finish(bench, claim, analyse(claim.article), replace(step_for(claim), version=3)) == MOVED
    assert finish(bench, claim, analyse(claim.article), step_for(claim)) == 0


def test_what_was_rekeyed_is_linked_to_its_article_and_not_read_again(bench):
    bench.ingest(ARMS)
    assert bench.raise_alerts() == 1
    bench.let_leases_end()
    [claim] = bench.store.claim_feeds(10, LEASE)
    [old] = identify(FEED, POLLED, parse(Fetched(rss(ARMS).encode(), "u")), NOW)
    renamed = ARMS | {"guid": "other", "link": "https://moved.example/1", "description": ARMS["description"] + " New."}
    [new] = identify(FEED, POLLED, parse(Fetched(rss(renamed).encode(), "u")), NOW)
    linked = replace(new, aliases=(*old.aliases, *new.aliases), remembered_as="rekeyed")
    assert finish_poll(bench.store, claim, PollDecision(POLLED, SHORT, "fetched"), [linked]).known == 1
    assert bench.store.claim_articles(10, LEASE) == []
    bench.let_leases_end()
    assert bench.ingest(renamed | {"description": "Short."}).revised == 1, "the new guid is known, and edits are read"


def test_a_feeds_memory_of_its_entries_comes_back_as_it_was_stored(bench):
    state = FeedState(
        is_baselined=True, marks=(EntryMark("r", "g", "a", "t"),), arrivals=(NOW,), burden=0.5, moved_since=NOW,
        pace=Pace(timedelta(hours=1), frozenset({3}), frozenset({6})), address="https://new.example/",
    )  # fmt: skip
    bench.ingest(ARMS, state=state)
    bench.let_leases_end()
    [claim] = bench.store.claim_feeds(10, LEASE)
    assert claim.state == state


REMEMBERED = FeedState(
    etag='"v1"', is_baselined=True, marks=(EntryMark("r", "g", "a", "t"),), arrivals=(NOW,), polled_at=NOW, succeeded_at=NOW
)  # fmt: skip


def test_of_a_feed_that_was_found_as_it_was_only_the_moment_is_stored(bench):
    bench.ingest(ARMS, state=REMEMBERED)
    later = NOW
    for _ in range(2):
        bench.let_leases_end()
        [claim] = bench.store.claim_feeds(10, LEASE)
        later += timedelta(minutes=7, microseconds=1)
        finish_poll(bench.store, claim, PollDecision(claim.state, SHORT, "not_modified", seen_at=later))
    bench.let_leases_end()
    [claim] = bench.store.claim_feeds(10, LEASE)
    assert claim.state == replace(REMEMBERED, polled_at=later, succeeded_at=later)


def test_the_moment_of_a_quiet_poll_yields_to_what_a_later_poll_learns(bench):
    bench.ingest(ARMS, state=REMEMBERED)
    failed = replace(REMEMBERED, polled_at=NOW + timedelta(hours=2), failures=1)
    for made in (
        lambda claim: PollDecision(claim.state, SHORT, "not_modified", seen_at=NOW + timedelta(hours=1)),
        lambda claim: PollDecision(
            replace(claim.state, polled_at=failed.polled_at, succeeded_at=NOW, failures=1), SHORT, "timeout"
        ),
    ):
        bench.let_leases_end()
        [claim] = bench.store.claim_feeds(10, LEASE)
        finish_poll(bench.store, claim, made(claim))
    bench.let_leases_end()
    [claim] = bench.store.claim_feeds(10, LEASE)
    assert claim.state == failed, "and its entries are still known"


def test_a_document_that_lost_all_its_entries_is_remembered_as_empty(bench):
    bench.ingest(ARMS, state=REMEMBERED)
    bench.let_leases_end()
    [claim] = bench.store.claim_feeds(10, LEASE)
    finish_poll(bench.store, claim, PollDecision(replace(claim.state, marks=()), SHORT, "fetched"))
    bench.let_leases_end()
    [claim] = bench.store.claim_feeds(10, LEASE)
    assert tuple(claim.state.marks) == ()


def test_a_poll_that_was_put_off_leaves_what_is_remembered(bench):
    bench.ingest(ARMS, state=REMEMBERED)
    bench.let_leases_end()
    [claim] = bench.store.claim_feeds(10, LEASE)
    finish_poll(bench.store, claim, PollDecision(claim.state, SHORT, "postponed"))
    bench.let_leases_end()
    [claim] = bench.store.claim_feeds(10, LEASE)
    assert claim.state == REMEMBERED


@pytest.mark.parametrize("outcome", ["not_modified", "timeout"])
def test_what_release_0_1_remembered_of_a_feed_is_read_and_kept(redis_store, outcome):
    """Then the marks stood in the state, with every field spelled out."""
    redis_store.sync_feeds([FEED])
    redis_store.client.hset("{tocsin}:feed:" + FEED.id, "state", STATE.dump_json(REMEMBERED).decode())
    [claim] = redis_store.claim_feeds(1, LEASE)
    assert claim.state == REMEMBERED
    quiet = PollDecision(claim.state, SHORT, "not_modified", seen_at=NOW)
    failed = PollDecision(replace(claim.state, failures=1), SHORT, "timeout")
    finish_poll(redis_store, claim, quiet if outcome == "not_modified" else failed)
    time.sleep(0.01)
    [claim] = redis_store.claim_feeds(1, LEASE)
    assert claim.state == replace(REMEMBERED, failures=int(outcome == "timeout"))


def test_the_moment_that_an_older_release_left_behind_does_not_put_a_later_one_back(redis_store):
    """Release 0.1 writes the state whole and leaves the field beside it alone."""
    redis_store.sync_feeds([FEED])
    later = replace(REMEMBERED, polled_at=NOW + timedelta(days=37), succeeded_at=NOW + timedelta(days=37))
    fields = {"state": STATE.dump_json(later).decode(), "seen_at": NOW.isoformat()}
    redis_store.client.hset("{tocsin}:feed:" + FEED.id, mapping=fields)
    [claim] = redis_store.claim_feeds(1, LEASE)
    assert claim.state == later


def test_why_a_poll_failed_is_not_noted_where_a_feed_was_meddled_with(redis_store):
    redis_store.client.set("{tocsin}:feed:" + FEED.id, "no feed")
    redis_store.note_failure(FeedClaim(FEED.id, "1", FeedState()), "why")
    assert redis_store.client.get("{tocsin}:feed:" + FEED.id) == "no feed"


def test_a_paused_feed_is_not_scheduled_until_it_is_resumed(bench):
    bench.store.sync_feeds([FEED])
    [claim] = bench.store.claim_feeds(10, SHORT)
    assert bench.store.steer_feed(FEED.id, "pause")
    finish_poll(bench.store, claim, PollDecision(POLLED, SHORT, "fetched"), [])
    bench.let_leases_end()
    bench.store.sync_feeds([FEED])
    assert bench.store.claim_feeds(10, LEASE) == []
    assert not bench.store.steer_feed(FEED.id, "hurry"), "a paused feed is not hurried"
    bench.store.steer_feed(FEED.id, "resume")
    assert len(bench.store.claim_feeds(10, LEASE)) == 1


def test_a_hurried_feed_is_due_at_once(bench):
    bench.store.sync_feeds([FEED])
    [claim] = bench.store.claim_feeds(10, LEASE)
    finish_poll(bench.store, claim, PollDecision(POLLED, LEASE, "fetched"), [])
    assert bench.store.claim_feeds(10, LEASE) == []
    assert bench.store.steer_feed(FEED.id, "hurry")
    assert len(bench.store.claim_feeds(10, LEASE)) == 1


def test_a_resumed_feed_leaves_quarantine(bench):
    bench.store.sync_feeds([FEED])
    for _ in range(MOST_CLAIMS + 1):
        bench.store.claim_feeds(10, SHORT)
        bench.let_leases_end()
    bench.store.sync_feeds([FEED])
    assert bench.store.claim_feeds(10, LEASE) == []
    bench.store.steer_feed(FEED.id, "resume")
    assert len(bench.store.claim_feeds(10, LEASE)) == 1


def test_an_alert_on_a_feed_itself_is_stored_with_its_poll_and_once(bench):
    state = FeedState(is_gone=True, failures=1, last_message="gone", succeeded_at=NOW)
    blind = coverage.judge(FEED, state, NOW)
    told = coverage.word(FEED, state, blind, alert_id="alrt_x", config_hash="h", now=NOW)
    bench.store.sync_feeds([FEED])
    for _ in range(2):
        [claim] = bench.store.claim_feeds(10, LEASE)
        delivery = Delivery(delivery_id(told.id, "desk"), told.id, "desk", build(told))
        decision = PollDecision(state, SHORT, "gone")
        finish_poll(bench.store, claim, decision, [], [], [(told, [delivery])])
        bench.let_leases_end()
    [claimed] = bench.store.claim_deliveries("desk", 10, LEASE)
    assert claimed.delivery.alert_id == "alrt_x"


def test_configurations_are_reported_by_process_and_reloads_counted(bench):
    assert (bench.store.reloads_asked(), bench.store.configuration_states()) == (0, {})
    bench.store.ask_reload()
    bench.store.report_configuration("poll", ConfigurationState(is_ok=True, hash="a"))
    bench.store.report_configuration("enrich", ConfigurationState(is_ok=True, hash="a"))
    bench.store.report_configuration("enrich", ConfigurationState(is_ok=False, hash="a", reason="why"))
    assert bench.store.reloads_asked() == 1
    assert bench.store.configuration_states() == {
        "enrich": ConfigurationState(is_ok=False, hash="a", reason="why"),
        "poll": ConfigurationState(is_ok=True, hash="a"),
    }


def test_a_trace_goes_with_the_work_from_poll_to_delivery(bench):
    bench.store.sync_feeds([FEED])
    [claim] = bench.store.claim_feeds(1, LEASE)
    drafts = identify(FEED, POLLED, parse(Fetched(rss(ARMS).encode(), FEED.url)), NOW)
    finish_poll(
        bench.store,
        claim,
        PollDecision(POLLED, SHORT, "fetched"),
        [replace(draft, trace="00-poll") for draft in drafts],
    )
    [article] = bench.store.claim_articles(1, timedelta(milliseconds=1))
    assert article.trace == "00-poll"
    bench.let_leases_end()
    claims = bench.store.claim_articles
    bench.store.claim_articles = lambda *args: [replace(c, trace="00-enrich") for c in claims(*args)]
    bench.raise_alerts()
    [delivery] = bench.store.claim_deliveries("desk", 4, LEASE)
    assert delivery.trace == "00-enrich"


def test_an_analysed_article_is_read_back_with_its_analysis_and_one_that_is_not_is_not(bench):
    bench.ingest(ARMS)
    [claim] = bench.store.claim_articles(10, LEASE)
    articles = ArticleStore(bench.store.client) if isinstance(bench.store, RedisStore) else bench.store
    assert articles.read_articles([claim.article.id]) == [None]
    seen = replace(analyse(claim.article), pending=Pending(("IR",), ("GPE",)))
    signature = story.sign(claim.article, seen)
    [kinship] = bench.store.find_kin([signature.keys])
    step = StoryStep(Story(claim.article.id), 0, signature, kinship.seen)
    assert finish(bench, claim, seen, step) == 0
    assert articles.read_articles(["art_unknown", claim.article.id]) == [None, (claim.article, seen)]
    assert articles.read_articles([]) == []
    [kin] = kin_of(bench, claim.article)
    assert not kin.signature.is_named


def test_an_edit_ends_what_was_understood_of_the_old_text(bench):
    bench.ingest(ARMS)
    bench.raise_alerts()
    bench.let_leases_end()
    assert bench.ingest(ARMS | {"description": ARMS["description"] + " The ministry gave no price."}).revised == 1
    articles = ArticleStore(bench.store.client) if isinstance(bench.store, RedisStore) else bench.store
    [claim] = bench.store.claim_articles(10, SHORT)
    assert articles.read_articles([claim.article.id]) == [(claim.article, None)]
    bench.let_leases_end()
    bench.store.claim_articles(10, SHORT)
    assert articles.read_articles([claim.article.id]) == [None], "two readers of it never came back"


def step_with_kin(bench, claim) -> StoryStep:
    [kinship] = bench.store.find_kin([story.sign(claim.article, analyse(claim.article)).keys])
    return replace(step_for(claim), seen=kinship.seen)


def test_of_a_group_each_article_is_a_step_of_its_own(bench):
    bench.ingest(ARMS, HARMLESS, HARMLESS | {"guid": "third", "title": "A third", "description": "Something else."})
    claims = bench.store.claim_articles(10, LEASE)
    stale, broken, good = (Told(claim, analyse(claim.article), step_with_kin(bench, claim)) for claim in claims)
    stale = replace(stale, claim=replace(stale.claim, fence=stale.claim.fence - 1))
    broken = replace(broken, analysis=replace(broken.analysis, model=b"\xff"))
    lost, failed, new = bench.store.finish_articles([stale, broken, good])
    assert (lost, new) == (-1, 0)
    if isinstance(bench.store, RedisStore):
        assert isinstance(failed, Exception), "what cannot be written costs no other"
    assert bench.store.finish_articles([good]) == [-1], "it was done"
    assert bench.store.finish_articles([]) == []


def test_within_a_group_a_later_article_sees_that_an_earlier_one_moved_its_kin(bench):
    bench.ingest(ARMS)
    bench.let_leases_end()
    bench.ingest(COPY, feed_=feed("herald"))
    group = [Told(c, analyse(c.article), step_with_kin(bench, c)) for c in bench.store.claim_articles(10, LEASE)]
    assert bench.store.finish_articles(group) == [0, MOVED]


def test_a_group_is_stored_though_the_server_has_forgotten_the_scripts(redis_store):
    bench = Bench(redis_store, None)
    bench.ingest(ARMS, HARMLESS)
    group = [Told(c, analyse(c.article), step_with_kin(bench, c)) for c in bench.store.claim_articles(10, LEASE)]
    redis_store.client.script_flush()
    assert redis_store.finish_articles(group) == [0, 0]


def test_a_script_that_fails_for_one_article_is_told_of_that_one(redis_store):
    bench = Bench(redis_store, None)
    bench.ingest(ARMS, HARMLESS)
    group = [Told(c, analyse(c.article), step_with_kin(bench, c)) for c in bench.store.claim_articles(10, LEASE)]
    redis_store.client.set("{tocsin}:story:" + group[0].claim.article.id, "no hash")
    failed, new = redis_store.finish_articles(group)
    assert (type(failed).__name__, new) == ("ResponseError", 0)


@pytest.mark.parametrize("key", ["outbox:desk", "alerts", "endpoints"])
def test_an_alert_that_failed_on_its_way_is_raised_when_its_article_is_told_again(redis_store, key):
    bench = Bench(redis_store, None)
    bench.ingest(ARMS)
    [claim] = redis_store.claim_articles(1, SHORT)
    redis_store.client.set("{tocsin}:" + key, "meddled with")
    [failed] = redis_store.finish_articles([bench.told(claim)])
    assert "WRONGTYPE" in str(failed)
    redis_store.client.delete("{tocsin}:" + key)
    bench.let_leases_end()
    assert bench.raise_alerts() == 1
    [sent] = redis_store.claim_deliveries("desk", 4, LEASE)
    assert bench.alert_ids() == [sent.delivery.alert_id]


def test_a_store_that_refuses_writes_is_told_once_for_all(redis_store):
    bench = Bench(redis_store, None)
    bench.ingest(ARMS, HARMLESS)
    group = [Told(c, analyse(c.article), step_with_kin(bench, c)) for c in bench.store.claim_articles(10, LEASE)]
    redis_store.client.config_set("min-replicas-to-write", 3)
    try:
        with pytest.raises(StoreUnavailable, match="fewer replicas"):
            redis_store.finish_articles(group)
    finally:
        redis_store.client.config_set("min-replicas-to-write", 0)
    assert redis_store.finish_articles(group) == [0, 0], "nothing was done, and nothing lost"


def test_of_a_group_only_what_is_through_is_counted(redis_store):
    bench = Bench(redis_store, None)
    bench.ingest(ARMS, HARMLESS, HARMLESS | {"guid": "third", "title": "A third", "description": "Something else."})
    claims = bench.store.claim_articles(10, LEASE)
    broken, *good = [
        Told(c, analyse(c.article), step_with_kin(bench, c), counts=[("tests_total", 1.5), ("other_total", 1.0)])
        for c in claims
    ]
    redis_store.client.set("{tocsin}:story:" + broken.claim.article.id, "no hash")
    failed, *new = redis_store.finish_articles([broken, *good])
    assert isinstance(failed, Exception)
    assert new == [0, 0]
    counted = redis_store.client.hmget("{tocsin}:metrics", ["tests_total", "other_total"])
    assert list(map(float, counted)) == [3.0, 2.0]
    assert redis_store.client.zrange("{tocsin}:articles:due", 0, -1) == [broken.claim.article.id]


def shelf_sizes(store):
    [shelves] = store.client.scan_iter(match="{tocsin}:kin:shelves:*")
    return list(map(len, store.client.execute_command("HVALS", shelves, **{NEVER_DECODE: True})))


def test_what_is_remembered_of_kin_ends_with_its_period(redis_store):
    bench = Bench(redis_store, None)
    bench.ingest(ARMS, HARMLESS)
    for claim in bench.store.claim_articles(10, LEASE):
        assert redis_store.finish_articles([Told(claim, analyse(claim.article), step_with_kin(bench, claim))]) == [0]
    bench.ingest(COPY, feed_=feed("herald"))
    for claim in bench.store.claim_articles(10, LEASE):
        assert redis_store.finish_articles([Told(claim, analyse(claim.article), step_with_kin(bench, claim))]) == [0]
    assert set(shelf_sizes(redis_store)) == {8, 16}, "some were there when the copy came, some not"
    assert all(redis_store.client.pttl(name) > 0 for name in redis_store.client.scan_iter(match="{tocsin}:kin:[0-9s]*"))


def test_of_one_key_the_newest_articles_are_remembered(redis_store):
    bench = Bench(redis_store, None)
    for number in range(KIN_PER_KEY + 4):
        bench.ingest(COPY | {"guid": f"copy-{number}", "title": f"Copy {number}"}, feed_=feed(f"herald{number}"))
        [claim] = bench.store.claim_articles(10, LEASE)
        assert redis_store.finish_articles([Told(claim, analyse(claim.article), step_with_kin(bench, claim))]) == [0]
    assert max(shelf_sizes(redis_store)) == 8 * KIN_PER_KEY, "a text that comes again and again makes no shelf longer"
    [kinship] = bench.store.find_kin([story.sign(claim.article, analyse(claim.article)).keys])
    assert len(kinship.kin) >= KIN_PER_KEY


def test_an_article_whose_kin_others_added_meanwhile_is_looked_at_again_in_a_group_too(bench):
    bench.ingest(HARMLESS, COPY)
    slow = [Told(c, analyse(c.article), step_with_kin(bench, c)) for c in bench.store.claim_articles(10, LEASE)]
    bench.ingest(ARMS, feed_=feed("herald"))
    [quick] = bench.store.claim_articles(10, LEASE)
    assert bench.store.finish_articles([Told(quick, analyse(quick.article), step_with_kin(bench, quick))]) == [0]
    by_title = dict(zip((one.claim.article.title for one in slow), bench.store.finish_articles(slow), strict=True))
    assert by_title == {HARMLESS["title"]: 0, COPY["title"]: MOVED}
