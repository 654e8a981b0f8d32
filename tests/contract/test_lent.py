"""What any store promises of articles that are given back, over the one in memory and the real one."""

from datetime import timedelta

import pytest

from tests.contract.test_store import LEASE, SHORT, Bench, step_for
from tests.fakes import ARMS, HARMLESS, FakeClock, analyse
from tests.memory_lender import MemoryLender
from tests.memory_store import MemoryStore
from worker.ports import MOST_CLAIMS, SUSPECT, Told
from worker.runtime.lender import RedisLender


@pytest.fixture(params=["memory", "redis"])
def bench(request):
    if request.param == "memory":
        clock = FakeClock()
        made = Bench(MemoryStore(clock), clock)
        made.lender = MemoryLender(made.store)
    else:
        made = Bench(request.getfixturevalue("redis_store"), None)
        made.lender = RedisLender(made.store)
    return made


def claim(bench, lease=LEASE):
    return bench.store.claim_articles(10, lease)


def loans(claims):
    return [(one.article.id, one.fence) for one in claims]


def test_what_is_given_back_is_due_at_once_and_was_never_lent(bench):
    bench.ingest(ARMS, HARMLESS)
    for _ in range(MOST_CLAIMS + 1):
        lent = claim(bench)
        assert len(lent) == 2, "neither suspect nor set aside"
        assert bench.lender.give_back(loans(lent), is_counted=False) == 2
    assert bench.store.quarantined() == []


def test_what_is_to_wait_is_due_after_that(bench):
    bench.ingest(ARMS, HARMLESS)
    soon, late = claim(bench)
    bench.lender.give_back(loans([soon]), is_counted=False, wait=SHORT)
    bench.lender.give_back(loans([late]), is_counted=False, wait=LEASE)
    bench.let_leases_end()
    assert [one.article.id for one in claim(bench)] == [soon.article.id]


def test_a_claim_that_counts_leads_to_suspicion_and_to_quarantine(bench):
    bench.ingest(ARMS, HARMLESS)
    for _ in range(SUSPECT):
        assert bench.lender.give_back(loans(claim(bench)), is_counted=True) == 2
    assert len(claim(bench)) == 1, "a suspect is lent alone"
    bench.let_leases_end()
    for _ in range(2 * MOST_CLAIMS):
        bench.lender.give_back(loans(claim(bench)), is_counted=True)
    assert "died or ran out of time" in bench.store.quarantined()[0].reason


def test_what_was_finished_stays_finished(bench):
    bench.ingest(ARMS)
    [lent] = claim(bench)
    assert bench.store.finish_articles([Told(lent, analyse(lent.article), step_for(lent))]) == [0]
    assert bench.lender.give_back(loans([lent]), is_counted=False) == 0
    assert claim(bench) == []


def test_what_another_was_lent_meanwhile_is_not_taken_from_it(bench):
    bench.ingest(ARMS)
    late = claim(bench, SHORT)
    bench.let_leases_end()
    [newer] = claim(bench, timedelta(seconds=60))
    assert bench.lender.give_back(loans(late), is_counted=False) == 0
    assert bench.store.finish_articles([Told(newer, analyse(newer.article), step_for(newer))]) == [0]


def test_who_gave_an_article_back_can_hand_nothing_in(bench):
    bench.ingest(ARMS)
    [lent] = claim(bench)
    bench.lender.give_back(loans([lent]), is_counted=False)
    assert bench.store.finish_articles([Told(lent, analyse(lent.article), step_for(lent))]) == [-1]


def test_nothing_to_give_back_is_no_error(bench):
    assert bench.lender.give_back([], is_counted=True) == 0
