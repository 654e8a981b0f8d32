"""Articles told in groups: the alerts and stories of telling each alone, and a failure that costs only its own."""

import random
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import NOW, FakeClock, SilentObserver, analysis, article, configuration, endpoint, feed, watch
from tests.memory_store import Item, MemoryStore
from worker import onward, story
from worker.deliver.payload import build
from worker.finisher import Finisher
from worker.match import Matcher
from worker.model import Escalation, LanguageModel, Pending, PhraseCondition, Severity
from worker.ports import ArticleClaim
from worker.telling import Teller
from worker.triage import Read, Triage

WATCH = watch(
    "tanks", condition=PhraseCondition(("tanks",)), escalate=(Escalation(Severity.CRITICAL, 3, timedelta(days=2)),)
)
CONFIGURATION = configuration((feed(),), (WATCH,), (endpoint(),), nlp=LanguageModel())
LENGTH = 40


def words(number: int) -> list[str]:
    drawn = random.Random(number)
    return [
        "".join(drawn.choice("bcdfgklmnprstvz") + drawn.choice("aeiou") for _ in range(drawn.randint(2, 4)))
        for _ in range(LENGTH)
    ]


def told(number: int, first: int, second: int, cut: int, *, fires: bool) -> Read:
    """The first words of one text and the rest of another: with both it shares keys, which need not share any."""
    said = words(first)[:cut] + words(second)[cut:] + ["tanks"] * fires
    title = " ".join([*words(first)[:5], f"Harbour{second}"]).title()
    made = article(
        title, " ".join(said), id=f"art_{number:02}", first_seen=NOW + timedelta(seconds=number),
        link=f"https://p{number}.example/x",
    )  # fmt: skip
    seen = analysis(made, entities={f"Harbour{second}": ("GPE", f"H{second}")})
    return Read(ArticleClaim(made, 1), seen, story.sign(made, seen), timedelta(0), NOW)


class Newsroom:
    """A store in which articles are lent, and who finishes them."""

    def __init__(self, reads, *, store=MemoryStore, is_triaged=False, executor=None) -> None:
        clock = FakeClock()
        clock.advance(minutes=5)
        self.store, self.observer, self.put_off = store(clock), SilentObserver(), []
        for read in reads:
            self.store.articles[read.claim.article.id] = Item(record=read.claim.article, fence=1, claims=1)
        matcher = Matcher((WATCH,))
        self.teller = Teller(
            self.store, clock, self.observer, matcher,
            lambda raised: [onward.send_on(CONFIGURATION, one, (), clock.now()) for one in raised],
            config_hash="h", triage=Triage(Names(reads), matcher, self.store) if is_triaged else None,
        )  # fmt: skip
        self.finisher = Finisher(self.teller, self.store, self.observer, put_off=self.put_off.append, executor=executor)

    def state(self):
        return (
            {id_: build(alert) for id_, alert in self.store.alerts.items()},
            {id_: known for id_, (known, _) in self.store.stories.items()},
            {id_: item.story for id_, item in self.store.articles.items()},
        )

    def undone(self) -> list[str]:
        return [id_ for id_, item in self.store.articles.items() if item.state != "done"]


class Names:
    """Completes what was glanced at."""

    def __init__(self, reads) -> None:
        self._whole = {read.claim.article.id: read.analysis for read in reads}
        self.asked: list[list[str]] = []

    def complete(self, articles, glances):
        self.asked.append([one.id for one in articles])
        return [self._whole[one.id] for one in articles]


def glanced(read: Read) -> Read:
    seen = replace(read.analysis, entities=(), pending=Pending())
    return replace(read, analysis=seen, signature=story.sign(read.claim.article, seen))


ARTICLES = st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from((0, 13, 20, 27)), st.booleans())


@settings(max_examples=150, deadline=None)
@given(st.lists(ARTICLES, min_size=2, max_size=18), st.lists(st.integers(1, 9), min_size=18), st.booleans())
def test_alerts_and_stories_are_those_of_telling_each_alone(drawn, sizes, is_triaged):
    reads = [told(number, *which, fires=fires) for number, (*which, fires) in enumerate(drawn)]
    given_ = [glanced(read) for read in reads] if is_triaged else reads
    alone, grouped = Newsroom(reads, is_triaged=is_triaged), Newsroom(reads, is_triaged=is_triaged)
    for read in given_:
        alone.finisher.finish([read])
    left, raised = list(given_), 0
    for size in sizes:
        raised += grouped.finisher.finish(left[:size])
        left = left[size:]
    assert grouped.undone() == alone.undone() == []
    assert grouped.state() == alone.state()
    assert raised == len(alone.store.alerts)
    assert grouped.store.counted == alone.store.counted


