"""What the store holds, as plain rows for the page, the API and the command line."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from worker.model import Configuration, FeedState
from worker.runtime.redis_store import STATE, K, RedisStore, translated


def list_alerts(store: RedisStore, limit: int) -> list[dict[str, Any]]:
    """The newest alerts first: the webhook's `data` with `raised_at`, `is_shadow` and the state of each delivery."""
    with translated():
        ids: Any = store.client.zrange(K + "alerts", 0, limit - 1, desc=True)
        return [row for alert_id in ids if (row := _alert_row(store, alert_id))]


def show_alert(store: RedisStore, alert_id: str) -> dict[str, Any] | None:
    """One alert with its article's text cut at evidence (`pieces`), and every attempt at its deliveries."""
    with translated():
        row = _alert_row(store, alert_id)
        if row is None:
            return None
        record: Any = store.client.hget(K + f"article:{row['article']['id']}", "record")
        text = json.loads(record)["text"] if record else ""
        attempts = {
            delivery["id"]: [
                json.loads(a) for a in store.client.lrange(K + f"delivery:{delivery['id']}:attempts", 0, -1)
            ]
            for delivery in row["deliveries"]
        }
    spans = [(piece["start"], piece["end"]) for piece in row["evidence"]]
    return {"alert": row, "pieces": cut_at(text, spans), "attempts": attempts}


def is_alert(store: RedisStore, alert_id: str) -> bool:
    """Whether there is such an alert."""
    with translated():
        return bool(store.client.exists(K + f"alert:{alert_id}"))


def list_endpoints(store: RedisStore, configuration: Configuration) -> list[dict[str, Any]]:
    """Every configured endpoint with its circuit and queues; no address, since addresses can be secrets."""
    states = store.endpoint_states([endpoint.name for endpoint in configuration.endpoints])
    return [
        {
            "name": state.name,
            "state": state.circuit.value,
            "waiting": state.waiting,
            "dead": state.dead,
            "succeeded_at": state.succeeded_at.isoformat(timespec="seconds") if state.succeeded_at else None,
            "failed_at": state.failed_at.isoformat(timespec="seconds") if state.failed_at else None,
            "reason": state.reason,
        }
        for state in states
    ]


def list_feeds(store: RedisStore, configuration: Configuration) -> list[dict[str, Any]]:
    """Every configured feed with what its polls have taught, and when it is due (ISO 8601, UTC)."""
    with translated():
        pipeline = store.client.pipeline(transaction=False)
        for feed in configuration.feeds:
            pipeline.hget(K + f"feed:{feed.id}", "state")
            pipeline.zscore(K + "feeds:due", feed.id)
            pipeline.zscore(K + "quarantine:poll", feed.id)
        answers = pipeline.execute()
    rows = []
    for i, feed in enumerate(configuration.feeds):
        raw, due, quarantined = answers[3 * i : 3 * i + 3]
        state = STATE.validate_json(raw) if raw else FeedState()
        described = STATE.dump_python(state, mode="json")
        rows.append(
            {"id": feed.id, "name": feed.name, "url": feed.url, "tags": list(feed.tags), "due": iso_ms(due),
             "health": _health(state, is_quarantined=quarantined is not None), **described}
        )  # fmt: skip
    return rows


def cut_at(text: str, spans: list[tuple[int, int]]) -> list[tuple[str, bool]]:
    """`text` as pieces in order, each with whether it lies inside one of the spans (which may overlap)."""
    merged: list[list[int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    pieces, last = [], 0
    for start, end in merged:
        pieces += [(text[last:start], False), (text[start:end], True)]
        last = end
    return [piece for piece in (*pieces, (text[last:], False)) if piece[0]]


def iso_ms(ms: float | str | None) -> str | None:
    """Milliseconds since 1970 as ISO 8601 in UTC."""
    return None if ms is None else datetime.fromtimestamp(float(ms) / 1000, UTC).isoformat(timespec="seconds")


def _alert_row(store: RedisStore, alert_id: str) -> dict[str, Any] | None:
    fields: Mapping[str, str] = store.client.hgetall(K + f"alert:{alert_id}")
    if not fields:
        return None
    deliveries: Any = store.client.lrange(K + f"alert:{alert_id}:deliveries", 0, -1)
    states = [(id_, store.client.hmget(K + f"delivery:{id_}", ["endpoint", "state", "attempts"])) for id_ in deliveries]
    return {
        **json.loads(fields["record"])["data"],
        "raised_at": iso_ms(fields["raised_at"]),
        "is_shadow": fields["is_shadow"] == "1",
        "deliveries": [
            {"id": id_, "endpoint": row[0], "state": row[1], "attempts": int(row[2] or 0)} for id_, row in states
        ],
    }


def _health(state: FeedState, *, is_quarantined: bool) -> str:
    if is_quarantined:
        return "quarantined"
    if state.is_gone:
        return "gone"
    if state.failures:
        return "failing"
    return "ok" if state.succeeded_at else "waiting"
