"""Every metric Tocsin exports, in one place, read from the store by whichever process is asked.

Counters live in Redis, where the script that changes the state adds to them: they are right across processes, crashes
and restarts. Gauges are read off the state itself when Prometheus asks.
"""

import platform
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import get_args

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from worker import __version__
from worker.coverage import WATCH_ID
from worker.deliver.breaker import Circuit
from worker.model import TOPICS, Collecting, Configuration, PageOutcome, PollFailure, Severity
from worker.notifier import KINDS
from worker.ports import STAGES
from worker.runtime.counts import numbers
from worker.runtime.gauges import gauges
from worker.runtime.redis_client import K
from worker.runtime.redis_store import RedisStore
from worker.series import (
    ALERTS,
    ALERTS_BY_COUNTRY,
    ALERTS_BY_TOPIC,
    API_REQUESTS,
    ARTICLES,
    ARTICLES_UNREAD,
    ATTEMPTS,
    BUCKETS,
    ENTRIES_ODD,
    FEED_EVENTS,
    FRESHNESS_SECONDS,
    HELD,
    NOTHING_NEW,
    NOTIFICATIONS,
    PAGES,
    POLLING_HELD,
    POLLS,
    SPANS,
    STAGE_SECONDS,
    SUPPRESSED,
    TURNS_CUT,
    WATCH_UNKNOWN,
    WEBSUB,
    series,
)
from worker.subscriber import EVENTS

HELP = {
    POLLS: "Polls of feeds by outcome; every reason of failure is an outcome.",
    POLLING_HELD: "Seconds for which due feeds were not asked because articles waited to be looked at.",
    WEBSUB: "What happened with hubs: requests, verifications, documents pushed, and what was refused.",
    PAGES: "Looks at the pages that summaries link to, by what they came to.",
    ARTICLES: "Entries that polls brought, each counted once, by what became of it.",
    ARTICLES_UNREAD: "Articles that the model did not read: not its language, or in part, being too long.",
    FEED_EVENTS: "What happened to feeds as wholes: moved, gone, recovered, re-keyed.",
    ENTRIES_ODD: "Oddities that were repaired or tolerated while reading feeds.",
    ALERTS: "Alerts raised by watch and severity.",
    ALERTS_BY_TOPIC: "Alerts by topic of their articles; one with several topics counts under each.",
    ALERTS_BY_COUNTRY: "Alerts by country that their articles name (ISO 3166-1); one with several counts under each.",
    "tocsin_alerts_repeated_total": "Alerts raised again under the id they already had, hence not sent again.",
    NOTHING_NEW: "Matches of articles that told their watch nothing new about a story it was told of.",
    HELD: "Alerts that were not told at once, by endpoint and what collects them.",
    SUPPRESSED: "Alerts that are never told: silenced, or deleted from the store while they waited.",
    NOTIFICATIONS: "Messages that groups sent, by endpoint and kind; a group of one sends the alert itself.",
    WATCH_UNKNOWN: "Watches that could not be decided for lack of a model of the article's language.",
    ATTEMPTS: "Webhook attempts by endpoint and outcome.",
    "tocsin_circuit_changes_total": "Changes of an endpoint's circuit breaker by the state it went to.",
    "tocsin_replayed_total": "Deliveries that an operator queued again.",
    "tocsin_deliveries_dropped_total": "Deliveries that an operator gave up, of endpoints that were removed.",
    "tocsin_stale_completions_total": "Work handed in after its lease had passed to another worker; discarded.",
    "tocsin_quarantined_total": "Work set aside after being claimed five times without completion.",
    TURNS_CUT: "Turns of workers that were ended because they took longer than a minute; what they left is done later.",
    "tocsin_screenings_total": "Screenings of stored articles that were begun because a list had grown.",
    "tocsin_newly_listed_alerts_total": "Alerts of newly listed parties in articles that were already there.",
    "tocsin_screened_articles_total": "Stored articles that were screened again.",
    API_REQUESTS: "Requests to the API by what came of them.",
    STAGE_SECONDS: "Time that one item took in a stage.",
    FRESHNESS_SECONDS: "Time that passed between the two moments that span names.",
}
_POLL_FAILURES = tuple(reason.value for reason in PollFailure if reason is not PollFailure.ROBOTS)
_POLL_OUTCOMES = ("fetched", "not_modified", "postponed", "pushed", *_POLL_FAILURES)
ARTICLE_OUTCOMES = ("new", "revised", "known", "baseline", "stale", "rekeyed", "revision_over_limit")
_FEED_EVENTS = ("feed_moved", "feed_gone", "feed_recovered", "feed_rekeyed", "feed_blind", "feed_seen_again")
_ODDITIES = ("cut", "repaired", "odd_date", "nameless")
_ATTEMPT_OUTCOMES = ("delivered", "retried", "dead", "gone")
_CIRCUIT_CHANGES = (Circuit.CLOSED, Circuit.OPEN, Circuit.PAUSED)
API_OUTCOMES = ("done", "unknown", "forbidden", "limited", "refused", "failed")
_TIMED = ("fetch", "parse", "read", "enrich", "match", "deliver")
_SERIES = re.compile(r"^(\w+)(?:\{(.*)\})?$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class StoreCollector:
    """A prometheus_client collector over the store."""

    def __init__(self, store: RedisStore, configuration: Callable[[], Configuration]) -> None:
        self._store, self._newest = store, configuration

    @property
    def _configuration(self) -> Configuration:
        return self._newest()

    def collect(self) -> Iterator[Metric]:
        """Every family, with every label value it can have."""
        counted = numbers(self._store.client.hgetall(K + "metrics"))
        amounts = dict.fromkeys(zero_series(self._configuration), 0.0) | counted
        families: dict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)
        for name, amount in amounts.items():
            if parsed := _SERIES.match(name):
                families[parsed[1]].append((dict(_LABEL.findall(parsed[2] or "")), amount))
        yield from _counters(families)
        yield from _histograms(families, self._store.client.hgetall(K + "exemplars"))
        yield from gauges(self._store, self._configuration)
        yield InfoMetricFamily(
            "tocsin_build", "The running version.", {"version": __version__, "python": platform.python_version()}
        )
        yield InfoMetricFamily("tocsin_configuration", "What is configured.", {"hash": self._configuration.hash})


