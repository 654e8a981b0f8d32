"""Watches and endpoints as rows, and the few numbers at the top of every page."""

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from worker import trend
from worker.model import Configuration, Watch
from worker.ports import STAGES
from worker.precision import wilson_interval
from worker.runtime.counts import numbers
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore
from worker.runtime.test_results import TestRun, read_results
from worker.runtime.trends import read_trends
from worker.runtime.views import endpoint_names, iso_ms, list_endpoints, list_feeds
from worker.series import ALERTS

_SHOWN_DEAD = 20


def list_watches(store: RedisStore, configuration: Configuration) -> list[dict[str, Any]]:
    """Every watch with its alerts since counting began, its verdicts, its tests as they were last run, and `precision`.

    `precision` is None before the first verdict, `precision_interval` that of 95 %. `tests` has the `number` of tests in
    the configuration; once they were run, how many `failed` and the first `failures`; `is_old` says that the
    configuration has changed since.
    """
    run = read_results(store)
    with translated():
        counted = numbers(store.client.hgetall(K + "metrics"))
        verdicts: dict[str, str] = store.client.hgetall(K + "verdicts")
    hits: Counter[str] = Counter()
    for name, number in counted.items():
        if name.startswith(ALERTS + "{"):
            hits[name.rpartition('watch="')[2].removesuffix('"}')] += int(number)
    return [
        {
            "id": watch.id,
            "title": watch.title,
            "severity": watch.severity.value,
            "labels": dict(watch.labels),
            "is_shadow": watch.is_shadow,
            "alerts": hits[watch.id],
            "tests": _tests(watch, run, configuration.hash),
            **_judged(verdicts, watch.id),
        }
        for watch in configuration.watches
    ]


def describe_endpoints(store: RedisStore, configuration: Configuration) -> list[dict[str, Any]]:
    """Every endpoint as `list_endpoints` shows it, with when it is tried next and its newest dead letters."""
    return [row | _queue(store, row["name"]) for row in list_endpoints(store, configuration)]


def pulse(store: RedisStore, configuration: Configuration) -> dict[str, Any]:
    """Whether all is well, in a handful of numbers."""
    trends = read_trends(store, 24)
    with translated():
        client = store.client
        waiting = int(client.zcard(K + "articles:due"))
        names = endpoint_names(store, configuration)
        outbox = sum(int(client.zcard(K + f"outbox:{name}")) for name in names)
        dead = sum(int(client.zcard(K + f"dead:{name}")) for name in names)
        aside = sum(int(client.zcard(K + f"quarantine:{stage}")) for stage in STAGES)
    health = Counter(feed["health"] for feed in list_feeds(store, configuration.feeds))
    return {
        "articles": sum(trends.of(trend.ARTICLES)),
        "alerts": sum(trends.of(trend.ALERTS)),
        "feeds": sum(health.values()),
        "unwell": sum(number for name, number in health.items() if name not in ("ok", "waiting")),
        "waiting": waiting,
        "outbox": outbox,
        "dead": dead,
        "aside": aside,
    }


def _judged(verdicts: dict[str, str], watch_id: str) -> dict[str, Any]:
    true, false = (int(verdicts.get(f"{verdict}:{watch_id}", 0)) for verdict in ("true", "false"))
    judged = true + false
    low, high = wilson_interval(true, false)
    return {
        "true": true,
        "false": false,
        "precision": true / judged if judged else None,
        "precision_interval": [round(low, 3), round(high, 3)] if judged else None,
    }


def _tests(watch: Watch, run: TestRun | None, config_hash: str) -> dict[str, Any]:
    result = run.watches.get(watch.id) if run else None
    ran = {} if run is None or result is None else {
        "ran": result.number,
        "failed": result.failed,
        "failures": [asdict(failure) for failure in result.failures],
        "at": run.at.isoformat(),
        "is_old": run.hash != config_hash,
    }  # fmt: skip
    return {"number": len(watch.tests), **ran}


def _queue(store: RedisStore, name: str) -> dict[str, Any]:
    with translated():
        client = store.client
        first: Any = client.zrange(K + f"outbox:{name}", 0, 0, withscores=True)
        dead: Any = client.zrange(K + f"dead:{name}", 0, _SHOWN_DEAD - 1, desc=True, withscores=True)
        return {
            "next_due": iso_ms(first[0][1]) if first else None,
            "dead_letters": [_dead_letter(client, id_, at) for id_, at in dead],
        }


def _dead_letter(client: Any, id_: str, at: float) -> dict[str, Any]:
    alert, attempts = client.hmget(K + f"delivery:{id_}", ["alert", "attempts"])
    record = client.hget(K + f"alert:{alert}", "record")
    title = json.loads(record)["data"]["article"]["title"] if record else ""
    last: Any = client.lindex(K + f"delivery:{id_}:attempts", -1)
    reason = json.loads(last)["reason"] if last else ""
    return {
        "id": id_,
        "alert": alert,
        "title": title,
        "attempts": int(attempts or 0),
        "reason": reason,
        "died_at": iso_ms(at),
    }
