"""Any order of work, death, delay and late return, over both stores: nothing lost, one id each, the late change nothing.

A process dies between two steps by never handing in its claim; it was only frozen if it hands in after its lease ended.
"""

import random
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from redis.client import NEVER_DECODE

from tests.contract.test_store import step_for
from tests.fakes import NOW, FakeClock, analyse, feed, rss, watch
from tests.memory_store import MemoryStore
from tests.polls import finish_poll
from worker.alert import delivery_id, raise_alerts
from worker.dedupe import identify
from worker.deliver.payload import build
from worker.deliver.retry import Delivered, RetryIn
from worker.match import Matcher
from worker.model import Attempt, Delivery, FeedState, Fetched, PhraseCondition
from worker.parse import parse
from worker.poll import PollDecision
from worker.ports import FinishedPoll, Told

LEASE, SHORT = timedelta(hours=1), timedelta(milliseconds=1)
FEEDS = (feed("wire"), feed("herald"))
WATCH = watch("tanks", condition=PhraseCondition(("battle tanks",)))
POLLED = FeedState(is_baselined=True)
DUE_SETS = ("feeds:due", "articles:due", "outbox:desk", "in_flight:desk")


def entry(number: int) -> dict[str, str]:
    """An article in words of its own; every second one is watched for."""
    drawn = random.Random(number)
    words = [
        "".join(drawn.choice("bcdfgklmnprstvz") + drawn.choice("aeiou") for _ in range(drawn.randint(2, 4)))
        for _ in range(40)
    ]
    said = " ".join(words[:20] + (["battle", "tanks"] if number % 2 else []) + words[20:])
    return {"guid": str(number), "title": " ".join(words[:6]).title(), "description": said + "."}


@dataclass
class InHand:
    """A claim that a worker holds, what it would hand in, and how the world looked when it was lent."""

    stage: str
    item: str
    claim: object
    work: object = None
    is_current: bool = True


