"""Delivery over days on a virtual clock, and against receivers that misbehave over real HTTP."""

import time
from collections import Counter
from concurrent.futures import Future
from contextlib import closing
from datetime import timedelta

import pytest

from tests.clock import Clock
from tests.fakes import FakeClock, FakeSender, SilentObserver, configuration, done, endpoint
from tests.memory_store import MemoryStore
from tests.receiver import WAYS, Receiver, serving
from worker.deliver import breaker
from worker.deliver.breaker import Circuit
from worker.dispatch import Dispatcher
from worker.model import Attempt, Delivery
from worker.runtime.http import HttpLoop
from worker.runtime.sender import WebhookSender

LEASE, BUDGET = timedelta(seconds=90), timedelta(seconds=20)


@pytest.fixture
def sender():
    loop = HttpLoop()
    yield WebhookSender(loop)
    loop.close()


class Post:
    """A dispatcher with its store, and a way to put deliveries in."""

    def __init__(self, endpoints, sender, clock=None, lease=LEASE) -> None:
        self.clock = clock or FakeClock()
        self.store, self.observer, self.sender = MemoryStore(self.clock), SilentObserver(), sender
        config = configuration(endpoints=endpoints)
        self.dispatcher = Dispatcher(self.store, sender, self.clock, self.observer, config, lease=lease, budget=BUDGET)

    def put(self, endpoint_: str, *ids: str) -> None:
        for id_ in ids:
            self.store._queue(Delivery(id_, f"alert-{id_}", endpoint_, f'{{"id":"{id_}"}}'), self.clock.now())

    def run_for(self, span: timedelta, step: timedelta) -> None:
        end = self.clock.now() + span
        while self.clock.now() < end:
            self.dispatcher.deliver_due()
            self.clock.advance(seconds=step.total_seconds())

    def circuit(self, name="desk") -> Circuit:
        return self.store.endpoint_states([name])[0].circuit


class Outage(FakeSender):
    """Answers 503 between two moments, else 200; remembers when it was asked for what."""

    def __init__(self, clock, start, end) -> None:
        super().__init__()
        self.clock, self.start, self.end, self.asked = clock, start, end, []

    def send(self, delivery, endpoint):
        now = self.clock.now()
        is_down = self.start <= now < self.end
        self.asked.append((now, delivery.id, is_down))
        return done(Attempt(503 if is_down else 200, timedelta(milliseconds=5), "down" if is_down else ""))


def test_an_endpoint_down_for_two_days_gets_everything_soon_after_it_is_back():
    clock = FakeClock()
    back = clock.now() + timedelta(days=2)
    post = Post([endpoint()], Outage(clock, clock.now(), back), clock)
    for hour in range(48):
        post.put("desk", *(f"m{hour}-{i}" for i in range(5)))
        post.run_for(timedelta(hours=1), timedelta(seconds=30))
    post.run_for(timedelta(minutes=5), timedelta(seconds=10))
    received = {id_: at for at, id_, is_down in post.sender.asked if not is_down}
    assert len(received) == 240
    assert max(received.values()) <= back + timedelta(minutes=2), "waiting entries do not sleep out their schedule"
    assert not post.store.dead
    assert all(item.counted <= 4 for item in post.store.deliveries.values()), "an open circuit burns no attempts"


def test_an_open_circuit_is_probed_once_a_minute_with_a_real_delivery():
    clock = FakeClock()
    start = clock.now()
    post = Post([endpoint()], Outage(clock, start, start + timedelta(days=9)), clock)
    post.put("desk", *(f"m{i}" for i in range(40)))
    post.run_for(timedelta(minutes=2), timedelta(seconds=1))
    assert post.circuit() is Circuit.OPEN
    before = len(post.sender.asked)
    post.run_for(timedelta(minutes=30), timedelta(seconds=1))
    probes = post.sender.asked[before:]
    assert 29 <= len(probes) <= 31
    assert len({id_ for _, id_, _ in probes}) > 15, "no single delivery is every probe"


