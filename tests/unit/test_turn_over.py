"""A turn whose time is up ends, whatever it is at: no guard for one bad piece takes that for the piece's failure."""

import os
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.fakes import ARMS, HARMLESS, PhraseEnricher, SilentObserver, article
from tests.spine import FEED, Spine
from worker.errors import TurnOver
from worker.isolation import spared
from worker.lent import Loans
from worker.model import Pending
from worker.ports import MOVED, ArticleClaim
from worker.runtime import deadline, tasks
from worker.runtime.deadline import within_soft_limit
from worker.runtime.tasks import LONGEST_REFRESH_S


def run_out_of_time() -> None:
    """What Celery does to a process whose task passed its soft limit."""
    os.kill(os.getpid(), signal.SIGUSR1)


class Slow(PhraseEnricher):
    """Is still at an article about a choir when the time is up."""

    def enrich(self, articles):
        if any("choir" in article.title for article in articles):
            run_out_of_time()
        return super().enrich(articles)

    def glance(self, articles):
        return self.enrich(articles)


class SlowNames(Slow):
    """Glances at everything, and is still looking for the names in an article about a choir when the time is up."""

    def glance(self, articles):
        return [replace(found, pending=Pending()) for found in PhraseEnricher.enrich(self, articles)]

    def complete(self, articles, glances):
        return self.enrich(articles)


class SlowGlance(Slow):
    """Leaves names to be looked for."""

    def glance(self, articles):
        return [replace(found, pending=Pending()) for found in super().glance(articles)]


def claims_by_title(spine) -> dict[str, int]:
    return {item.record.title: item.claims for item in spine.store.articles.values()}


def test_the_turn_ends_and_the_article_is_given_back_without_a_failure():
    spine = Spine(enricher=Slow())
    spine.serve(HARMLESS, ARMS)
    spine.pipeline.poll_due()
    with pytest.raises(TurnOver), within_soft_limit():
        spine.pipeline.enrich_due()
    assert {item.failure for item in spine.store.articles.values()} == {""}
    assert ("articles_given_back", {"number": 2}) in spine.observer.events
    assert len(spine.store.claim_articles(10, spine.pipeline.limits.lease)) == 2, "due at once, not after the lease"


def with_a_fete_first(spine):
    """Two articles are due, the longer that of a fete, whose id it returns."""
    spine.serve(HARMLESS | {"title": "A fete", "guid": "f"}, HARMLESS)
    spine.pipeline.poll_due()
    [fete] = [id_ for id_, item in spine.store.articles.items() if item.record.title == "A fete"]
    spine.store.due["articles"][fete] = spine.clock.now().replace(year=2025)
    return fete


def test_only_what_was_in_hand_counts_as_claimed():
    spine = Spine(enricher=SlowGlance(), entities="when_relevant", at_once=1)
    with_a_fete_first(spine)
    with pytest.raises(TurnOver), within_soft_limit():
        spine.pipeline.enrich_due()
    assert claims_by_title(spine) == {"A fete": 0, HARMLESS["title"]: 1}


class GlanceAtFetes(PhraseEnricher):
    """Leaves the names of articles about a fete to be looked for."""

    def glance(self, articles):
        seen = PhraseEnricher.enrich(self, articles)
        return [
            replace(found, pending=Pending()) if "fete" in article.title else found
            for article, found in zip(articles, seen, strict=True)
        ]


def test_of_what_waited_of_one_story_only_the_group_that_is_being_told_is_in_hand(monkeypatch):
    spine = Spine(enricher=GlanceAtFetes(), entities="when_relevant", at_once=100)
    fetes = [HARMLESS | {"guid": f"f{n}", "title": f"A fete {n}", "link": ""} for n in range(70)]
    spine.serve(*fetes, HARMLESS | {"link": ""})
    spine.pipeline.poll_due()
    for number, id_ in enumerate(spine.store.articles):
        spine.store.due["articles"][id_] = spine.clock.now().replace(year=2025, microsecond=number)
    monkeypatch.setattr(spine.store, "read_stories", lambda _: run_out_of_time())
    with pytest.raises(TurnOver), within_soft_limit():
        spine.pipeline.enrich_due()
    assert Counter(claims_by_title(spine).values()) == {1: 64, 0: 7}


class FailsAtFetes(Slow):
    """Cannot bear articles about a fete."""

    def enrich(self, articles):
        if any("fete" in article.title for article in articles):
            raise ValueError("no fetes")
        return super().enrich(articles)


def test_what_failed_alone_keeps_its_failure_when_the_turn_is_cut_later():
    spine = Spine(enricher=FailsAtFetes(), at_once=1)
    fete = with_a_fete_first(spine)
    with pytest.raises(TurnOver), within_soft_limit():
        spine.pipeline.enrich_due()
    assert claims_by_title(spine) == {"A fete": 1, HARMLESS["title"]: 1}
    assert spine.store.due["articles"][fete] > spine.clock.now(), "when its lease has ended"