def zero_series(configuration: Configuration) -> Iterator[str]:
    """Every counter that exists before anything has happened."""
    yield from (series(POLLS, outcome=outcome) for outcome in _POLL_OUTCOMES)
    yield from (series(WEBSUB, event=event) for event in EVENTS)
    yield from (series(PAGES, outcome=outcome.value) for outcome in PageOutcome)
    yield from (series(ARTICLES, outcome=outcome) for outcome in ARTICLE_OUTCOMES)
    yield from (series(ARTICLES_UNREAD, reason=reason) for reason in ("language", "truncated"))
    yield from (series(FEED_EVENTS, event=event) for event in _FEED_EVENTS)
    yield from (series(ENTRIES_ODD, reason=reason) for reason in _ODDITIES)
    for watch in configuration.watches:
        yield from (series(ALERTS, watch=watch.id, severity=severity.value) for severity in Severity)
    yield series(ALERTS, watch=WATCH_ID, severity=Severity.MEDIUM.value)
    topics = (*TOPICS, *(topic.name for topic in configuration.topics))
    yield from (series(ALERTS_BY_TOPIC, topic=topic) for topic in topics)
    yield from (series(ALERTS_BY_COUNTRY, country=code) for code in _countries())
    for endpoint in configuration.endpoints:
        yield from (series(ATTEMPTS, endpoint=endpoint.name, outcome=outcome) for outcome in _ATTEMPT_OUTCOMES)
        yield from (
            series("tocsin_circuit_changes_total", endpoint=endpoint.name, to=circuit.value)
            for circuit in _CIRCUIT_CHANGES
        )
        yield series("tocsin_replayed_total", endpoint=endpoint.name)
        yield series("tocsin_deliveries_dropped_total", endpoint=endpoint.name)
        yield from (series(HELD, endpoint=endpoint.name, reason=reason) for reason in get_args(Collecting))
        yield from (series(NOTIFICATIONS, endpoint=endpoint.name, kind=kind) for kind in KINDS)
    yield from (series(SUPPRESSED, reason=reason) for reason in ("silence", "gone"))
    yield series("tocsin_stale_completions_total", stage="notify")
    for stage in STAGES:
        yield series("tocsin_stale_completions_total", stage=stage)
        yield series("tocsin_quarantined_total", stage=stage)
        yield series(TURNS_CUT, stage=stage)
    yield "tocsin_alerts_repeated_total"
    yield "tocsin_screenings_total"
    yield "tocsin_screened_articles_total"
    yield "tocsin_newly_listed_alerts_total"
    yield from (series(API_REQUESTS, outcome=outcome) for outcome in API_OUTCOMES)
    yield NOTHING_NEW
    yield POLLING_HELD
    yield from (series(STAGE_SECONDS + "_sum", stage=stage) for stage in _TIMED)
    yield from (series(FRESHNESS_SECONDS + "_sum", span=span) for span in SPANS)
    yield WATCH_UNKNOWN


@cache
def _countries() -> tuple[str, ...]:
    """The two-letter codes of CLDR's territories."""
    from babel import Locale

    return tuple(sorted(code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code)))


def _counters(families: dict[str, list[tuple[dict[str, str], float]]]) -> Iterator[Metric]:
    for name, samples in sorted(families.items()):
        if name.endswith("_total") and name in HELP:
            labels = sorted({label for found, _ in samples for label in found})
            family = CounterMetricFamily(name.removesuffix("_total"), HELP[name], labels=labels)
            for found, amount in samples:
                family.add_metric([found.get(label, "") for label in labels], amount)
            yield family


def _histograms(
    families: dict[str, list[tuple[dict[str, str], float]]], exemplars: Mapping[str, str]
) -> Iterator[Metric]:
    for name, bounds in BUCKETS.items():
        sums = families.get(name + "_sum", [])
        labels = sorted({label for found, _ in sums for label in found})
        family = HistogramMetricFamily(name, HELP[name], labels=labels)
        for found, total in sums:
            own = {
                place["le"]: amount
                for place, amount in families.get(name + "_bucket", [])
                if {key: value for key, value in place.items() if key != "le"} == found
            }
            running = 0.0
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            for bound in (*map(str, bounds), "+Inf"):
                running += own.get(bound, 0.0)
                exemplar = _exemplar(exemplars.get(series(name + "_bucket", **found, le=bound)))
                buckets.append((_le(bound), running, exemplar) if exemplar else (_le(bound), running))
            family.add_metric([found[label] for label in labels], buckets, total)
        yield family


def _le(bound: str) -> str:
    """A bucket's bound as OpenMetrics writes it: `1.0`, `+Inf`."""
    return str(floatToGoString(bound))  # type: ignore[no-untyped-call]


def _exemplar(stored: str | None) -> Exemplar | None:
    """The last observation that fell into a bucket; its article's id leads to `/api` and to the page's search."""
    if stored is None:
        return None
    article, amount, at_ms = stored.split(" ")
    return Exemplar({"article_id": article}, float(amount), float(at_ms) / 1000)
