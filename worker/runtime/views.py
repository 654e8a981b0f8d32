"""What the store holds, as plain rows for the page, the API and the command line."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from worker.model import Configuration, Feed, FeedState
from worker.runtime import highlight
from worker.runtime.alert_filter import AlertFilter
from worker.runtime.feed_record import FIELDS, restore_state
from worker.runtime.http import short_url
from worker.runtime.records import ATTEMPT, STATE
from worker.runtime.redis_client import K, moment_of, translated
from worker.runtime.redis_store import RedisStore

_CHUNK, _MOST_READ = 200, 4_000
"""A filter reads at most the newest 4,000 alerts, 200 at a time."""


def list_alerts(
    store: RedisStore, limit: int, wanted: AlertFilter | None = None, before_ms: int | None = None
) -> list[dict[str, Any]]:
    """The newest alerts first: the webhook's `data` with `raised_at`, `is_shadow`, verdict and state of each delivery.

    With `before_ms` only those raised before that moment; `raised_ms` of the last row continues the list.
    """
    wanted = wanted or AlertFilter()
    found: list[dict[str, Any]] = []
    newest = f"({before_ms}" if before_ms else "+inf"
    for offset in range(0, _MOST_READ, _CHUNK):
        with translated():
            ids: Any = store.client.zrange(
                K + "alerts", newest, "-inf", desc=True, byscore=True, offset=offset, num=_CHUNK
            )
        found += [row for row in read_alerts(store, ids) if wanted.matches(row)]
        if len(found) >= limit or len(ids) < _CHUNK:
            break
    return found[:limit]


def read_alerts(store: RedisStore, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of these alerts, in order; what is gone is left out."""
    client = store.client
    with translated():
        pipeline = client.pipeline(transaction=False)
        for alert_id in ids:
            pipeline.hgetall(K + f"alert:{alert_id}")
            pipeline.lrange(K + f"alert:{alert_id}:deliveries", 0, -1)
            pipeline.scard(K + f"alert:{alert_id}:groups")
        answers: list[Any] = pipeline.execute() if ids else []
        found = [answers[i : i + 3] for i in range(0, len(answers), 3)]
        for _, deliveries, _ in found:
            for id_ in deliveries:
                pipeline.hmget(K + f"delivery:{id_}", ["endpoint", "state", "attempts"])
        states: Iterator[Any] = iter(pipeline.execute() if any(row[1] for row in found) else [])
    return [
        _alert_row(fields, [(id_, next(states)) for id_ in deliveries], waits)
        for fields, deliveries, waits in found
        if fields
    ]


def show_alert(store: RedisStore, alert_id: str) -> dict[str, Any] | None:
    """One alert with its article's text cut into `pieces`, and every attempt at its deliveries.

    `is_edited` says that the article's text has changed since: its evidence is then shown as it was quoted only.
    """
    rows = read_alerts(store, [alert_id])
    if not rows:
        return None
    [row] = rows
    with translated():
        record, analysis = store.client.hmget(K + f"article:{row['article']['id']}", ["record", "analysis"])
        attempts = {delivery["id"]: _attempts(store.client, delivery["id"]) for delivery in row["deliveries"]}
        for delivery in row["deliveries"]:
            delivery["due"] = iso_ms(store.client.zscore(K + f"outbox:{delivery['endpoint']}", delivery["id"]))
    pieces, is_edited = _pieces(row, json.loads(record or "{}"), json.loads(analysis or "{}"))
    return {"alert": row, "pieces": pieces, "is_edited": is_edited, "attempts": attempts}


def _attempts(client: Any, delivery_id: str) -> list[dict[str, Any]]:
    found = [ATTEMPT.validate_json(raw) for raw in client.lrange(K + f"delivery:{delivery_id}:attempts", 0, -1)]
    return [
        {"status": a.status, "reason": a.reason, "milliseconds": round(a.duration.total_seconds() * 1000)}
        for a in found
    ]


def is_alert(store: RedisStore, alert_id: str) -> bool:
    """Whether there is such an alert."""
    with translated():
        return bool(store.client.exists(K + f"alert:{alert_id}"))


def endpoint_names(store: RedisStore, configuration: Configuration) -> list[str]:
    """The configured endpoints, and then those that are no more but for which something waits or is dead."""
    names = [endpoint.name for endpoint in configuration.endpoints]
    states = store.endpoint_states([name for name in store.known_endpoints() if name not in names])
    return names + [state.name for state in states if state.waiting or state.dead]


