"""One feed is slow to answer, another slow to read, a third not ours: none of them holds up the rest."""

import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from tests.fakes import ARMS, HARMLESS, NOW, FakeBell, FakeClock, FakeFetcher, SilentObserver, configuration, feed, rss
from tests.memory_gauge import MemoryGauge
from tests.memory_store import MemoryStore
from worker import answers
from worker.backpressure import LEAST, LONGEST_HELD, Backpressure
from worker.errors import StoreUnavailable, TurnOver
from worker.lanes import LONGEST_S, QUICK_S, unlimited
from worker.model import Fetched
from worker.poller import Poller
from worker.ports import SILENT_BELL
from worker.runtime.bell import Doorbell
from worker.series import POLLING_HELD
from worker.window import FIRST


class Hurrying(FakeClock):
    """Every look at it costs a second, so that budgets end."""

    def now(self):
        self.at += timedelta(seconds=1)
        return self.at


class Dripping(FakeFetcher):
    """One address answers when it is told to, and not before."""

    def __init__(self) -> None:
        super().__init__()
        self.dripping: Future = Future()

    def fetch(self, request):
        return self.dripping if "drip" in request.feed.url else super().fetch(request)


def make(feeds, fetcher, clock=None, read_limit=unlimited, known=None):
    clock = clock or FakeClock()
    store = MemoryStore(clock)
    store.sync_feeds(feeds)
    poller = Poller(
        store, fetcher, clock, SilentObserver(), lease=timedelta(seconds=90), budget=timedelta(seconds=20),
        at_once=100, read_limit=read_limit,
    )  # fmt: skip
    poller.adopt(configuration(feeds if known is None else known), lambda _: ())
    return poller, store


def test_a_server_that_drips_holds_up_no_other_and_its_answer_is_found_by_a_later_call():
    good, drip = feed("good"), feed("drip")
    fetcher = Dripping()
    fetcher.serve(good.url, rss(ARMS))
    poller, store = make((good, drip), fetcher, Hurrying())
    assert poller.poll_due() == 1
    assert store.feeds[drip.id].record is None
    fetcher.dripping.set_result(Fetched(rss(HARMLESS).encode(), drip.url))
    assert poller.poll_due() == 1
    assert store.feeds[drip.id].record.entries == 1
    assert store.feeds[drip.id].claims == 0


class Spans:
    """What each span ended with."""

    def __init__(self) -> None:
        self.ended = []

    @contextmanager
    def span(self, *_):
        try:
            yield "00-trace"
        except BaseException as error:
            self.ended.append(type(error).__name__)
            raise
        self.ended.append("")


def test_a_store_that_is_gone_ends_the_spans_of_the_polls_that_it_did_not_take():
    feeds = tuple(feed(name) for name in ("one", "two"))
    fetcher = FakeFetcher()
    for one in feeds:
        fetcher.serve(one.url, rss(ARMS))
    poller, store = make(feeds, fetcher)
    poller._tracer = tracer = Spans()
    store.finish_polls = lambda _: (_ for _ in ()).throw(StoreUnavailable("gone"))
    with pytest.raises(StoreUnavailable):
        poller.poll_due()
    assert tracer.ended == ["StoreUnavailable"] * 2


class Late(FakeFetcher):
    """Its answers come one after the other, from a thread of its own."""

    def __init__(self, number) -> None:
        super().__init__()
        self._asked, self._number = [], number

    def fetch(self, request):
        answer = Future()
        self._asked.append((answer, super().fetch(request).result()))
        if len(self._asked) == self._number:
            threading.Thread(target=self._answer_all).start()
        return answer

    def _answer_all(self):
        for future, outcome in self._asked:
            time.sleep(0.005)
            future.set_result(outcome)


def test_polls_whose_answers_come_one_after_the_other_are_handed_in_together(monkeypatch):
    monkeypatch.setattr(answers, "MOMENT_S", 30)
    feeds = tuple(feed(f"feed{i}") for i in range(6))
    poller, store = make(feeds, Late(len(feeds)))
    handed_in, finish = [], store.finish_polls
    store.finish_polls = lambda polls: handed_in.append(len(polls)) or finish(polls)
    poller.poll_due()
    assert sum(handed_in) == len(feeds)
    assert handed_in[0] >= len(feeds) * 8 // 10


