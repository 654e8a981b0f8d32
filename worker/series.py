"""The metric series that the spine and the store add to: names and labels in Prometheus's own notation."""

from bisect import bisect_left
from datetime import timedelta
from functools import lru_cache

from worker import trend
from worker.model import Alert

POLLS = "tocsin_polls_total"
POLLING_HELD = "tocsin_polling_held_seconds_total"
PAGES = "tocsin_pages_total"
WEBSUB = "tocsin_websub_total"
ARTICLES = "tocsin_articles_total"
ARTICLES_UNREAD = "tocsin_articles_unread_total"
FEED_EVENTS = "tocsin_feed_events_total"
ENTRIES_ODD = "tocsin_entries_odd_total"
ALERTS = "tocsin_alerts_total"
ALERTS_BY_TOPIC = "tocsin_alerts_by_topic_total"
ALERTS_BY_COUNTRY = "tocsin_alerts_by_country_total"
NOTHING_NEW = "tocsin_alerts_nothing_new_total"
HELD = "tocsin_alerts_held_total"
SUPPRESSED = "tocsin_alerts_suppressed_total"
NOTIFICATIONS = "tocsin_notifications_total"
WATCH_UNKNOWN = "tocsin_watch_unknown_total"
ATTEMPTS = "tocsin_webhook_attempts_total"
API_REQUESTS = "tocsin_api_requests_total"
TURNS_CUT = "tocsin_turns_cut_total"
STAGE_SECONDS = "tocsin_stage_duration_seconds"
FRESHNESS_SECONDS = "tocsin_freshness_seconds"

BUCKETS: dict[str, tuple[float, ...]] = {
    STAGE_SECONDS: (0.001, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    FRESHNESS_SECONDS: (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400),
}


SPANS = ("published_to_fetched", "published_to_alert", "fetched_to_alert", "raised_to_delivered", "fetched_to_webhook")
"""What `tocsin_freshness_seconds` measures; the last is the headline."""


def series(name: str, **labels: str) -> str:
    """`name{a="x",b="y"}` with the labels sorted; values come from closed sets or the configuration."""
    return _written(name, tuple(sorted(labels.items())))


@lru_cache(4_096)
def _written(name: str, labels: tuple[tuple[str, str], ...]) -> str:
    if not labels:
        return name
    inner = ",".join(f'{key}="{_escape(value)}"' for key, value in labels)
    return f"{name}{{{inner}}}"


def observation(name: str, value: timedelta | float, **labels: str) -> list[tuple[str, float]]:
    """The increments that one observation makes to a histogram; see `Histogram`."""
    return _histogram(name, tuple(labels.items())).observed(value)


class Histogram:
    """A histogram's series, all of them named at once.

    Buckets are stored apart, not cumulated, so that one observation touches three series whatever their number.
    """

    __slots__ = ("_bounds", "_buckets", "_count", "_sum")

    def __init__(self, name: str, **labels: str) -> None:
        self._bounds = BUCKETS[name]
        ends = (*map(str, self._bounds), "+Inf")
        self._buckets = tuple((series(name + "_bucket", **labels, le=end), 1) for end in ends)
        self._sum, self._count = series(name + "_sum", **labels), (series(name + "_count", **labels), 1)

    def observed(self, value: timedelta | float) -> list[tuple[str, float]]:
        """The increments that one observation makes: to its smallest bucket, the sum and the count."""
        amount = value.total_seconds() if isinstance(value, timedelta) else value
        return [self._buckets[bisect_left(self._bounds, amount)], (self._sum, amount), self._count]


@lru_cache(1_024)
def _histogram(name: str, labels: tuple[tuple[str, str], ...]) -> Histogram:
    return Histogram(name, **dict(labels))


def alert_counts(alert: Alert) -> list[tuple[str, float]]:
    """What a new alert counts: itself, its topics and countries, and its article's age since publication and fetch.

    A date in the future counts as age 0; an article without a date is left out of the first. The age of an article in
    which a newly listed party is found says nothing of our speed, and is left out.
    """
    counts = [(series(ALERTS, watch=alert.watch_id, severity=alert.severity.value), 1.0)]
    for name in trend.counted(alert.article, alert.analysis):
        if name.startswith(trend.TOPIC):
            counts.append((series(ALERTS_BY_TOPIC, topic=name.removeprefix(trend.TOPIC)), 1.0))
        elif name.startswith(trend.COUNTRY):
            counts.append((series(ALERTS_BY_COUNTRY, country=name.removeprefix(trend.COUNTRY)), 1.0))
    moments = {"published_to_alert": alert.article.published, "fetched_to_alert": alert.article.first_seen}
    for span, moment in moments.items():
        if moment and not alert.listing:
            counts += observation(FRESHNESS_SECONDS, max(alert.raised_at - moment, timedelta(0)), span=span)
    return counts


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
