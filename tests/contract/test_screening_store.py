"""What the state of a screening promises, in memory and in Redis."""

from datetime import UTC, datetime, timedelta

import pytest
from redis.exceptions import ResponseError

from tests.fakes import NOW, FakeClock, analyse, article
from tests.memory_screening import MemoryScreeningStore
from worker.model import Alert, Finding, Severity
from worker.runtime.screening_store import RedisScreeningStore, pack, unpack
from worker.screener import Handover
from worker.screening import Found

LEASE = timedelta(seconds=60)
FOUND = Found("w", "sdn", 'PETROVICH, Ivan | "q" ü', "s", "art_1", 1_700_000_000_000)
ADDED = {"sdn": frozenset({1, 2**64 - 1})}


@pytest.fixture(params=["memory", "redis"])
def store(request):
    if request.param == "memory":
        return MemoryScreeningStore(FakeClock(datetime.now(UTC)))
    return RedisScreeningStore(request.getfixturevalue("redis_store"))


def begun(store, added=ADDED):
    assert store.begin("", "d1", ADDED, added)
    return store.claim(LEASE)


def test_lists_are_noted_and_only_whoever_read_the_newest_note_may_change_it(store):
    assert store.known() == {}
    assert store.begin("", "d1", ADDED, {})
    assert not store.begin("", "d2", {}, ADDED)
    assert store.known() == ADDED
    assert store.begin("d1", "d2", {"other": frozenset({3})}, {})
    assert store.known() == {**ADDED, "other": frozenset({3})}, "a list that is away for a while is not forgotten"
    assert store.progress().digest == "d2"
    assert store.claim(LEASE) is None, "nothing was added"


def test_a_screening_is_lent_to_one_worker_and_no_second_begins(store):
    claim = begun(store)
    assert (claim.phase, claim.cursor, claim.added) == ("scan", 0, ADDED)
    assert store.claim(LEASE) is None
    assert not store.begin("d1", "d2", {}, ADDED)


def test_what_is_handed_in_is_kept_and_the_next_goes_on_from_there(store):
    claim = begun(store)
    assert store.advance(claim, Handover("scan", 17, 500, [FOUND], LEASE))
    assert store.advance(claim, Handover("scan", 23, 400, [FOUND]))
    progress = store.progress()
    assert (progress.phase, progress.looked, progress.found) == ("scan", 900, 1)
    assert store.found() == [FOUND]
    again = store.claim(LEASE)
    assert again.cursor == 23
    assert not store.advance(claim, Handover("raise", 0)), "the old claim is outdated"


def newly_listed():
    one = article("Report", "Ivan Petrovich opened a firm.", first_seen=NOW)
    return Alert(
        "alrt_x", "w", "t", Severity.LOW, (), "s", 0, one, analyse(one), Finding("entity", "x", "true"), NOW, "h"
    )


def test_an_alert_that_failed_on_its_way_is_not_passed_over(redis_store):
    store = RedisScreeningStore(redis_store)
    claim, raised = begun(store), newly_listed()
    redis_store.client.set("{tocsin}:alerts", "meddled with")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        store.raise_alert(claim, 1, raised, ())
    redis_store.client.delete("{tocsin}:alerts")
    assert not int(redis_store.client.hget("{tocsin}:screening", "cursor") or 0)
    assert store.raise_alert(claim, 1, raised, ()) == 1


def test_an_alert_is_raised_once_and_only_under_the_newest_claim(store):
    claim, raised = begun(store), newly_listed()
    assert [store.raise_alert(claim, n, raised, ()) for n in (1, 2)] == [1, 0]
    assert store.advance(claim, Handover("raise", 2))
    assert store.raise_alert(claim, 3, raised, ()) == -1
    assert store.progress().raised == 1
    assert store.claim(LEASE).cursor == 2


def test_a_screening_ends_and_the_next_can_begin(store):
    claim = begun(store)
    store.advance(claim, Handover("raise", 0, 0, [FOUND], LEASE))
    assert store.advance(claim, Handover("", 0))
    assert store.progress().finished_at is not None
    assert store.found() == []
    assert store.claim(LEASE) is None
    assert store.begin("d1", "d2", {}, ADDED)


def test_marks_survive_packing():
    marks = frozenset({0, 1, 2**63, 2**64 - 1})
    assert unpack(pack(marks)) == marks


def test_a_position_of_another_server_process_is_begun_anew(redis_store, monkeypatch):
    store = RedisScreeningStore(redis_store)
    claim = begun(store)
    store.advance(claim, Handover("scan", 99, 500))
    monkeypatch.setattr(redis_store, "epoch", lambda: "another")
    assert store.claim(LEASE).cursor == 0
    assert store.progress().looked == 0