class Cut:
    """Answers, of which a turn loses the first one when its time is up."""

    def __init__(self, answers) -> None:
        self.put, self.gather, self._answers, self._is_over = answers.put, answers.gather, answers, False

    def get(self, timeout):
        answer = self._answers.get(timeout)
        if not self._is_over:
            self._is_over = True
            raise TurnOver
        return answer


def test_an_answer_that_a_turn_held_when_it_was_cut_is_found_by_the_next():
    good = feed("good")
    fetcher = FakeFetcher()
    fetcher.serve(good.url, rss(ARMS))
    poller, store = make((good,), fetcher, Hurrying())
    poller._answered = Cut(poller._answered)
    with pytest.raises(TurnOver):
        poller.poll_due()
    assert poller.poll_due() == 1
    assert store.feeds[good.id].claims == 0
    assert poller._in_flight == {}


def test_a_document_that_is_slow_to_read_steps_aside_until_the_others_are_done():
    order = []

    @contextmanager
    def limit(seconds):
        yield order.append(seconds)
        if len(order) == 1:  # the first document is the slow one
            raise TimeoutError

    feeds = tuple(feed(name) for name in ("a", "b", "c"))
    fetcher = FakeFetcher()
    for i, source in enumerate(feeds):
        fetcher.serve(source.url, rss(ARMS | {"guid": str(i), "title": f"{i}", "link": f"https://x.example/{i}"}))
    poller, store = make(feeds, fetcher, read_limit=limit)
    poller.poll_due()
    assert order == [QUICK_S, QUICK_S, QUICK_S, LONGEST_S]
    assert [store.feeds[source.id].record.entries for source in feeds] == [1, 1, 1]


def test_a_document_that_takes_longer_than_the_slow_lane_gives_is_hostile_once():
    @contextmanager
    def limit(seconds):
        yield
        raise TimeoutError

    fetcher = FakeFetcher()
    fetcher.serve(feed().url, rss(ARMS))
    poller, store = make((feed(),), fetcher, read_limit=limit)
    poller.poll_due()
    assert store.counted['tocsin_polls_total{outcome="hostile"}'] == 1
    assert "takes too long" in store.feeds[feed().id].record.last_message


def test_a_feed_that_only_a_newer_configuration_knows_is_handed_back_and_never_quarantined():
    ours, theirs = feed("ours"), feed("theirs")
    fetcher = FakeFetcher()
    fetcher.serve(ours.url, rss(ARMS))
    poller, store = make((ours, theirs), fetcher, known=(ours,))
    for _ in range(8):
        poller.poll_due()
        store.clock.advance(minutes=5)
    assert store.quarantine["poll"] == {}
    assert store.feeds[theirs.id].claims == 0
    store.clock.at = NOW + timedelta(days=1)
    assert theirs.id in {claim.feed_id for claim in store.claim_feeds(9, timedelta(seconds=1))}


def test_a_suspect_is_polled_when_all_others_are_done_and_beside_no_other():
    """It may be what ended its last workers, and shall take no innocent with it."""
    suspect, drip, late = feed("suspect"), feed("drip"), feed("late")
    clock, fetcher = Hurrying(), Dripping()
    poller, store = make((suspect,), fetcher, clock, known=(suspect, drip, late))
    for _ in range(2):
        store.claim_feeds(9, timedelta(seconds=1))  # and dies
        clock.advance(seconds=2)
    store.sync_feeds((suspect, drip))
    store.due["feeds"][suspect.id] = clock.at + timedelta(seconds=3)
    for source in (suspect, late):
        fetcher.serve(source.url, rss(ARMS))
    poller.poll_due()  # the other one is in flight, and the suspect waits for its end
    assert [asked.feed.name for asked in fetcher.asked] == []
    store.sync_feeds((suspect, drip, late))
    fetcher.dripping.set_result(Fetched(rss(HARMLESS).encode(), drip.url))
    poller.poll_due()
    assert [asked.feed.name for asked in fetcher.asked] == ["suspect", "late"]
    assert store.feeds[suspect.id].claims == 0