def test_what_failed_over_the_whole_schedule_is_a_dead_letter_not_sooner_than_three_days():
    clock = FakeClock()
    start = clock.now()
    post = Post([endpoint()], Outage(clock, start, start + timedelta(days=30)), clock)
    post.put("desk", "m1")
    post.run_for(timedelta(hours=73), timedelta(minutes=1))
    assert not post.store.dead
    post.run_for(timedelta(hours=30), timedelta(minutes=1))
    assert post.store.dead == {"desk": ["m1"]}


def test_dead_letters_wait_for_ever_and_are_replayed_with_the_same_id_and_bytes():
    clock = FakeClock()
    start = clock.now()
    post = Post([endpoint()], Outage(clock, start, start + timedelta(days=30)), clock)
    post.put("desk", "m1")
    post.run_for(timedelta(days=6), timedelta(minutes=5))
    clock.advance(days=400)
    sent = post.store.deliveries["m1"].record
    assert post.store.replay(alert=None, endpoints=["desk"], since=None) == ["m1"]
    post.run_for(timedelta(minutes=3), timedelta(seconds=10))
    assert post.sender.asked[-1][1:] == ("m1", False)
    assert post.store.deliveries["m1"].record == sent
    assert post.store.dead == {"desk": []}


def test_a_success_in_between_keeps_the_circuit_closed():
    post = Post([endpoint()], FakeSender(desk=[500, 500, 500, 200] * 3))
    post.put("desk", *(f"m{i}" for i in range(12)))
    post.dispatcher.deliver_due()
    assert post.circuit() is Circuit.CLOSED


def test_more_than_half_of_twenty_failures_open_the_circuit():
    post = Post([endpoint()], FakeSender(desk=[500, 500, 200] * 8))
    post.put("desk", *(f"m{i}" for i in range(24)))
    post.dispatcher.deliver_due()
    assert post.circuit() is Circuit.OPEN


def test_gone_pauses_the_endpoint_tells_the_others_and_loses_nothing():
    post = Post([endpoint("desk"), endpoint("archive"), endpoint("pager")], FakeSender(desk=[410, 410, 410, 410]))
    post.put("desk", *(f"m{i}" for i in range(6)))
    post.run_for(timedelta(hours=2), timedelta(minutes=1))
    assert post.circuit() is Circuit.PAUSED
    notices = [(name, d) for name, d in post.sender.sent if d.alert_id.startswith("ntc_")]
    assert sorted(name for name, _ in notices) == ["archive", "pager"], "one notice an endpoint, not one an answer"
    assert "tocsin endpoints resume desk" in notices[0][1].body
    assert post.store.resume_endpoint("desk")
    post.run_for(timedelta(minutes=2), timedelta(seconds=10))
    assert {d.id for name, d in post.sender.sent if name == "desk"} == {f"m{i}" for i in range(6)}
    assert all(item.state == "delivered" for item in post.store.deliveries.values())


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_time_is_left_alone_with_every_delivery_until_then(status):
    clock = FakeClock()
    start = clock.now()

    class Throttling(FakeSender):
        def send(self, delivery, endpoint):
            self.sent.append((clock.now() - start, delivery.id))
            is_busy = clock.now() < start + timedelta(hours=1)
            wait = timedelta(hours=1) if is_busy else None
            return done(Attempt(status if is_busy else 200, timedelta(), "later", retry_after=wait))

    post = Post([endpoint()], Throttling(), clock)
    post.put("desk", *(f"m{i}" for i in range(20)))
    post.run_for(timedelta(minutes=60), timedelta(minutes=1))
    assert len(post.sender.sent) <= breaker.AT_ONCE, "only what was on its way already"
    post.put("desk", "late")
    post.run_for(timedelta(minutes=80), timedelta(minutes=1))
    assert {id_ for at, id_ in post.sender.sent if at >= timedelta(hours=1)} == {*(f"m{i}" for i in range(20)), "late"}


