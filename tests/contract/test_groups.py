"""What any store of groups promises, over the one in memory and the real one: the same tests, the same answers."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes import NOW, FakeClock, analysis, article, endpoint, feed, watch
from tests.memory_store import MemoryStore
from tests.polls import finish_poll
from worker import onward
from worker.alert import raise_alerts
from worker.deliver.card import alert_card, freeze
from worker.match import Matcher
from worker.model import Delivery, FeedState, GroupKey, Held, Rate, Rated, Silenced, Story
from worker.notifier import GroupStep
from worker.notify.decide import group_id
from worker.poll import PollDecision
from worker.runtime.group_store import RedisGroups
from worker.runtime.silence_store import RedisSilences

LEASE, SHORT = timedelta(seconds=60), timedelta(milliseconds=1)
KEY = GroupKey("group", "root", "desk", (("watch", "arms-transfer"),))
FEED = feed()


class Bench:
    """A store with its groups, and a way to raise alerts in it."""

    def __init__(self, store, groups, silences, clock) -> None:
        self.store, self.groups, self.silences, self.clock = store, groups, silences, clock
        self.number = 0

    def now(self) -> datetime:
        return self.clock.now() if self.clock else datetime.now(UTC)

    def let_leases_end(self) -> None:
        if self.clock:
            self.clock.advance(seconds=1)
        else:
            time.sleep(0.02)

    def alert(self):
        self.number += 1
        art = article("Tanks", "Norland ships tanks.", id=f"art_{self.number}", first_seen=NOW)
        seen = analysis(art, {"arms-transfer": 0.9})
        verdicts = Matcher((watch(),)).evaluate(art, seen)
        (alert,), _ = raise_alerts(verdicts, art, seen, Story(art.id), config_hash="h", now=NOW)
        return alert

    def held(self, alert, key=KEY, look_in=timedelta(0)) -> Held:
        labels = (("watch", alert.watch_id),)
        return Held(alert.id, group_id(key), key, self.now() + look_in, freeze(alert_card(alert)), labels)

    def raise_(self, alert, *steps) -> None:
        self.store.sync_feeds([])
        self.store.sync_feeds([FEED])
        if self.clock:
            self.clock.advance(seconds=1)
        [claim] = self.store.claim_feeds(1, SHORT)
        finish_poll(self.store, claim, PollDecision(FeedState(), SHORT, "fetched"), [], (), [(alert, steps)])

    def hold(self, look_in=timedelta(0), key=KEY):
        alert = self.alert()
        self.raise_(alert, self.held(alert, key, look_in))
        return alert

    def outbox(self) -> list[str]:
        return [claim.delivery.id for claim in self.store.claim_deliveries("desk", 9, LEASE)]

    def counted(self, name: str) -> float:
        if self.clock:
            return self.store.counted[name]
        return float(self.store.client.hget("{tocsin}:metrics", name) or 0)


@pytest.fixture(params=["memory", "redis"])
def bench(request):
    if request.param == "redis":
        store = request.getfixturevalue("redis_store")
        return Bench(store, RedisGroups(store.client), RedisSilences(store.client), None)
    clock = FakeClock()
    store = MemoryStore(clock)
    return Bench(store, store.groups, store.silences, clock)


def tell(alert):
    [delivery] = onward.deliveries(alert, [endpoint()])
    return GroupStep(spoken=(alert.id,), deliveries=((delivery, (alert.id,)),))


def test_a_held_alert_is_in_no_outbox_and_comes_out_once(bench):
    alert = bench.hold()
    assert bench.outbox() == []
    [claim] = bench.groups.claim_groups(9, LEASE)
    assert [one.alert_id for one in claim.state.waiting] == [alert.id]
    assert claim.state.key == KEY
    assert bench.groups.finish_group(claim, tell(alert))
    assert len(bench.outbox()) == 1
    assert bench.groups.claim_groups(9, LEASE) == []


def test_an_alert_is_read_as_it_was_held(bench):
    alert = bench.hold()
    [stored] = bench.groups.read_alerts([alert.id, "alrt_gone"])
    assert stored.card == freeze(alert_card(alert))
    assert (stored.labels, stored.is_acknowledged) == ((("watch", "arms-transfer"),), False)
    bench.store.mark_alert(alert.id, "acknowledged")
    assert bench.groups.read_alerts([alert.id])[0].is_acknowledged


def test_a_group_is_not_due_before_its_time_and_the_earliest_alert_counts(bench):
    bench.hold(timedelta(hours=2))
    assert bench.groups.claim_groups(9, LEASE) == []
    bench.hold()
    [claim] = bench.groups.claim_groups(9, LEASE)
    assert len(claim.state.waiting) == 2


def test_who_lost_the_lease_can_store_no_message(bench):
    alert = bench.hold()
    [stale] = bench.groups.claim_groups(9, SHORT)
    bench.let_leases_end()
    [fresh] = bench.groups.claim_groups(9, LEASE)
    assert not bench.groups.finish_group(stale, tell(alert))
    assert not bench.groups.note_group_failure(stale, "late")
    assert bench.outbox() == []
    assert bench.groups.finish_group(fresh, tell(alert))
    assert not bench.groups.finish_group(fresh, tell(alert)), "and once only"
    assert len(bench.outbox()) == 1


def test_what_comes_while_a_group_is_lent_stays_and_is_looked_at_at_once(bench):
    first = bench.hold()
    [claim] = bench.groups.claim_groups(9, LEASE)
    second = bench.hold()
    assert bench.groups.claim_groups(9, LEASE) == [], "it is lent"
    bench.groups.finish_group(claim, tell(first))
    [again] = bench.groups.claim_groups(9, LEASE)
    assert [one.alert_id for one in again.state.waiting] == [second.id]
    assert (again.state.sequence, again.state.sent_at is not None) == (1, True)


def test_a_group_that_waits_is_due_again_when_it_said(bench):
    bench.hold()
    [claim] = bench.groups.claim_groups(9, LEASE)
    due = bench.now().replace(microsecond=0) + timedelta(seconds=1)
    bench.groups.finish_group(claim, GroupStep(look_at=due))
    while not (lent := bench.groups.claim_groups(9, LEASE)):
        assert bench.now() < due + timedelta(seconds=30), "it never came back"
        bench.let_leases_end()
    assert bench.now() >= due, "it was lent before its time"
    [again] = lent
    assert len(again.state.waiting) == 1


def test_what_was_told_is_kept_for_repetition_and_dropped_when_it_is_not(bench):
    alert = bench.hold()
    [claim] = bench.groups.claim_groups(9, LEASE)
    step = tell(alert)
    kept = GroupStep(step.spoken, (), step.deliveries, (alert.id,), bench.now())
    bench.groups.finish_group(claim, kept)
    [again] = bench.groups.claim_groups(9, LEASE)
    assert again.state.told == (alert.id,)
    bench.groups.finish_group(again, GroupStep())
    assert bench.groups.claim_groups(9, LEASE) == []


def test_a_delivery_that_is_there_already_is_not_queued_again(bench):
    alert = bench.alert()
    [delivery] = onward.deliveries(alert, [endpoint()])
    bench.raise_(alert, delivery, bench.held(alert))
    assert bench.outbox() == [delivery.id]
    [claim] = bench.groups.claim_groups(9, LEASE)
    bench.groups.finish_group(claim, tell(alert))
    assert bench.outbox() == []


def test_a_silenced_alert_is_stored_and_counted_and_sent_nowhere(bench):
    alert = bench.alert()
    bench.raise_(alert, Silenced(alert.id, "sil_1"))
    assert bench.outbox() == []
    assert bench.groups.claim_groups(9, LEASE) == []
    assert bench.counted('tocsin_alerts_suppressed_total{reason="silence"}') == 1
    assert bench.counted('tocsin_alerts_total{severity="high",watch="arms-transfer"}') == 1


def test_an_alert_that_is_silenced_while_it_waits_leaves_its_group(bench):
    alert = bench.hold()
    [claim] = bench.groups.claim_groups(9, LEASE)
    bench.groups.finish_group(claim, GroupStep(silenced=(Silenced(alert.id, "sil_1"),)))
    assert bench.groups.claim_groups(9, LEASE) == []
    assert bench.counted('tocsin_alerts_suppressed_total{reason="silence"}') == 1


def test_only_so_many_alerts_of_a_watch_pass_in_a_span_and_the_others_are_held(bench):
    for number in range(5):
        alert = bench.alert()
        [delivery] = onward.deliveries(alert, [endpoint()])
        held = bench.held(alert, GroupKey("rate", "root", "desk", watch="arms-transfer"))
        bench.raise_(alert, Rated("arms-transfer", Rate(2, timedelta(hours=1)), (delivery,), (held,)))
        assert len(bench.outbox()) == (number < 2)
    [claim] = bench.groups.claim_groups(9, LEASE)
    assert len(claim.state.waiting) == 3
    assert bench.counted('tocsin_alerts_held_total{endpoint="desk",reason="rate"}') == 3


def test_an_alert_that_was_raised_already_changes_no_group(bench):
    alert = bench.hold()
    [claim] = bench.groups.claim_groups(9, LEASE)
    bench.groups.finish_group(claim, tell(alert))
    bench.raise_(alert, bench.held(alert))
    assert bench.groups.claim_groups(9, LEASE) == []


def test_a_group_that_keeps_failing_is_lent_alone_and_never_given_up(bench):
    bench.hold()
    for _ in range(3):
        [claim] = bench.groups.claim_groups(9, SHORT)
        assert bench.groups.note_group_failure(claim, "it broke")
        bench.let_leases_end()
    bench.hold(key=GroupKey("group", "other", "desk"))
    first = bench.groups.claim_groups(9, SHORT)
    assert len(first) == 1, "the suspect takes no other along"
    for _ in range(8):
        bench.let_leases_end()
        bench.groups.claim_groups(9, SHORT)
    bench.let_leases_end()
    assert {c.group_id for _ in range(3) for c in bench.groups.claim_groups(9, SHORT)} >= {group_id(KEY)}


def test_a_message_is_listed_with_each_alert_it_tells_of(redis_store):
    groups = RedisGroups(redis_store.client)
    bench = Bench(redis_store, groups, None, None)
    alerts = [bench.hold(), bench.hold()]
    [claim] = groups.claim_groups(9, LEASE)
    assert groups.groups_of([alerts[0].id])[alerts[0].id][0][0] == group_id(KEY)
    ids = tuple(alert.id for alert in alerts)
    message = Delivery("msg_g", "ntf_g", "desk", "{}")
    groups.finish_group(claim, GroupStep(spoken=ids, deliveries=((message, ids),)))
    for id_ in ids:
        assert redis_store.client.lrange("{tocsin}:alert:" + id_ + ":deliveries", 0, -1) == ["msg_g"]
        assert groups.groups_of([id_]) == {id_: []}