class Handed(MemoryStore):
    """Writes down which feeds were handed in together; `falls` names feeds that bring the store to fall."""

    def __init__(self, clock) -> None:
        super().__init__(clock)
        self.together, self.falls = [], ()

    def finish_polls(self, polls):
        self.together.append([one.claim.feed_id for one in polls])
        good = [one for one in polls if one.claim.feed_id not in self.falls]
        answers = iter(super().finish_polls(good))
        return [KeyError("odd") if one not in good else next(answers) for one in polls]


def poller_over(store, feeds, fetcher, observer, bell=SILENT_BELL, **options):
    store.sync_feeds(feeds)
    poller = Poller(
        store, fetcher, store.clock, observer, lease=timedelta(seconds=90), budget=timedelta(seconds=20), at_once=1000,
        read_limit=unlimited, bell=bell, **options,
    )  # fmt: skip
    poller.adopt(configuration(feeds), lambda _: ())
    return poller


def test_polls_that_are_done_at_the_same_moment_are_handed_in_together():
    feeds = tuple(feed(f"f{i:03}") for i in range(250))
    store = Handed(FakeClock())
    poller_over(store, feeds, FakeFetcher(), SilentObserver()).poll_due()
    assert [len(together) for together in store.together] == [8, 16, 32, 64, 100, 30]
    assert sorted(id_ for together in store.together for id_ in together) == [one.id for one in feeds]


def test_a_turn_goes_on_while_more_is_due_though_nothing_of_it_is_to_be_asked_for():
    ours, theirs = feed("ours"), tuple(feed(f"theirs{i:02}") for i in range(40))
    poller, store = make((*theirs, ours), FakeFetcher(), known=(ours,))
    poller.poll_due()
    assert [id_ for id_, item in store.feeds.items() if item.fence or item.claims] == []
    assert len(store.feeds) == 41


def test_in_a_burst_feeds_are_asked_hardly_faster_than_their_documents_are_read():
    feeds, clock = tuple(feed(f"f{i:02}") for i in range(60)), FakeClock()
    fetcher, ahead = FakeFetcher(), []
    for source in feeds:
        fetcher.serve(source.url, rss(ARMS | {"guid": source.id, "title": source.id, "link": source.url + "/1"}))

    @contextmanager
    def reading(_seconds):
        yield
        read.append(1)
        ahead.append(len(fetcher.asked) - len(read))
        clock.advance(milliseconds=300)

    read = []
    poller, store = make(feeds, fetcher, clock, read_limit=reading)
    while poller.poll_due():
        pass
    assert len(read) == 60
    assert max(ahead[20:]) <= 4
    assert all(store.feeds[source.id].record.entries == 1 for source in feeds)


def test_articles_are_handed_in_and_announced_while_other_documents_are_still_to_be_read():
    feeds, fetcher, bell = tuple(feed(name) for name in "abc"), FakeFetcher(), FakeBell()
    for source in feeds:
        items = [ARMS | {"guid": f"{source.id}-{i}", "title": f"{source.id} {i}", "link": f"https://x.example/{source.id}/{i}",
                         "description": f"{source.id} number {i} tells of something else."} for i in range(60)]  # fmt: skip
        fetcher.serve(source.url, rss(*items))
    store = Handed(FakeClock())
    bell.look = lambda: len(store.due["articles"])
    assert poller_over(store, feeds, fetcher, SilentObserver(), bell).poll_due() == 180
    assert [len(together) for together in store.together] == [2, 1]
    assert bell.rung == [("enrich", 120), ("enrich", 180)]


@pytest.mark.parametrize(
    ("fulltext", "linger", "rung"),
    [
        ("always", timedelta(seconds=1), ["read", "enrich"]),
        ("never", timedelta(seconds=1), ["enrich"]),
        ("always", timedelta(0), ["enrich"]),
    ],
    ids=["pages are wanted", "no page is wanted", "the turn ends at once, and rings then"],
)
def test_readers_of_pages_are_rung_for_where_pages_are_wanted_and_the_turn_goes_on(fulltext, linger, rung):
    source, fetcher, bell = replace(feed("one"), fulltext=fulltext), FakeFetcher(), FakeBell()
    fetcher.serve(source.url, rss(ARMS))
    poller_over(Handed(FakeClock()), [source], fetcher, SilentObserver(), bell, linger=linger).poll_due()
    assert [stage for stage, _ in bell.rung] == rung


