"""What is left for an endpoint that is not configured any more: looked at, and given up. Handing over is the store's."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from worker.runtime.records import KEEP
from worker.runtime.redis_client import K, Scripts, milliseconds, translated
from worker.runtime.redis_store import RedisStore
from worker.runtime.views import iso_ms

_DELIVERY = ("endpoint", "alert", "state", "attempts", "queued_at", "created_at")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A delivery that nobody sends: one that waits (`due`), is dead, or is in quarantine."""

    delivery: str
    alert: str
    state: str
    attempts: int
    queued_at: str
    title: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


class Leftovers:
    """Deliveries of removed endpoints."""

    def __init__(self, store: RedisStore) -> None:
        self._client: Any = store.client
        self._run = Scripts(store.client, "drop_deliveries").run

    def find(self, endpoint: str) -> list[Leftover]:
        """What is left for it, in the order of queueing."""
        with translated():
            queues: list[list[str]] = [self._client.zrange(K + queue, 0, -1) for queue in _queues(endpoint)]
            ids = list(dict.fromkeys(id_ for queue in queues for id_ in queue))
            deliveries = self._read((f"delivery:{id_}", _DELIVERY) for id_ in ids)
            left = [(id_, row) for id_, row in zip(ids, deliveries, strict=True) if row[0] == endpoint]
            alerts = self._read((f"alert:{row[1]}", ("record",)) for _, row in left)
        found = [_leftover(id_, row, record) for (id_, row), (record,) in zip(left, alerts, strict=True)]
        return sorted(found, key=lambda one: (one.queued_at, one.delivery))

    def drop(self, endpoint: str, reason: str, by: str) -> tuple[list[str], int]:
        """Give all of it up, and keep it 30 days as what ended; the ids, and how many are on their way and stay."""
        dropped, on_their_way = self._run("drop_deliveries", endpoint, reason, by, milliseconds(KEEP))
        return list(dropped), int(on_their_way)

    def _read(self, wanted: Iterable[tuple[str, Sequence[str]]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for key, names in wanted:
            pipeline.hmget(K + key, names)
        return list(pipeline.execute()) if len(pipeline) else []


def _queues(endpoint: str) -> tuple[str, ...]:
    return (f"outbox:{endpoint}", f"dead:{endpoint}", "quarantine:deliver")


def _leftover(id_: str, row: Sequence[str | None], record: str | None) -> Leftover:
    _, alert, state, attempts, queued_at, created_at = row
    title = json.loads(record)["data"]["article"]["title"] if record else ""  # a message on several has no record
    return Leftover(id_, alert or "", state or "", int(attempts or 0), iso_ms(queued_at or created_at) or "", title)
