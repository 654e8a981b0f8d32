"""What is written into the audit record, over both stores: a line with each change of state, and none without one."""

import hashlib
import json
from datetime import timedelta

import pytest

from tests.contract.test_store import FEED, LEASE, POLLED, SHORT
from tests.fakes import ARMS, HARMLESS, NOW, FakeClock, analyse, endpoint, feed, rss, watch
from tests.memory_store import MemoryStore
from tests.polls import finish_poll
from worker import story
from worker.alert import raise_alerts
from worker.decision import record_decision
from worker.dedupe import identify
from worker.deliver.retry import Delivered, EndpointGone, RetryIn
from worker.match import Matcher
from worker.model import Attempt, FeedState, Fetched, Story
from worker.onward import deliveries
from worker.parse import parse
from worker.poll import PollDecision
from worker.ports import ConfigurationState, StoryStep, Told
from worker.runtime.audit_store import AuditStore

OK, BAD = Attempt(204, timedelta(milliseconds=5)), Attempt(500, timedelta(milliseconds=5), "answered 500")
WATCHES = (watch(),)
AT_THE_MOMENT = ("seq", "at_ms", "record_sha1", "analysis_sha256", "deliveries")
"""Differ by when a line was written, or by how a store keeps what it is about."""


class Desk:
    """A store, and what a worker does with it."""

    def __init__(self, store, clock=None) -> None:
        self.store, self.clock = store, clock

    def lines(self) -> list[dict]:
        if self.clock:
            return self.store.audit
        return [line.facts() for line in AuditStore(self.store).read()]

    def told(self) -> list[dict]:
        return [{key: fact for key, fact in line.items() if key not in AT_THE_MOMENT} for line in self.lines()]

    def poll(self, *items, state=POLLED, one=FEED, lease=LEASE):
        self.store.sync_feeds([one])
        self.store.steer_feed(one.id, "hurry")
        [claim] = self.store.claim_feeds(1, lease)
        document = parse(Fetched(rss(*items).encode(), one.url))
        return finish_poll(
            self.store, claim, PollDecision(state, SHORT, "fetched"), identify(one, state, document, NOW)
        )

    def judge(self, watches=WATCHES) -> None:
        for claim in self.store.claim_articles(10, LEASE):
            seen = analyse(claim.article)
            verdicts = Matcher(watches).evaluate(claim.article, seen)
            [(known, version)] = self.store.read_stories([claim.article.id])
            before = known or Story(claim.article.id)
            alerts, told = raise_alerts(verdicts, claim.article, seen, before, config_hash="h", now=NOW)
            decided = record_decision(
                claim.article, seen, verdicts, alerts, before, config_hash="h", now=NOW, are_zones_changed=False
            )
            signature = story.sign(claim.article, seen)
            [joined] = self.store.find_kin([() if claim.story else signature.keys])
            step = StoryStep(told, version, signature, joined.seen, decided)
            rows = [(one, deliveries(one, [endpoint()])) for one in alerts]
            [answer] = self.store.finish_articles([Told(claim, seen, step, rows)])
            assert answer >= 0

    def send(self, attempt, decision) -> None:
        [claim] = self.store.claim_deliveries("desk", 1, LEASE)
        assert self.store.finish_delivery(claim, attempt, decision)


@pytest.fixture(params=["memory", "redis"])
def desk(request):
    if request.param == "redis":
        return Desk(request.getfixturevalue("redis_store"))
    clock = FakeClock()
    return Desk(MemoryStore(clock), clock)


def kinds(desk) -> list[str]:
    return [line["kind"] for line in desk.lines()]


