"""What /metrics says of a real store: complete before anything happens, right after it has."""

import urllib.request

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.desk import CONFIGURATION, HOSTILE, Desk, serving
from worker.runtime.demo import compose
from worker.runtime.metrics import HELP, StoreCollector
from worker.series import BUCKETS, SPANS

pytestmark = pytest.mark.integration


@pytest.fixture
def scrape(redis_store):
    registry = CollectorRegistry()
    registry.register(StoreCollector(redis_store, lambda: CONFIGURATION))

    def scraped():
        text = generate_latest(registry).decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return scraped


def value(samples, name, **labels):
    return samples[name, frozenset(labels.items())]


def test_every_series_is_there_at_zero_before_anything_has_happened(scrape):
    samples = scrape()
    names = {name for name, _ in samples}
    for family in HELP:
        assert {family, family + "_count"} & names, family
    for span in SPANS:
        assert value(samples, "tocsin_freshness_seconds_count", span=span) == 0
    for name, labels in samples:
        if name.endswith("_total"):
            assert samples[name, labels] == 0
            assert ("watch", "terrorism") not in labels


def test_a_delivered_alert_is_counted_once_in_every_span(redis_store, scrape):
    desk = Desk(redis_store)
    desk.publish(compose(2))
    desk.publish()  # the same article again
    samples = scrape()
    for span in ("published_to_fetched", "published_to_alert", "fetched_to_alert", "fetched_to_webhook"):
        assert value(samples, "tocsin_freshness_seconds_count", span=span) == 1, span
    assert value(samples, "tocsin_alerts_total", watch="arms-transfer", severity="medium") == 1
    assert value(samples, "tocsin_articles_total", outcome="new") == 1
    assert value(samples, "tocsin_outbox_items", endpoint="night-shift") == 1
    assert value(samples, "tocsin_outbox_oldest_seconds", endpoint="night-shift") > 0
    assert value(samples, "tocsin_feeds_by_health", health="ok") == 2
    assert value(samples, "tocsin_feeds_by_health", health="failing") == 1
    assert value(samples, "tocsin_feed_staleness_seconds", quantile="1.0") >= 0
    assert value(samples, "tocsin_stage_progress_timestamp_seconds", stage="enrich") > 1.7e9
    [model] = [dict(labels)["model"] for name, labels in samples if name == "tocsin_model_info"]
    assert model


def test_buckets_are_cumulated_and_end_at_the_count(redis_store, scrape):
    Desk(redis_store).publish_demo(6)
    samples = scrape()
    for name, bounds in BUCKETS.items():
        for labels in {labels for found, labels in samples if found == name + "_count"}:
            row = sorted(
                (float(dict(place)["le"]), number)
                for (found, place), number in samples.items()
                if found == name + "_bucket" and labels <= place
            )
            assert [bound for bound, _ in row] == [*bounds, float("inf")]
            assert [number for _, number in row] == sorted(number for _, number in row)
            assert row[-1][1] == samples[name + "_count", labels]


def test_verdicts_count_by_watch_and_can_go_back(redis_store, scrape):
    desk = Desk(redis_store)
    desk.publish(compose(2))
    [alert_id] = redis_store.client.zrange("{tocsin}:alerts", 0, -1)
    for mark, true, false in (("true", 1, 0), ("false", 0, 1), ("open", 0, 0)):
        redis_store.mark_alert(alert_id, mark)
        samples = scrape()
        assert value(samples, "tocsin_watch_verdicts", watch="arms-transfer", verdict="true") == true
        assert value(samples, "tocsin_watch_verdicts", watch="arms-transfer", verdict="false") == false


def test_exemplars_name_the_article_behind_the_last_observation_of_a_bucket(redis_store):
    desk = Desk(redis_store)
    desk.publish(compose(2))
    with serving(redis_store) as base:
        request = urllib.request.Request(
            base + "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.headers["content-type"].startswith("application/openmetrics-text")
            text = answer.read().decode()
        with urllib.request.urlopen(base + "/metrics", timeout=20) as answer:
            assert "# {" not in answer.read().decode(), "the older format knows no exemplars"
    [article_id] = redis_store.client.zrange("{tocsin}:alerts", 0, 0)
    article_id = redis_store.client.hget("{tocsin}:alert:" + article_id, "article")
    found = {}
    for family in strict_openmetrics(text):  # raises where the text breaks the format
        for sample in family.samples:
            if sample.exemplar and sample.name == "tocsin_freshness_seconds_bucket":
                assert sample.exemplar.labels == {"article_id": article_id}
                assert 0 <= sample.exemplar.value <= float(sample.labels["le"])
                assert float(sample.exemplar.timestamp) > 1.7e9
                found[sample.labels["span"]] = sample.value
    assert found == dict.fromkeys(
        ("published_to_fetched", "published_to_alert", "fetched_to_alert", "raised_to_delivered", "fetched_to_webhook"),
        1,
    )


def test_news_make_no_new_series(redis_store, scrape):
    before = {key for key in scrape() if not key[0].endswith("_info")}
    desk = Desk(redis_store)
    desk.publish_demo(8)
    desk.publish(HOSTILE)
    desk.give_up()
    desk.set_aside(HOSTILE | {"guid": "another", "title": "Another"})
    assert {key for key in scrape() if not key[0].endswith("_info")} == before
