"""What stands where a count should costs neither the work that is counted nor any other count, and is told of."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from tests.contract.test_store import LEASE, Bench, step_with_kin
from tests.desk import CONFIGURATION
from tests.fakes import ARMS, HARMLESS, analyse
from worker.ports import Told
from worker.runtime import doctor
from worker.runtime.counts import broken_counts
from worker.runtime.load_gauge import RedisGauge
from worker.runtime.metrics import StoreCollector
from worker.runtime.overview import list_watches
from worker.runtime.subscription_store import RedisSubscriptionStore
from worker.runtime.trends import read_trends
from worker.series import ALERTS, ARTICLES, WEBSUB, series
from worker.trend import ARTICLES as ARTICLES_TREND

METRICS, BROKEN = "{tocsin}:metrics", "{tocsin}:counts:broken"
NEW = series(ARTICLES, outcome="new")
TEXTS = ["many", "", "1e", "nan", "inf"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_group_keeps_its_counts_where_one_held_no_number(redis_store, text):
    bench = Bench(redis_store, None)
    bench.ingest(ARMS, HARMLESS)
    redis_store.client.hset(METRICS, mapping={"tests_total": text, "other_total": 4})
    counts = [("tests_total", 1.5), ("other_total", 1.0), ("third_total", 1.0)]
    claims = bench.store.claim_articles(10, LEASE)
    group = [Told(c, analyse(c.article), step_with_kin(bench, c), counts=counts) for c in claims]
    assert redis_store.finish_articles(group) == [0, 0]
    counted = redis_store.client.hmget(METRICS, ["tests_total", "other_total", "third_total"])
    assert list(map(float, counted)) == [3.0, 6.0, 2.0]
    assert redis_store.client.hgetall(BROKEN) == {"metrics tests_total": text}
    assert redis_store.client.pttl(BROKEN) > 0


def test_a_trend_that_held_no_number_begins_anew(redis_store):
    bench = Bench(redis_store, None)
    bench.ingest(ARMS)
    hour = redis_store.client.time()[0] // 3600
    for one in (hour, hour + 1):  # the next may begin meanwhile
        redis_store.client.hset(f"{{tocsin}}:trend:{one}", ARTICLES_TREND, "x" * 1000)
    [claim] = bench.store.claim_articles(10, LEASE)
    told = Told(claim, analyse(claim.article), step_with_kin(bench, claim), counts=[("tests_total", 1.0)])
    assert redis_store.finish_articles([told]) == [0]
    assert sum(read_trends(redis_store, 2).of(ARTICLES_TREND)) == 1
    assert redis_store.client.hget(METRICS, "tests_total") == "1"
    assert set(redis_store.client.hvals(BROKEN)) == {"x" * 100}


def test_what_counts_alone_goes_on_too(redis_store):
    stopped = series(WEBSUB, event="refused")
    redis_store.client.hset(METRICS, mapping={"tests_total": "many", stopped: "many"})
    redis_store.count([("tests_total", 2.0), ("other_total", 1.0)])
    RedisSubscriptionStore(redis_store).count("refused")
    assert redis_store.client.hmget(METRICS, ["tests_total", "other_total", stopped]) == ["2", "1", "1"]


def test_the_load_is_read_though_a_count_is_no_number(redis_store):
    redis_store.client.hset("{tocsin}:progress", "taken_up", "many")
    assert RedisGauge(redis_store.client).read().taken_up == 0
    bench = Bench(redis_store, None)
    bench.ingest(ARMS, HARMLESS)
    assert len(redis_store.claim_articles(10, LEASE)) == 2
    assert RedisGauge(redis_store.client).read().taken_up == 2


def test_a_server_that_refuses_to_count_is_no_broken_count(redis_store):
    redis_store.client.set(METRICS, "no hash")
    with pytest.raises(Exception, match="WRONGTYPE"):
        redis_store.count([("tests_total", 1.0)])
    assert not redis_store.client.exists(BROKEN)


def test_what_is_no_number_is_left_out_of_metrics_and_pages_and_told_by_doctor(redis_store, monkeypatch):
    redis_store.client.hset(METRICS, mapping={NEW: "many", series(ALERTS, watch="arms-transfer", severity="high"): "?"})
    redis_store.client.hset(BROKEN, "metrics other_total", "some")
    registry = CollectorRegistry()
    registry.register(StoreCollector(redis_store, lambda: CONFIGURATION))
    assert f"{NEW} 0.0" in generate_latest(registry).decode()
    assert {row["alerts"] for row in list_watches(redis_store, CONFIGURATION)} == {0}
    assert set(broken_counts(redis_store.client).values()) == {"many", "?", "some"}
    monkeypatch.setattr(doctor, "open_store", lambda: redis_store)
    [finding] = doctor._counts()
    assert (finding["name"], finding["status"]) == ("counts", "warning")
    assert f"metrics {NEW} held “many”" in finding["message"]


def test_nothing_is_told_of_counts_that_are_numbers(redis_store, monkeypatch):
    redis_store.count([("tests_total", 1.5)])
    monkeypatch.setattr(doctor, "open_store", lambda: redis_store)
    assert list(doctor._counts()) == []
