"""The gauges: read off the state itself at the moment when Prometheus asks."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from worker.deliver.breaker import Circuit
from worker.model import Configuration
from worker.ports import STAGES
from worker.precision import wilson_interval
from worker.runtime.redis_client import K, moment_of
from worker.runtime.redis_store import RedisStore
from worker.runtime.trends import read_budgets
from worker.runtime.views import endpoint_names, list_feeds
from worker.runtime.vigil import takes_deliveries

HEALTHS = ("ok", "waiting", "failing", "gone", "quarantined", "paused")
_CERTIFICATE_DAYS = (0, 3, 14)
_QUANTILES = (0.5, 0.9, 1.0)
_LOOKED_AT = 200


def gauges(store: RedisStore, configuration: Configuration) -> Iterator[Metric]:
    """Every gauge and the infos that come from the store."""
    seconds, micros = store.client.time()
    now = seconds * 1000 + micros / 1000
    yield from _queues(store.client, configuration, now)
    yield from _endpoints(store, configuration, now)
    yield from _feeds(store, configuration, now)
    yield from _verdicts(store.client, configuration)
    yield from _record(store.client)
    yield _reloads(store)
    yield _budgets(store, configuration)
    progress: dict[str, str] = store.client.hgetall(K + "progress")
    done = GaugeMetricFamily(
        "tocsin_stage_progress_timestamp_seconds",
        "When a stage last completed something; 0 for never.",
        labels=["stage"],
    )
    for stage in STAGES:
        done.add_metric([stage], int(progress.get(stage, 0)) / 1000)
    yield done
    yield InfoMetricFamily("tocsin_model", "The model of the newest analysis.", {"model": progress.get("model", "")})


def _queues(client: Any, configuration: Configuration, now: float) -> Iterator[Metric]:
    queues = {"poll": ["feeds:due"], "read": ["pages:due"], "enrich": ["articles:due"]}
    names = (endpoint.name for endpoint in configuration.endpoints)
    queues["deliver"] = [f"outbox:{name}" for name in names if takes_deliveries(client, name, round(now))]
    due = GaugeMetricFamily("tocsin_due_items", "Work that is due now.", labels=["stage"])
    oldest = GaugeMetricFamily("tocsin_due_oldest_seconds", "How long the oldest due work waits.", labels=["stage"])
    quarantine = GaugeMetricFamily("tocsin_quarantine_items", "Work set aside, by stage.", labels=["stage"])
    for stage in STAGES:
        scores: list[Any] = [client.zrange(K + key, 0, 0, withscores=True) for key in queues[stage]]
        first = min((rows[0][1] for rows in scores if rows), default=now)
        due.add_metric([stage], sum(int(client.zcount(K + key, "-inf", now)) for key in queues[stage]))
        oldest.add_metric([stage], max(now - first, 0) / 1000)
        quarantine.add_metric([stage], client.zcard(K + f"quarantine:{stage}"))
    yield from (due, oldest, quarantine, *_groups(client, now))


def _groups(client: Any, now: float) -> Iterator[Metric]:
    first: list[Any] = client.zrange(K + "groups:due", 0, 0, withscores=True)
    yield GaugeMetricFamily(
        "tocsin_alert_groups", "Groups of alerts that will send a message.", client.zcard(K + "groups:due")
    )
    yield GaugeMetricFamily(
        "tocsin_alert_groups_overdue_seconds",
        "How long ago the group that should have sent its message first should have done so.",
        max(now - first[0][1], 0) / 1000 if first else 0.0,
    )


def _endpoints(store: RedisStore, configuration: Configuration, now: float) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("tocsin_outbox_items", "Deliveries that are not ended.", labels=["endpoint"])
    age = GaugeMetricFamily(
        "tocsin_outbox_oldest_seconds",
        f"Age of the oldest of the {_LOOKED_AT} deliveries that are next in an outbox.",
        labels=["endpoint"],
    )
    dead = GaugeMetricFamily("tocsin_dead_letters", "Deliveries given up, kept until resolved.", labels=["endpoint"])
    circuits = GaugeMetricFamily(
        "tocsin_endpoint_state", "1 for the state an endpoint's circuit is in.", labels=["endpoint", "state"]
    )
    for state in store.endpoint_states(endpoint_names(store, configuration)):
        waiting.add_metric([state.name], state.waiting)
        age.add_metric([state.name], _oldest(store.client, state.name, now))
        dead.add_metric([state.name], state.dead)
        for circuit in Circuit:
            circuits.add_metric([state.name, circuit.value], float(state.circuit is circuit))
    yield from (waiting, age, dead, circuits)


def _oldest(client: Any, endpoint: str, now: float) -> float:
    pipeline = client.pipeline(transaction=False)
    for id_ in client.zrange(K + f"outbox:{endpoint}", 0, _LOOKED_AT - 1):
        pipeline.hget(K + f"delivery:{id_}", "created_at")
    created = [float(moment) for moment in pipeline.execute() if moment]
    return max(now - min(created), 0) / 1000 if created else 0.0


def _feeds(store: RedisStore, configuration: Configuration, now: float) -> Iterator[Metric]:
    rows = list_feeds(store, configuration.feeds)
    health = Counter(row["health"] for row in rows)
    by_health = GaugeMetricFamily("tocsin_feeds_by_health", "Feeds by the state they are in.", labels=["health"])
    for name in HEALTHS:
        by_health.add_metric([name], health[name])
    moment = moment_of(now)
    ages = sorted(
        max((moment - datetime.fromisoformat(row["succeeded_at"])).total_seconds(), 0)
        for row in rows
        if row["succeeded_at"]
    )
    stale = GaugeMetricFamily(
        "tocsin_feed_staleness_seconds",
        "Time since feeds were last read with success: the median, the ninth decile and the longest.",
        labels=["quantile"],
    )
    for quantile in _QUANTILES:
        stale.add_metric([str(quantile)], ages[min(int(quantile * len(ages)), len(ages) - 1)] if ages else 0.0)
    ends = [datetime.fromisoformat(row["certificate_until"]) for row in rows if row["certificate_until"]]
    ending = GaugeMetricFamily(
        "tocsin_feed_certificates_ending",
        "Feeds whose TLS certificate ends within so many days, those that have ended included.",
        labels=["days"],
    )
    for days in _CERTIFICATE_DAYS:
        ending.add_metric([str(days)], sum(end - moment <= timedelta(days=days) for end in ends))
    yield from (
        by_health,
        stale,
        ending,
        GaugeMetricFamily("tocsin_feeds", "Feeds in the schedule.", store.client.zcard(K + "feeds:due")),
    )


def _reloads(store: RedisStore) -> Metric:
    family = GaugeMetricFamily(
        "tocsin_config_last_reload_successful",
        "Whether the last load of the configuration succeeded; if not, the one before is in force.",
        labels=["process"],
    )
    for process, loaded in store.configuration_states().items():
        family.add_metric([process], float(loaded.is_ok))
    return family


def _verdicts(client: Any, configuration: Configuration) -> Iterator[Metric]:
    stored: dict[str, str] = client.hgetall(K + "verdicts")
    verdicts = GaugeMetricFamily(
        "tocsin_watch_verdicts",
        "Alerts that were judged, by watch and verdict; a verdict can be taken back.",
        labels=["watch", "verdict"],
    )
    for watch in configuration.watches:
        for verdict in ("true", "false"):
            verdicts.add_metric([watch.id, verdict], int(stored.get(f"{verdict}:{watch.id}", 0)))
    yield verdicts
    yield _precision(stored, configuration)


def _precision(stored: dict[str, str], configuration: Configuration) -> Metric:
    """No sample for a watch without a verdict: its precision is not 0, it is not known."""
    family = GaugeMetricFamily(
        "tocsin_watch_precision",
        "Share of a watch's judged alerts that were true, and the bounds of its 95 % interval (Wilson).",
        labels=["watch", "bound"],
    )
    for watch in configuration.watches:
        true, false = (int(stored.get(f"{verdict}:{watch.id}", 0)) for verdict in ("true", "false"))
        if true + false:
            low, high = wilson_interval(true, false)
            for bound, value in (("low", low), ("value", true / (true + false)), ("high", high)):
                family.add_metric([watch.id, bound], value)
    return family


def _record(client: Any) -> Iterator[Metric]:
    head: dict[str, str] = client.hgetall(K + "audit:head")
    seq = int(head.get("seq", 0))
    unsealed = max(seq - int(head.get("sealed_to", head.get("anchor_seq", 0))), 0)
    yield GaugeMetricFamily("tocsin_audit_lines", "Lines of the audit record in Redis.", client.xlen(K + "audit"))
    yield GaugeMetricFamily("tocsin_audit_unsealed_lines", "Lines of it that no seal covers yet.", unsealed)


def _budgets(store: RedisStore, configuration: Configuration) -> Metric:
    """How much of its `max_alerts_per_day` each watch that has one has used; above 1 it is louder than was meant."""
    used = GaugeMetricFamily(
        "tocsin_watch_budget_used_ratio",
        "Alerts of a watch in 24 hours, as a part of its max_alerts_per_day.",
        labels=["watch"],
    )
    for budget in read_budgets(store, configuration):
        used.add_metric([budget.watch], budget.alerts / budget.most)
    return used