def test_what_is_finished_is_not_kept_in_mind():
    loans = Loans(None)
    kept = []
    for turn in range(100):
        claims = loans.note([claim_of(f"art_{turn}_{n}") for n in range(32)])
        kept += claims[:1]
        loans.forget(claims[1:])
    assert len(loans) == len(kept) == 100


def claim_of(article_id: str) -> ArticleClaim:
    return ArticleClaim(article("A fete", id=article_id), 1, "")


def test_what_was_told_before_the_end_stays_told_and_the_next_turn_goes_on():
    spine = Spine(enricher=Slow(), at_once=1)
    spine.serve(ARMS, HARMLESS)
    for _ in range(8):
        spine.pipeline.poll_due()
        with suppress(TurnOver), within_soft_limit():
            spine.pipeline.enrich_due()
    assert len(spine.store.alerts) == 1
    [held] = spine.store.quarantined()
    assert held.subject == HARMLESS["title"]
    assert "ran out of time" in held.reason


def test_an_article_whose_names_take_for_ever_is_at_last_set_aside_though_it_waited_for_its_reading():
    spine = Spine(enricher=SlowNames(), at_once=2)
    spine.serve(HARMLESS, *(HARMLESS | {"guid": f"f{n}", "title": f"A fete {n}", "link": ""} for n in range(3)))
    for _ in range(9):
        spine.pipeline.poll_due()
        with suppress(TurnOver), within_soft_limit():
            spine.pipeline.enrich_due()
    [held] = spine.store.quarantined()
    assert held.subject == HARMLESS["title"]
    assert sum(item.state == "done" for item in spine.store.articles.values()) == 3


def test_no_guard_for_one_piece_holds_the_end_of_a_turn():
    observer = SilentObserver()
    with pytest.raises(TurnOver), within_soft_limit(), spared(observer, "poll", FEED.name):
        run_out_of_time()
    assert observer.events == []


def test_the_feed_whose_document_is_in_hand_has_not_failed(monkeypatch):
    spine = Spine()
    spine.serve(ARMS)
    monkeypatch.setattr("worker.parse.feedparser.parse", lambda *_, **__: run_out_of_time())
    with pytest.raises(TurnOver), within_soft_limit():
        spine.pipeline.poll_due()
    [state] = spine.store.feeds.values()
    assert (state.record, state.failure, state.claims) == (None, "", 1), "its lease brings it back"


def test_an_end_that_was_swallowed_is_announced_again(monkeypatch):
    monkeypatch.setattr(deadline, "_TURN_AGAIN_S", 0.02)

    def swallow_one():
        with suppress(TurnOver):
            run_out_of_time()
        signal.pause()

    with pytest.raises(TurnOver), within_soft_limit():
        swallow_one()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_after_the_turn_the_signals_mean_what_they_meant():
    before = [signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGALRM)]
    with within_soft_limit():
        assert signal.getsignal(signal.SIGUSR1) is not before[0]
    assert [signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGALRM)] == before


@pytest.fixture
def turn(monkeypatch):
    """A turn of a worker whose refresh takes so many seconds and then does something; the pipelines that worked."""
    now, worked = [0.0], []

    def run(seconds: float, then=lambda: None) -> list[str]:
        def refresh(_stage):
            now[0] += seconds
            then()
            return "pipeline"

        monkeypatch.setattr(tasks, "refreshed_pipeline", refresh)
        monkeypatch.setattr(tasks, "monotonic", lambda: now[0])
        tasks._work("poll", lambda pipeline: worked.append(pipeline) or 0, ())
        return worked

    return run


def test_a_configuration_that_takes_too_long_hears_of_it_as_before(turn):
    heard = []
    own = signal.signal(signal.SIGUSR1, lambda *_: heard.append("Celery's"))
    try:
        assert turn(1, run_out_of_time) == ["pipeline"]
    finally:
        signal.signal(signal.SIGUSR1, own)
    assert heard == ["Celery's"]


def test_after_a_long_refresh_the_turn_waits_for_the_next_doorbell(turn):
    assert turn(LONGEST_REFRESH_S) == ["pipeline"]
    assert turn(LONGEST_REFRESH_S + 1) == ["pipeline"], "no second turn"


def test_an_article_whose_story_others_keep_changing_is_told_seconds_later_and_not_when_its_lease_ends():
    spine = Spine()
    spine.serve(ARMS)
    spine.pipeline.poll_due()
    finish = spine.store.finish_articles
    spine.store.finish_articles = lambda told: [MOVED] * len(told)
    assert spine.pipeline.enrich_due() == 0
    spine.store.finish_articles = finish
    assert list(claims_by_title(spine).values()) == [0], "that it was lent in vain counts for nothing"
    assert spine.pipeline.enrich_due() == 0, "whoever is at its story has time to be through with it"
    spine.clock.advance(seconds=3)
    assert spine.pipeline.enrich_due() == 1