def list_endpoints(store: RedisStore, configuration: Configuration) -> list[dict[str, Any]]:
    """Every endpoint with its circuit and queues; no address, since addresses can be secrets.

    `is_configured` is false where an endpoint was removed or renamed and left something behind: nobody sends that.
    """
    configured = {endpoint.name for endpoint in configuration.endpoints}
    now = datetime.now(UTC)
    return [
        {
            "name": state.name,
            "state": state.circuit.value,
            "is_configured": state.name in configured,
            "waiting": state.waiting,
            "dead": state.dead,
            "held_until": _iso(state.held_until) if state.held_until and state.held_until > now else None,
            "succeeded_at": _iso(state.succeeded_at),
            "failed_at": _iso(state.failed_at),
            "reason": state.reason,
        }
        for state in store.endpoint_states(endpoint_names(store, configuration))
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def list_feeds(store: RedisStore, feeds: Sequence[Feed]) -> list[dict[str, Any]]:
    """Every configured feed with what its polls have taught, and when it is due (ISO 8601, UTC)."""
    with translated():
        pipeline = store.client.pipeline(transaction=False)
        for feed in feeds:
            pipeline.hmget(K + f"feed:{feed.id}", FIELDS)
            pipeline.zscore(K + "feeds:due", feed.id)
            pipeline.zscore(K + "quarantine:poll", feed.id)
            pipeline.sismember(K + "feeds:paused", feed.id)
        answers = pipeline.execute()
    rows = []
    for i, feed in enumerate(feeds):
        kept, due, quarantined, is_paused = answers[4 * i : 4 * i + 4]
        state = restore_state(*kept)
        described = STATE.dump_python(state, mode="json", exclude={"marks", "arrivals"})
        health = _health(state, is_quarantined=quarantined is not None, is_paused=bool(is_paused))
        newest = max(state.arrivals, default=None)
        rows.append(
            {"id": feed.id, "name": feed.name, "url": short_url(feed.url), "tags": list(feed.tags), "due": iso_ms(due),
             "health": health, "newest": newest.isoformat() if newest else None, **described,
             "address": short_url(state.address) if state.address else ""}
        )  # fmt: skip
    return rows


def list_refusals(store: RedisStore) -> list[str]:
    """Why processes kept their last good configuration, each reason once."""
    states = store.configuration_states().values()
    return list(dict.fromkeys(state.reason for state in states if not state.is_ok))


def iso_ms(ms: float | str | None) -> str | None:
    """Milliseconds since 1970 as ISO 8601 in UTC."""
    return None if ms is None else moment_of(ms).isoformat(timespec="seconds")


def _alert_row(fields: Mapping[str, str], deliveries: Sequence[tuple[str, Any]], waits: int) -> dict[str, Any]:
    """`waits` is the number of groups in which it waits to be told with others; `silence` the one that keeps it back."""
    return {
        **json.loads(fields["record"])["data"],
        "raised_at": iso_ms(fields["raised_at"]),
        "raised_ms": int(float(fields["raised_at"])),
        "is_shadow": fields["is_shadow"] == "1",
        "verdict": fields.get("verdict"),
        "acknowledged_at": iso_ms(fields.get("acknowledged_at")),
        "silence": fields.get("silence"),
        "waits": waits,
        "deliveries": [
            {"id": id_, "endpoint": row[0], "state": row[1], "attempts": int(row[2] or 0)} for id_, row in deliveries
        ],
    }


def _pieces(
    row: Mapping[str, Any], article: Mapping[str, Any], analysis: Mapping[str, Any]
) -> tuple[list[highlight.Piece], bool]:
    text = article.get("text", "")
    quoted = [(piece["start"], piece["end"]) for piece in row["evidence"] if _stands(text, piece)]
    mentions = [
        highlight.Mention(entity["start"], entity["end"], entity["label"], entity["id"])
        for entity in analysis.get("entities", ())
        if _stands(text, entity)
    ]
    teasers = [(zone["start"], zone["end"]) for zone in article.get("zones", ()) if zone["name"] == "teaser"]
    return highlight.cut(text, quoted, mentions, teasers), bool(text) and len(quoted) < len(row["evidence"])


def _stands(text: str, quoted: Mapping[str, Any]) -> bool:
    """Whether the words still stand where they were seen; long quotations end in an ellipsis."""
    return text[quoted["start"] : quoted["end"]].startswith(quoted["text"].removesuffix("…"))


def _health(state: FeedState, *, is_quarantined: bool, is_paused: bool) -> str:
    if is_paused:
        return "paused"
    if is_quarantined:
        return "quarantined"
    if state.is_gone:
        return "gone"
    if state.failures:
        return "failing"
    return "ok" if state.succeeded_at else "waiting"