def test_a_retry_after_of_another_answer_holds_only_its_delivery():
    class Refusing(FakeSender):
        def send(self, delivery, endpoint):
            self.sent.append(delivery.id)
            is_bad = delivery.id == "m0"
            wait = timedelta(hours=1) if is_bad else None
            return done(Attempt(404 if is_bad else 200, timedelta(), "", retry_after=wait))

    post = Post([endpoint()], Refusing())
    post.put("desk", *(f"m{i}" for i in range(9)))
    post.run_for(timedelta(minutes=59), timedelta(minutes=1))
    assert sorted(post.sender.sent) == [f"m{i}" for i in range(9)]


def test_a_second_gone_after_a_resume_is_told_under_another_id():
    post = Post([endpoint("desk"), endpoint("archive")], FakeSender(desk=[410, 410]))
    post.put("desk", "m0")
    post.run_for(timedelta(minutes=5), timedelta(minutes=1))
    assert post.store.resume_endpoint("desk")
    post.run_for(timedelta(minutes=5), timedelta(minutes=1))
    notices = [d.id for name, d in post.sender.sent if d.alert_id.startswith("ntc_")]
    assert len(notices) == len(set(notices)) == 2


class NeverAnswers:
    """The slow endpoint's attempts stay in flight; the others' are answered at once."""

    def __init__(self) -> None:
        self.sent = []

    def send(self, delivery, endpoint):
        self.sent.append((endpoint.name, delivery.id))
        return Future() if endpoint.name == "slow" else done(Attempt(200, timedelta()))


def test_an_endpoint_that_does_not_answer_holds_up_no_other_and_no_doorbell():
    class Ticking(FakeClock):
        def now(self):
            self.at += timedelta(seconds=2)
            return self.at

    post = Post([endpoint("slow"), endpoint("desk")], NeverAnswers(), Ticking())
    post.put("slow", *(f"s{i}" for i in range(9)))
    post.put("desk", "d0")
    started = time.monotonic()
    post.dispatcher.deliver_due()
    post.put("desk", "d1")
    post.dispatcher.deliver_due()
    assert time.monotonic() - started < 10
    sent = post.sender.sent
    assert ("desk", "d0") in sent
    assert ("desk", "d1") in sent
    assert sum(name == "slow" for name, _ in sent) == breaker.AT_ONCE, "only so many are out at a time"


def test_who_takes_its_whole_timeout_is_not_asked_a_second_time_meanwhile_however_short_the_lease():
    class AnswersLate(FakeSender):
        def send(self, delivery, endpoint):
            self.sent.append((endpoint.name, delivery.id))
            self.answer = Future()
            return self.answer

    class Ticking(FakeClock):
        def now(self):
            self.at += timedelta(seconds=2)
            return self.at

    post = Post([endpoint("desk", timeout=timedelta(seconds=30))], AnswersLate(), Ticking(), timedelta(seconds=3))
    post.put("desk", "m0")
    post.dispatcher.deliver_due()  # gives up waiting after its budget of 20 s
    post.sender.answer.set_result(Attempt(200, timedelta(seconds=24)))
    post.dispatcher.deliver_due()
    assert post.sender.sent == [("desk", "m0")]
    assert not post.store.endpoint_states(["desk"])[0].waiting


class RunningClock(FakeClock):
    """The time of what is waited for, which can be set forward."""

    def __init__(self, seconds) -> None:
        super().__init__()
        self.seconds, self.started = seconds, seconds()

    def now(self):
        return self.at + timedelta(seconds=self.seconds() - self.started)