def test_an_article_leaves_a_line_for_each_step_on_its_way(desk):
    desk.poll(ARMS, HARMLESS)
    desk.judge()
    desk.send(BAD, RetryIn(SHORT, "answered 500"))
    desk.store.sync_feeds([FEED])
    told = [line for line in desk.told() if line["kind"] != "steered"]
    assert sorted(line["kind"] for line in told) == [
        "accepted", "accepted", "attempted", "decided", "decided", "raised"
    ]  # fmt: skip
    accepted = next(line for line in told if line["kind"] == "accepted")
    arms = ARMS["title"] + "\n" + ARMS["description"]
    assert accepted["sha256"] == hashlib.sha256(arms.encode()).hexdigest()
    decided = {line["article"]: line for line in told if line["kind"] == "decided"}
    assert decided[accepted["article"]]["sha256"] == accepted["sha256"], "the decision is on the very text"
    assert decided[accepted["article"]]["config"] == "h"
    assert decided[accepted["article"]]["model"] == "fake"
    [fired] = decided[accepted["article"]]["fired"]
    raised = next(line for line in told if line["kind"] == "raised")
    assert (fired["watch"], fired["alert"]) == ("arms-transfer", raised["alert"])
    attempted = told[-1]
    assert {k: attempted[k] for k in ("alert", "endpoint", "number", "status", "outcome", "reason")} == {
        "alert": raised["alert"], "endpoint": "desk", "number": 1, "status": 500, "outcome": "retried",
        "reason": "answered 500",
    }  # fmt: skip


def test_the_bytes_that_go_out_are_told_by_their_hash(desk):
    desk.poll(ARMS)
    desk.judge()
    [claim] = desk.store.claim_deliveries("desk", 1, LEASE)
    [told] = next(line for line in desk.lines() if line["kind"] == "raised")["deliveries"]
    assert told["sha1"] == hashlib.sha1(claim.delivery.body.encode()).hexdigest()
    assert told["id"] == claim.delivery.id


def test_a_match_that_raises_nothing_says_why(desk):
    desk.poll(ARMS)
    desk.judge()
    desk.poll(ARMS | {"description": ARMS["description"] + " No more was said."})
    desk.judge()
    first, second = [line for line in desk.told() if line["kind"] == "decided"]
    assert "alert" in first["fired"][0]
    assert "nothing new" in second["fired"][0]["why_not"]
    assert second["revision"] == 1
    assert kinds(desk).count("raised") == 1


def test_what_a_first_poll_only_remembers_is_one_line_whatever_its_number(desk):
    old = [
        ARMS | {"guid": str(i), "title": f"{ARMS['title']} {i}", "link": "", "pubDate": "Sun, 01 Feb 2026 11:00:00 GMT",
                "description": f"{ARMS['description']} {i}"}
        for i in range(20)
    ]  # fmt: skip
    desk.poll(*old, state=FeedState())
    lines = [line for line in desk.lines() if line["kind"] != "steered"]
    assert [(line["kind"], line["reason"], len(line["articles"])) for line in lines] == [("set_aside", "baseline", 20)]


def test_a_known_article_and_a_watch_that_stays_silent_leave_no_line(desk):
    desk.poll(HARMLESS)
    desk.judge()
    before = len(desk.lines())
    desk.poll(HARMLESS)
    assert [line["kind"] for line in desk.lines()[before:]] == ["steered"]
    decided = next(line for line in desk.lines() if line["kind"] == "decided")
    assert not decided.get("fired")


def test_what_people_do_is_told_with_who_and_why(desk):
    desk.poll(ARMS)
    desk.judge()
    alert = next(line for line in desk.lines() if line["kind"] == "raised")["alert"]
    desk.store.mark_alert(alert, "false", "a video game", "ada")
    desk.store.steer_feed(FEED.id, "pause", "ada")
    desk.store.steer_feed(FEED.id, "resume")
    assert not desk.store.mark_alert("alrt_none", "true")
    marked, paused, resumed = desk.told()[-3:]
    assert marked == {"kind": "marked", "alert": alert, "watch": "arms-transfer", "mark": "false",
                      "reason": "a video game", "by": "ada"}  # fmt: skip
    assert (paused["action"], resumed["action"]) == ("pause", "resume")
    assert (paused["by"], "by" in resumed) == ("ada", False)