def test_a_poll_that_brings_the_store_to_fall_is_noted_and_the_others_are_stored():
    feeds, fetcher, observer = tuple(feed(name) for name in "abc"), FakeFetcher(), SilentObserver()
    store = Handed(FakeClock())
    store.falls = (feeds[1].id,)
    poller_over(store, feeds, fetcher, observer).poll_due()
    assert [event for event, facts in observer.events if event == "work_failed"] == ["work_failed"]
    assert store.feeds[feeds[1].id].failure
    assert [store.feeds[source.id].claims for source in feeds] == [0, 1, 0]


def test_an_article_may_be_revised_ten_times_a_day_every_day():
    source, fetcher = feed(interval=timedelta(minutes=1)), FakeFetcher()
    poller, store = make((source,), fetcher)
    for day in range(3):
        for edition in range(13):
            fetcher.serve(source.url, rss(ARMS | {"description": f"Edition {edition} of day {day}: tanks moved."}))
            poller.poll_due()
            for claim in store.claim_articles(9, timedelta(seconds=1)):
                store.articles[claim.article.id].claims = 0
                store.articles[claim.article.id].state = "done"
            store.clock.advance(minutes=2)
        store.clock.advance(days=1)
    assert store.counted['tocsin_articles_total{outcome="revised"}'] == 30
    assert store.counted['tocsin_articles_total{outcome="revision_over_limit"}'] == 8


def pressed(feeds, *, linger=timedelta(0), budget=timedelta(seconds=20), clock=None, bell=SILENT_BELL):
    """A poller that heeds what waits, over feeds with five new articles each; the clock goes on as it is looked at."""
    clock, fetcher = clock or FakeClock(), FakeFetcher()
    for source in feeds:
        items = [ARMS | {"guid": f"{source.id}-{i}", "title": f"{source.id} {i}", "link": f"https://x.example/{source.id}/{i}",
                         "description": f"{source.id} number {i} tells of something else."} for i in range(5)]  # fmt: skip
        fetcher.serve(source.url, rss(*items))
    store = MemoryStore(clock)
    store.sync_feeds(feeds)
    poller = Poller(
        store, fetcher, clock, SilentObserver(), lease=timedelta(seconds=90), budget=budget,
        at_once=100, read_limit=unlimited, pressure=Backpressure(MemoryGauge(store)), linger=linger,
        bell=bell,
    )  # fmt: skip
    poller.adopt(configuration(feeds), lambda _: ())
    return poller, store, fetcher, clock


def test_feeds_are_held_back_while_articles_wait_and_asked_when_these_were_taken_up():
    feeds = tuple(feed(f"f{i:02}") for i in range(45))
    poller, store, fetcher, clock = pressed(feeds)
    taken, most = 0, 0
    claim, now = store.claim_feeds, clock.now

    def hurry():
        """Three milliseconds for every look at the clock; enrichers take up an article in twelve."""
        nonlocal taken, most
        clock.at += timedelta(milliseconds=3)
        waiting = [id_ for id_, at in store.due["articles"].items() if at <= clock.at]
        most = max(most, len(waiting))
        while waiting and taken < (clock.at - NOW) / timedelta(milliseconds=12):
            store.due["articles"][waiting.pop()] = clock.at + timedelta(hours=1)
            taken += 1
        return clock.at

    clock.now = hurry
    assert poller.poll_due() == 225
    assert len(fetcher.asked) == 45
    assert most <= LEAST + 8 * 5, "and a first wave"
    assert store.counted[POLLING_HELD] > 0
    assert claim(1, timedelta(0)) == []
    clock.now = now


def test_enrichers_that_are_not_there_hold_back_feeds_for_moments_only():
    feeds = tuple(feed(f"f{i:02}") for i in range(60))
    poller, _, fetcher, clock = pressed(feeds)
    now = clock.now
    clock.now = lambda: (clock.advance(milliseconds=20), now())[1]
    assert poller.poll_due() + poller.poll_due() == 300
    assert len(fetcher.asked) == 60
    assert clock.at < NOW + LONGEST_HELD


