"""One feed is slow to answer, another slow to read, a third not ours: none of them holds up the rest."""

from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta

from tests.fakes import ARMS, HARMLESS, NOW, FakeClock, FakeFetcher, SilentObserver, configuration, feed, rss
from tests.memory_store import MemoryStore
from worker.model import Fetched
from worker.poller import LONG, LONGEST_S, MOST_HELD, QUICK_S, Poller, unlimited


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


class Busy(FakeClock):
    """Passes by `cost` seconds with each document that is read."""

    cost = 0.1

    @contextmanager
    def reading(self, _seconds):
        yield
        self.at += timedelta(seconds=self.cost)


def test_no_more_feeds_are_asked_than_can_be_read_in_half_a_second():
    feeds = tuple(feed(f"f{i}") for i in range(60))
    clock, fetcher = Busy(), FakeFetcher()
    ahead = []

    @contextmanager
    def reading(seconds):
        with clock.reading(seconds):
            yield
        ahead.append(len(fetcher.asked) - len(ahead))

    for i, source in enumerate(feeds):
        fetcher.serve(source.url, rss(ARMS | {"guid": str(i), "title": f"{i}", "link": f"https://x.example/{i}"}))
    poller, store = make(feeds[:10], fetcher, clock, reading, known=feeds)
    assert poller.poll_due() == 10
    assert max(ahead) == 8, "how long reading takes was not known yet"
    store.sync_feeds(feeds)
    clock.advance(seconds=5)
    ahead.clear()
    fetcher.asked.clear()
    assert poller.poll_due() == 50
    assert max(ahead) <= 5


class Mute(FakeFetcher):
    """Servers whose name says so never answer."""

    def fetch(self, request):
        return Future() if "mute" in request.feed.url else super().fetch(request)


def test_servers_that_keep_us_waiting_keep_no_other_from_being_asked():
    mute = tuple(feed(f"mute{i}") for i in range(20))
    good, clock, fetcher = feed("good"), Busy(), Mute()
    fetcher.serve(good.url, rss(ARMS))
    poller, store = make((good,), fetcher, clock, clock.reading, known=(*mute, good))
    poller.poll_due()
    store.sync_feeds((*mute, good))
    poller._start_due()
    assert len(poller._in_flight) == 5
    clock.advance(seconds=2)
    poller._start_due()
    assert len(poller._in_flight) == 10


class Queue:
    """A queue whose length is told, and a feed that is as late as is told."""

    def __init__(self, *articles: int, late: float = 1) -> None:
        self.articles, self.late = list(articles), timedelta(seconds=late)

    def waiting(self):
        return (self.articles.pop(0) if self.articles else 0), self.late


def queued(queue):
    """A poller behind which others work; its first feed has been read, and brought something."""
    feeds = tuple(feed(f"f{i}") for i in range(10))
    fetcher = FakeFetcher()
    for i, source in enumerate(feeds):
        fetcher.serve(source.url, rss(ARMS | {"guid": str(i), "title": f"{i}", "link": f"https://x.example/{i}"}))
    poller, store = make(feeds[:1], fetcher, known=feeds)
    poller.poll_due()
    poller._queue = queue
    store.sync_feeds(feeds)
    return poller, fetcher


def test_feeds_wait_while_the_queue_behind_is_long():
    poller, fetcher = queued(queue := Queue(LONG, LONG, LONG - 1))
    assert poller.poll_due() == 9
    assert len(fetcher.asked) == 10
    assert queue.articles == [], "it was looked at until it was short"


def test_no_feed_waits_longer_than_its_patience_for_the_queue():
    poller, fetcher = queued(Queue(LONG, LONG, LONG, LONG, LONG, late=MOST_HELD.total_seconds()))
    asked = len(fetcher.asked)
    poller._start_due()
    assert len(fetcher.asked) - asked == 4, "a few at a time"


def test_a_poller_with_nothing_due_does_not_wait_for_the_queue():
    poller, _ = queued(Queue(LONG, LONG, late=0))
    assert poller.poll_due() == 0