def test_a_circuit_that_turns_and_deliveries_that_are_sent_again_are_told(desk):
    desk.poll(ARMS)
    desk.judge()
    desk.send(BAD, EndpointGone("answered 410"))
    desk.store.resume_endpoint("desk")
    desk.store.resume_endpoint("desk")
    desk.send(OK, Delivered())
    alert = next(line for line in desk.lines() if line["kind"] == "raised")["alert"]
    [again] = desk.store.replay(alert=alert, endpoints=["desk"], since=None)
    after = [line for line in desk.told() if line["kind"] not in ("accepted", "decided", "raised", "steered")]
    assert [(line["kind"], line.get("to") or line.get("outcome") or line.get("deliveries")) for line in after] == [
        ("attempted", "gone"), ("circuit", "paused"), ("circuit", "closed"), ("attempted", "delivered"),
        ("requeued", None),
    ]  # fmt: skip
    assert desk.lines()[-1]["deliveries"] == [again]


def test_a_load_of_the_configuration_is_told_once_for_all_processes_of_a_pool(desk):
    good, bad = ConfigurationState(True, "a1"), ConfigurationState(False, "a1", "feeds.yaml:3: no")
    for state in (good, good, bad, bad, good):
        desk.store.report_configuration("poll", state)
    assert [(line["outcome"], line.get("reason", "")) for line in desk.lines()] == [
        ("adopted", ""), ("refused", "feeds.yaml:3: no"), ("adopted", ""),
    ]  # fmt: skip


def test_a_server_that_is_another_run_is_told_once(desk):
    for _ in range(3):
        desk.store.epoch()
    assert kinds(desk) == ["epoch"]


def test_a_late_hand_in_leaves_no_line(desk):
    desk.store.sync_feeds([FEED])
    [claim] = desk.store.claim_feeds(1, LEASE)
    document = parse(Fetched(rss(ARMS).encode(), FEED.url))
    drafts = identify(FEED, POLLED, document, NOW)
    assert finish_poll(desk.store, claim, PollDecision(POLLED, SHORT, "fetched"), drafts).new == 1
    before = desk.lines()
    assert finish_poll(desk.store, claim, PollDecision(POLLED, SHORT, "fetched"), drafts).is_stale
    assert desk.lines() == before


def test_what_others_note_stands_in_the_record(desk):
    desk.store.note_audit("silenced", silence="s1", by="ada", watches=["a", "b"], until_ms=1_700_000_000_123)
    assert desk.told() == [
        {"kind": "silenced", "silence": "s1", "by": "ada", "watches": ["a", "b"], "until_ms": 1_700_000_000_123}
    ]


def test_no_word_of_an_article_stands_in_the_record(desk):
    desk.poll(ARMS, HARMLESS)
    desk.judge()
    desk.send(BAD, RetryIn(SHORT, "answered 500"))
    said = str(desk.lines())
    assert "Norland" not in said
    assert "wire.example" not in said


def test_both_stores_write_the_same_lines(redis_store):
    clock = FakeClock()
    memory, real = Desk(MemoryStore(clock), clock), Desk(redis_store)
    for one in (memory, real):
        one.poll(ARMS, HARMLESS)
        one.judge()
        one.poll(ARMS | {"description": ARMS["description"] + " Later more."})
        one.judge()
        one.send(OK, Delivered())
    first, second = ([json.dumps(line, sort_keys=True) for line in one.told()] for one in (memory, real))
    assert sorted(first) == sorted(second)


def test_the_feed_of_another_name_brings_the_same_article_without_a_line(desk):
    desk.poll(ARMS)
    desk.poll(ARMS | {"guid": "z", "link": "https://herald.example/z"}, one=feed("herald"))
    assert kinds(desk).count("accepted") == 1