class Late(Executor):
    """Works when somebody waits for the result: as late as can be."""

    def submit(self, work, /, *given):
        answered = Future()

        def result(timeout=None):
            if not answered.done():
                answered.set_result(work(*given))
            return Future.result(answered, timeout)

        answered.result = result
        return answered


@settings(max_examples=150, deadline=None)
@given(
    st.lists(ARTICLES, min_size=2, max_size=18),
    st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=18),
    st.booleans(),
    st.integers(1, 6),
)
def test_so_they_are_where_the_store_is_at_one_group_while_the_next_is_made_ready(drawn, sizes, is_triaged, most):
    reads = [told(number, *which, fires=fires) for number, (*which, fires) in enumerate(drawn)]
    given_ = [glanced(read) for read in reads] if is_triaged else reads
    alone = Newsroom(reads, is_triaged=is_triaged)
    late = Newsroom(reads, is_triaged=is_triaged, executor=Late())
    for read in given_:
        alone.finisher.finish([read])
    left, raised = list(given_), 0
    with patch("worker.finisher._MOST_TOGETHER", most):
        for size, is_now in sizes:
            raised += (late.finisher.finish if is_now else late.finisher.finish_later)(left[:size])
            left = left[size:]
        raised += late.finisher.finish(())
    assert late.undone() == []
    assert late.state() == alone.state()
    assert raised == len(alone.store.alerts)
    assert sorted(claim.article.id for claim in late.finisher.ended()) == sorted(
        read.claim.article.id for read in reads
    )


def test_names_of_an_article_and_of_its_kin_are_looked_for_in_one_call_and_the_kin_read_before_the_store_is_sent_others():
    reads = [told(0, 0, 0, 0, fires=False), *(told(number, number, number, 0, fires=False) for number in (4, 5, 6))]
    reads.append(told(7, 0, 1, 20, fires=False))
    newsroom = Newsroom(reads, is_triaged=True, store=Counting, executor=Late())
    newsroom.finisher.finish([glanced(reads[0])])
    newsroom.store.asked.clear()
    with patch("worker.finisher._MOST_TOGETHER", 2):
        newsroom.finisher.finish([*map(glanced, reads[1:])])
    assert newsroom.store.asked == [("kin", 2), ("kin", 2), ("texts", 1), ("finish", 2), ("finish", 2)]
    assert newsroom.teller._triage._enricher.asked == [["art_07", "art_00"]]


def test_the_next_group_is_looked_for_before_the_store_is_sent_one():
    reads = [told(number, number, number, 0, fires=True) for number in range(8)]
    newsroom = Newsroom(reads, store=Counting, executor=Late())
    with patch("worker.finisher._MOST_TOGETHER", 4):
        assert newsroom.finisher.finish_later(reads) == 4
        assert newsroom.store.asked == [("kin", 4), ("kin", 4), ("finish", 4)]
        assert newsroom.finisher.finish(()) == 4


class Counting(MemoryStore):
    """Counts how often it is asked."""

    def __init__(self, clock) -> None:
        super().__init__(clock)
        self.asked = []

    def find_kin(self, keys):
        self.asked.append(("kin", len(keys)))
        return super().find_kin(keys)

    def read_articles(self, ids):
        self.asked += [("texts", len(ids))] if ids else []
        return super().read_articles(ids)

    def finish_articles(self, given):
        self.asked.append(("finish", len(given)))
        return super().finish_articles(given)


def test_what_is_unrelated_is_told_in_one_go():
    reads = [told(number, number, number, 0, fires=True) for number in range(30)]
    newsroom = Newsroom(reads, store=Counting)
    assert newsroom.finisher.finish(reads) == 30
    assert newsroom.store.asked == [("kin", 30), ("finish", 30)]


def test_what_waits_for_another_is_looked_up_again_only_when_it_may_go():
    reads = [told(number, 1, 1, 0, fires=False) for number in range(150)]
    newsroom = Newsroom(reads, store=Counting)
    newsroom.finisher.finish(reads)
    assert newsroom.undone() == []
    assert sum(number for what, number in newsroom.store.asked if what == "kin") < 2 * len(reads)


class Hurried(MemoryStore):
    """Others change what is about to be stored, so often."""

    times = 1

    def finish_articles(self, given):
        if self.times:
            self.times -= 1
            for one in given:
                self.stories[one.step.story.id] = one.step.story, one.step.version + 1
        return super().finish_articles(given)


def test_what_another_worker_changed_meanwhile_is_looked_at_again():
    reads = [told(number, number, number, 0, fires=True) for number in range(3)]
    newsroom = Newsroom(reads, store=Hurried)
    newsroom.finisher.finish(reads)
    assert newsroom.undone() == []
    assert [version for _, version in newsroom.store.stories.values()] == [2, 2, 2]


