"""All alerts of a time, oldest first, as files for other systems. Written as they are read, whatever their number."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from worker.deliver import misp, stix, table
from worker.deliver.shared_alert import SharedAlert
from worker.runtime.redis_client import K, moment_of, ms_of, translated
from worker.runtime.redis_store import RedisStore

_TOGETHER = 200
_FIELDS = ("record", "verdict", "judged_at", "marked_for", "acknowledged_at", "is_shadow")


def read_shared(store: RedisStore, since: datetime | None, watch: str = "") -> Iterator[SharedAlert]:
    """The alerts raised since then, those of one watch where one is named. Those raised meanwhile may be missing."""
    first = ms_of(since) if since else "-inf"
    with translated():
        ids = store.client.zrange(K + "alerts", first, "+inf", byscore=True)
    for start in range(0, len(ids), _TOGETHER):
        for alert in _read(store, ids[start : start + _TOGETHER]):
            if watch in ("", alert.data["watch"]["id"]):
                yield alert


def _read(store: RedisStore, ids: Sequence[str]) -> list[SharedAlert]:
    with translated():
        pipeline = store.client.pipeline(transaction=False)
        for id_ in ids:
            pipeline.hmget(K + f"alert:{id_}", list(_FIELDS))
        rows = pipeline.execute()
    return [_shared(dict(zip(_FIELDS, row, strict=True))) for row in rows if row[0]]


def _shared(fields: Mapping[str, Any]) -> SharedAlert:
    def at(name: str) -> datetime | None:
        return moment_of(fields[name]) if fields[name] else None

    return SharedAlert(
        json.loads(fields["record"]),
        fields["verdict"],
        at("judged_at"),
        fields["marked_for"] or "",
        at("acknowledged_at"),
        fields["is_shadow"] == "1",
    )


def _stix(alerts: Iterator[SharedAlert]) -> Iterator[str]:
    """One bundle, without `objects` where there are none. Its id is that of its alerts, hence stands behind them."""
    seen: set[str] = set()
    ids: list[str] = []
    alerts = (alert for alert in alerts if not alert.is_shadow)
    yield '{"type":"bundle"'
    for alert in alerts:
        ids.append(alert.data["alert_id"])
        for row in stix.objects(alert):
            if row["id"] not in seen:
                yield ("," if seen else ',"objects":[') + _dump(row)
                seen.add(row["id"])
    yield ("]" if seen else "") + f',"id":"{stix.bundle_id(ids)}"}}\n'


def _misp(alerts: Iterator[SharedAlert]) -> Iterator[str]:
    """A list of events, as MISP itself exports them."""
    alerts = (alert for alert in alerts if not alert.is_shadow)
    yield '{"response":['
    for number, alert in enumerate(alerts):
        yield ("," if number else "") + _dump(misp.event(alert))
    yield "]}\n"


def _csv(alerts: Iterator[SharedAlert]) -> Iterator[str]:
    return chain([table.header()], map(table.line, alerts))


def _jsonl(alerts: Iterator[SharedAlert]) -> Iterator[str]:
    for alert in alerts:
        marks = {
            "verdict": alert.verdict,
            "judged_at": alert.judged_at.isoformat() if alert.judged_at else None,
            "reason": alert.reason,
            "acknowledged_at": alert.acknowledged_at.isoformat() if alert.acknowledged_at else None,
            "is_shadow": alert.is_shadow,
        }
        yield _dump({**alert.payload, "marks": marks}) + "\n"


WRITERS: Mapping[str, Callable[[Iterator[SharedAlert]], Iterator[str]]] = {
    "stix": _stix,
    "misp": _misp,
    "csv": _csv,
    "jsonl": _jsonl,
}


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