def two_endpoints(monkeypatch, ways, waves=12, every_s=0.25):
    """Post to an endpoint that fails in these ways half the time, and to a good one beside it.

    Who waits, sender, receivers and dispatcher, waits by a time that does not go by while anybody is busy. The clock runs
    with it while anything is out, so that leases and the cap on what is out at a time hold, and is set forward only when
    nothing is. Returns both receivers, the post, and the seconds each delivery to the good one took.
    """
    seconds = Clock()
    monkeypatch.setattr("worker.dispatch.wait", seconds.wait)
    bad, good, clock = Receiver(ways, clock=seconds), Receiver(clock=seconds), RunningClock(seconds)
    with (
        closing(HttpLoop()) as loop,
        serving(bad.take, seconds) as bad_url,
        serving(good.take, seconds) as good_url,
    ):
        seconds.join(loop.loop)
        endpoints = [
            endpoint("bad", bad_url, timeout=timedelta(seconds=2)),
            endpoint("good", good_url, timeout=timedelta(seconds=10)),
        ]
        post = Post(endpoints, WebhookSender(loop), clock)
        post.dispatcher._budget = timedelta(0)  # a doorbell that does not wait for the slow
        put_at: dict[str, float] = {}
        wave, started, deadline = 0, seconds(), time.monotonic() + 120
        while time.monotonic() < deadline:
            if wave < waves and seconds() - started >= wave * every_s:
                post.put("bad", *(f"b{wave}-{i}" for i in range(4)))
                for i in range(4):
                    put_at[f"g{wave}-{i}"] = seconds()
                    post.put("good", f"g{wave}-{i}")
                wave += 1
            post.dispatcher.deliver_due()
            out = Counter(claim.delivery.endpoint for claim in post.dispatcher._in_flight.values())
            assert all(number <= breaker.AT_ONCE for number in out.values())
            if wave == waves and all(item.state == "delivered" for item in post.store.deliveries.values()):
                break
            if not out:
                clock.advance(minutes=2) if wave == waves else seconds.move(0.01)
        post.dispatcher.drain(timedelta(seconds=5))
    return bad, good, post, sorted(good.at[id_] - at for id_, at in put_at.items())


def test_a_receiver_that_fails_half_the_time_in_five_ways_loses_nothing_and_delays_nobody(monkeypatch):
    *_, undisturbed = two_endpoints(monkeypatch, ())
    bad, _, post, delays = two_endpoints(monkeypatch, WAYS)
    assert not post.store.dead.get("bad")
    assert set(bad.bodies) == {f"b{w}-{i}" for w in range(12) for i in range(4)}, "0 lost, 0 second ids"
    assert all(item.state == "delivered" for item in post.store.deliveries.values())
    assert all(len(bodies) == 1 for bodies in bad.bodies.values()), "the same bytes for an id"
    assert {way for way, number in bad.tried.items() if number} >= set(WAYS), "each way of failing was met"
    p95, p95_alone = (times[int(len(times) * 0.95)] for times in (delays, undisturbed))
    assert p95 < p95_alone + 0.3, "beside a bad endpoint as beside a good one, but for one look at what is due"
    kept = [a.response for item in post.store.deliveries.values() for a in item.attempts if a.status == 500]
    assert kept
    assert not any("whsec_abcdefgh" in text or "token=b" in text for text in kept)


def test_the_answer_is_kept_up_to_four_kilobytes(sender):
    async def flood(request):
        from aiohttp import web

        return web.Response(text="x" * 5_000_000)

    with serving(flood) as url:
        attempt = sender.send(Delivery("m", "a", "desk", "{}"), endpoint(url=url)).result(10)
    assert (attempt.status, len(attempt.response)) == (200, 4_096)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(status, sender):
    asked = []

    async def redirect(request):
        from aiohttp import web

        asked.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    with serving(redirect) as url:
        attempt = sender.send(Delivery("m", "a", "desk", "{}"), endpoint(url=url)).result(10)
    assert not attempt.is_success
    assert asked == ["/hook"]


def test_a_private_address_needs_consent(sender):
    from dataclasses import replace

    with serving(Receiver().take) as url:
        guarded = replace(endpoint(url=url), allow_private=False)
        attempt = sender.send(Delivery("m", "a", "desk", "{}"), guarded).result(10)
    assert (attempt.status, "not public" in attempt.reason) == (0, True)