class StoreMachine(RuleBasedStateMachine):
    """`store` and `clock` are set by the subclass; without a clock the server's scores are moved instead."""

    store: object
    clock: FakeClock | None = None
    hands = Bundle("hands")

    @initialize()
    def begin(self) -> None:
        self.published: dict[str, list[int]] = {one.id: [] for one in FEEDS}
        self.newest: dict[tuple[str, str], InHand] = {}
        self.sent: dict[str, set[str]] = {}
        self.delivered: set[str] = set()
        self.store.sync_feeds(FEEDS)

    @rule(number=st.integers(0, 7), which=st.sampled_from(FEEDS))
    def publish(self, number, which):
        if number not in [n for numbers in self.published.values() for n in numbers]:
            self.published[which.id].append(number)

    @rule(target=hands)
    def poll(self):
        claims = self.store.claim_feeds(1, LEASE)
        return self._take("poll", [(claim.feed_id, claim, self._read(claim.feed_id)) for claim in claims])

    @rule(target=hands)
    def enrich(self):
        claims = self.store.claim_articles(1, LEASE)
        return self._take("enrich", [(claim.article.id, claim, None) for claim in claims])

    @rule(target=hands)
    def deliver(self):
        claims = self.store.claim_deliveries("desk", 1, LEASE)
        for claim in claims:
            self.sent.setdefault(claim.delivery.id, set()).add(claim.delivery.body)
        return self._take("deliver", [(claim.delivery.id, claim, None) for claim in claims])

    @rule(hand=hands, is_success=st.booleans())
    def hand_in(self, hand, is_success):
        """A claim may be handed in late, or again because its reply was lost: only the newest, once, changes anything."""
        if hand is None:
            return
        self._hand_in(hand, is_success)
        self._hand_in(hand, is_success)

    def _hand_in(self, hand, is_success):
        before = self._snapshot()
        accepted = getattr(self, f"_finish_{hand.stage}")(hand, is_success)
        assert accepted == hand.is_current
        if not accepted:
            assert self._snapshot() == before, "an outdated claim changed something"
        elif hand.stage == "deliver" and is_success:
            self.delivered.add(hand.item)
        hand.is_current = False

    @rule(first=hands, second=hands, third=hands)
    def hand_in_polls_together(self, first, second, third):
        """Each counts for itself: the newest claim of a feed, once; an outdated one beside it changes nothing of its feed."""
        polls = [hand for hand in (first, second, third) if hand is not None and hand.stage == "poll"]
        for _ in range(2):
            expected = []
            for hand in polls:
                expected.append(hand.is_current)
                hand.is_current = False
            finished = [FinishedPoll(one.claim, PollDecision(POLLED, SHORT, "fetched"), one.work) for one in polls]
            before = self._snapshot()
            assert [not answer.is_stale for answer in self.store.finish_polls(finished)] == expected
            assert any(expected) or self._snapshot() == before, "an outdated claim changed something"

    @rule(hand=consumes(hands))
    def die(self, hand):
        """Whoever held it is gone."""

    @rule(hand=hands)
    def note_failure(self, hand):
        if hand is not None:
            assert self.store.note_failure(hand.claim, "KeyError") == hand.is_current

    @rule()
    def leases_end(self):
        if self.clock:
            self.clock.advance(hours=2)
            return
        client = self.store.client
        for name in DUE_SETS:
            for id_ in client.zrange("{tocsin}:" + name, 0, -1):
                client.zadd("{tocsin}:" + name, {id_: 1})
        client.hset("{tocsin}:endpoint:desk", "probe_at", 0)

    @rule(stage=st.sampled_from(["poll", "enrich", "deliver"]))
    def release(self, stage):
        self.store.release(stage)

    @invariant()
    def one_alert_and_the_same_bytes_for_each_watched_article(self):
        if hasattr(self, "sent"):
            assert len(self.sent) <= len(self._expected())
            assert all(len(bodies) == 1 for bodies in self.sent.values())

    def teardown(self):
        """Let everything get done; then each published article that is watched was delivered, under one id."""
        if not hasattr(self, "sent"):
            return
        for _ in range(100):
            self.leases_end()
            for stage in ("poll", "enrich", "deliver"):
                self.store.release(stage)
            took = [self._finish_one(step) for step in (self.poll, self.poll, self.enrich, self.deliver)]
            if not any(took[2:]):
                break
        assert len(self.delivered) == len(self._expected()), "lost"
        assert self.delivered == set(self.sent)

    def _finish_one(self, step) -> bool:
        hand = step()
        self.hand_in(hand, is_success=True)
        return hand is not None

    def _expected(self) -> list[int]:
        return [number for numbers in self.published.values() for number in numbers if number % 2]

    def _take(self, stage, rows) -> InHand | None:
        for item, claim, work in rows:
            if older := self.newest.get((stage, item)):
                older.is_current = False
            hand = self.newest[stage, item] = InHand(stage, item, claim, work)
            return hand
        return None

    def _read(self, feed_id):
        one = next(one for one in FEEDS if one.id == feed_id)
        document = parse(Fetched(rss(*map(entry, self.published[feed_id])).encode(), one.url))
        return identify(one, POLLED, document, NOW)

    def _finish_poll(self, hand, _):
        return not finish_poll(self.store, hand.claim, PollDecision(POLLED, SHORT, "fetched"), hand.work).is_stale

    def _finish_enrich(self, hand, _):
        article = hand.claim.article
        seen, step = analyse(article), step_for(hand.claim)
        verdicts = Matcher((WATCH,)).evaluate(article, seen)
        [kinship] = self.store.find_kin([step.signature.keys])
        [(known, version)] = self.store.read_stories([article.id])
        step = replace(step, version=version, seen=kinship.seen)
        alerts, told = raise_alerts(verdicts, article, seen, known or step.story, config_hash="h", now=self._now())
        rows = [(a, (Delivery(delivery_id(a.id, "desk"), a.id, "desk", build(a)),)) for a in alerts]
        [answer] = self.store.finish_articles([Told(hand.claim, seen, replace(step, story=told), rows)])
        return answer >= 0

    def _finish_deliver(self, hand, is_success):
        decision = Delivered() if is_success else RetryIn(SHORT, "500")
        return self.store.finish_delivery(hand.claim, Attempt(200 if is_success else 500, SHORT), decision)

    def _now(self):
        """Every alert is raised at another moment, so that a second one could not have the bytes of the first."""
        self.moment = getattr(self, "moment", NOW) + timedelta(seconds=1)
        return self.moment

    def _snapshot(self):
        if self.clock:
            kept = {name: value for name, value in vars(self.store).items() if name not in ("clock", "counted")}
            return repr(kept)
        client = self.store.client
        keys = sorted(key for key in client.scan_iter("*") if key != "{tocsin}:metrics")
        return [(key, _content(client, key)) for key in keys]


def _content(client, key):
    """What a key holds; a hash as a mapping, since its fields change their order when the server rehashes."""
    if client.type(key) == "hash":
        return client.execute_command("HGETALL", key, **{NEVER_DECODE: True})  # shelves of kin hold bytes
    return client.dump(key)


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_no_order_of_work_death_and_late_return_loses_or_doubles(kind, request):
    real = request.getfixturevalue("redis_store") if kind == "redis" else None

    class Machine(StoreMachine):
        def __init__(self) -> None:
            super().__init__()
            if real:
                real.client.flushall()
                self.store = real
            else:
                self.clock = FakeClock()
                self.store = MemoryStore(self.clock)

    examples, steps = (10, 30) if kind == "memory" else (12, 30)
    run_state_machine_as_test(
        Machine,
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, phases=[Phase.generate]),
    )