def test_a_feed_that_becomes_due_within_moments_is_waited_for():
    poller, store, fetcher, clock = pressed((feed("one"),), linger=timedelta(seconds=1))
    now = clock.now
    clock.now = lambda: (clock.advance(milliseconds=10), now())[1]
    assert poller.poll_due() == 5
    [id_] = store.due["feeds"]
    store.due["feeds"][id_] = clock.at + timedelta(milliseconds=300)
    poller.poll_due()
    assert len(fetcher.asked) == 2
    store.due["feeds"][id_] = clock.at + timedelta(seconds=3)
    poller.poll_due()
    assert len(fetcher.asked) == 2, "what is due later is left to a later call"


def test_enrichers_hear_of_articles_that_come_just_after_others_though_no_feed_is_due_then():
    clock, rung = FakeClock(), list[tuple[str, timedelta]]()
    bell = Doorbell(lambda stage: rung.append((stage, clock.at - NOW)), lambda: (clock.at - NOW).total_seconds())
    poller, store, _, _ = pressed((feed("one"), feed("two")), linger=timedelta(seconds=1), clock=clock, bell=bell)
    later = feed("two").id
    store.due["feeds"][later] = NOW + timedelta(milliseconds=100)
    clock.now = lambda now=clock.now: (clock.advance(milliseconds=5), now())[1]
    assert poller.poll_due() == 10
    (first, at), (second, then) = rung
    assert first == second == "enrich"
    assert timedelta(milliseconds=200) <= then - at < timedelta(milliseconds=250)


def test_after_a_rest_a_few_feeds_are_asked_first_since_all_may_have_news_now():
    feeds = tuple(feed(f"f{i:02}") for i in range(60))
    poller, store, fetcher, clock = pressed(feeds, linger=timedelta(seconds=5))
    for source in feeds:
        fetcher.serve(source.url, rss())
    rooms, claim, rest = [], store.claim_feeds, poller._rested

    def rested(until):
        if len(fetcher.asked) == 60:
            rooms.clear()
            store.due["feeds"] = dict.fromkeys(store.due["feeds"], clock.at)
        return len(fetcher.asked) < 120 and rest(until)

    poller._rested = rested
    store.claim_feeds = lambda room, lease: rooms.append(room) or claim(room, lease)
    clock.now = lambda now=clock.now: (clock.advance(milliseconds=1), now())[1]
    poller.poll_due()
    assert len(fetcher.asked) == 120
    assert rooms[0] == FIRST < max(rooms)


def test_servers_that_hang_hold_back_no_other_feed():
    feeds = tuple(feed(f"f{i:02}") for i in range(25))
    poller, store, fetcher, clock = pressed(feeds, budget=timedelta(seconds=6))
    answering, now, hung = fetcher.fetch, clock.now, {source.id for source in feeds[: LEAST // 5 + 1]}
    fetcher.fetch = lambda request: Future() if request.feed.id in hung else answering(request)

    def look():
        """Thirty milliseconds for every look at the clock; enrichers take up all there is."""
        store.due["articles"] = {}
        return (clock.advance(milliseconds=30), now())[1]

    clock.now = look
    poller.poll_due()
    assert len(fetcher.asked) == 25 - len(hung)


def test_a_turn_does_not_spin_while_articles_wait_and_no_feed_is_due():
    feeds = tuple(feed(f"f{i:02}") for i in range(LEAST // 5 + 1))
    poller, _, fetcher, clock = pressed(feeds, linger=timedelta(milliseconds=200))
    now, looks = clock.now, count()
    clock.now = lambda: (next(looks), clock.advance(milliseconds=1), now())[2]
    poller.poll_due()
    assert len(fetcher.asked) == len(feeds)
    assert next(looks) < 1_000


@pytest.mark.parametrize(("has_news", "order"), [(True, ["handed in", "claimed"]), (False, ["claimed", "handed in"])])
def test_what_brings_articles_is_handed_in_at_once_and_all_else_when_the_next_feeds_are_asked(has_news, order):
    wire, fetcher, happened = feed("wire"), FakeFetcher(), []
    fetcher.serve(wire.url, rss(ARMS) if has_news else rss())
    poller, store = make((wire,), fetcher)
    claim, finish = store.claim_feeds, store.finish_polls
    store.claim_feeds = lambda *args: happened.append("claimed") or claim(*args)
    store.finish_polls = lambda polls: happened.append("handed in") or finish(polls)
    assert poller.poll_due() == has_news
    assert happened[1:3] == order
    assert store.feeds[wire.id].claims == 0