def test_what_others_change_every_time_is_put_off():
    reads = [told(number, number, number, 0, fires=True) for number in range(3)]
    newsroom = Newsroom(reads, store=Hurried)
    newsroom.store.times = 99
    assert newsroom.finisher.finish(reads) == 0
    assert newsroom.undone() == [claim.article.id for claim in newsroom.put_off] == ["art_00", "art_01", "art_02"]
    assert newsroom.store.times == 99 - 2 - 3 * 10


def test_what_others_change_ten_times_is_told_in_the_same_turn():
    reads = [told(0, 0, 0, 0, fires=True)]
    newsroom = Newsroom(reads, store=Hurried)
    newsroom.store.times = 10
    newsroom.finisher.finish(reads)
    assert newsroom.undone() == newsroom.put_off == []


class Crowded(MemoryStore):
    """Another worker is at the same stories, and always between looking and storing of what is told in groups."""

    def finish_articles(self, given):
        for one in given if len(given) > 1 else ():
            self.stories[one.step.story.id] = one.step.story, one.step.version + 1
        return super().finish_articles(given)


def test_what_groups_change_under_each_others_hands_is_told_alone():
    reads = [told(number, number, number, 0, fires=True) for number in range(9)]
    newsroom = Newsroom(reads, store=Crowded)
    newsroom.finisher.finish(reads)
    assert newsroom.undone() == []
    assert [version for _, version in newsroom.store.stories.values()] == [3] * 9


def poisoned_texts(newsroom):
    sift = newsroom.teller._matcher.sift

    def fragile(told_, seen):
        if told_.id == "art_01":
            raise RuntimeError("cannot be read")
        return sift(told_, seen)

    newsroom.teller._matcher.sift = fragile


def poisoned_kin(newsroom):
    find = newsroom.store.find_kin

    def fragile(keys):
        if told(1, 1, 1, 0, fires=True).signature.keys in keys:
            raise RuntimeError("cannot be compared")
        return find(keys)

    newsroom.store.find_kin = fragile


def poisoned_stores(newsroom):
    newsroom.store.articles["art_01"] = None


@pytest.mark.parametrize("poison", [poisoned_texts, poisoned_kin, poisoned_stores])
def test_one_that_cannot_be_told_costs_no_other_and_keeps_why(poison):
    reads = [told(number, number, number, 0, fires=True) for number in range(4)]
    newsroom = Newsroom(reads)
    noted = []
    newsroom.store.note_failure = lambda claim, reason: noted.append((claim.article.id, reason)) or True
    poison(newsroom)
    assert newsroom.finisher.finish(reads) == 3
    assert [id_ for id_, _ in noted] == ["art_01"]
    assert {f"art_0{n}" for n in (0, 2, 3)} <= set(newsroom.store.stories)


def test_a_store_that_is_gone_ends_the_turn_and_closes_every_span():
    from worker.errors import StoreUnavailable

    reads = [told(number, number, number, 0, fires=True) for number in range(4)]
    newsroom = Newsroom(reads)
    newsroom.teller._tracer = tracer = Spans()
    newsroom.store.find_kin = lambda _: (_ for _ in ()).throw(StoreUnavailable("gone"))
    with pytest.raises(StoreUnavailable):
        newsroom.finisher.finish(reads)
    assert tracer.ended == ["StoreUnavailable"] * 4


def test_a_turn_that_ends_lets_go_of_what_the_store_has_what_is_ready_and_what_waits():
    from worker.errors import TurnOver

    class Cut(Late):
        def submit(self, work, /, *given):
            answered = Future()
            answered.set_exception(TurnOver())
            return answered

    reads = [told(number, number, number, 0, fires=True) for number in range(10)]
    newsroom = Newsroom(reads, executor=Cut())
    newsroom.teller._tracer = tracer = Spans()
    with patch("worker.finisher._MOST_TOGETHER", 4), pytest.raises(TurnOver):
        newsroom.finisher.finish_later(reads)
    assert tracer.ended == ["TurnOver"] * 8
    assert newsroom.finisher.ended() == []
    newsroom.finisher._executor = None
    assert newsroom.finisher.finish(reads) == 10


class Spans:
    def __init__(self) -> None:
        self.ended = []

    def span(self, *_):
        return _Span(self.ended)


class _Span:
    def __init__(self, ended) -> None:
        self._ended = ended

    def __enter__(self):
        return "00-trace"

    def __exit__(self, kind, *_):
        self._ended.append(kind.__name__ if kind else "")


def test_an_article_is_stored_with_the_trace_of_its_own_span():
    reads = [told(number, number, number, 0, fires=False) for number in range(2)]
    newsroom = Newsroom(reads)
    newsroom.teller._tracer = tracer = Spans()
    newsroom.finisher.finish(reads)
    assert [item.trace for item in newsroom.store.articles.values()] == ["00-trace"] * 2
    assert tracer.ended == ["", ""]
