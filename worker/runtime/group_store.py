"""Groups of held alerts in Redis.

groups:due          sorted set of group ids by when they are looked at next (ms)
group:ID            hash: key, sent_at, sequence; while it is lent fence, claims, lent_until
group:ID:waiting    sorted set of alert ids by when they came (ms)
group:ID:told       list of alert ids that may be repeated
alert:ID:groups     set of the groups in which an alert waits
"""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import redis

from worker.model import GroupKey
from worker.notifier import GroupClaim, GroupStep, StoredAlert
from worker.notify.decide import GroupState, Waiting
from worker.runtime.alert_work import delivery_work
from worker.runtime.redis_client import K, Scripts, fields, milliseconds, moment_of, ms_of, translated

KEEP = timedelta(days=8)
"""A group that has nothing to say is remembered this long, for the interval until its next message."""
_SCRIPTS = ("claim_groups", "finish_group", "look_at_groups", "note_group_failure")


class RedisGroups:
    """See `notifier.GroupStore`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client
        self._run = Scripts(client, *_SCRIPTS).run

    def claim_groups(self, limit: int, lease: timedelta) -> list[GroupClaim]:
        return [
            GroupClaim(id_, int(fence), _state(fields(flat), waiting, told))
            for id_, fence, flat, waiting, told in self._run("claim_groups", milliseconds(lease), limit)
        ]

    def look_again(self) -> int:
        return int(self._run("look_at_groups"))

    def read_alerts(self, alert_ids: Sequence[str]) -> list[StoredAlert]:
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            for alert_id in alert_ids:
                pipeline.hmget(K + f"alert:{alert_id}", ["card", "record", "labels", "acknowledged_at"])
            rows = pipeline.execute() if alert_ids else []
        return [
            StoredAlert(id_, card, record, tuple((name, value) for name, value in json.loads(labels)), bool(at))
            for id_, (card, record, labels, at) in zip(alert_ids, rows, strict=True)
            if card and record
        ]

    def finish_group(self, claim: GroupClaim, step: GroupStep) -> bool:
        work = {
            "seen": len(claim.state.waiting),
            "spoken": step.spoken,
            "silenced": [{"alert": one.alert_id, "silence": one.silence_id} for one in step.silenced],
            "deliveries": [delivery_work(delivery) | {"alerts": alerts} for delivery, alerts in step.deliveries],
            "told": step.told,
            "look_ms": ms_of(step.look_at) if step.look_at else 0,
            "keep_ms": milliseconds(KEEP),
            "counts": step.counts,
        }
        return bool(self._run("finish_group", claim.group_id, claim.fence, json.dumps(work)))

    def note_group_failure(self, claim: GroupClaim, reason: str) -> bool:
        return bool(self._run("note_group_failure", claim.group_id, claim.fence, reason))

    def groups_of(self, alert_ids: Iterable[str]) -> dict[str, list[tuple[str, GroupState]]]:
        """The groups in which each of these alerts waits, by alert."""
        ids = list(alert_ids)
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            for alert_id in ids:
                pipeline.smembers(K + f"alert:{alert_id}:groups")
            names = [sorted(found) for found in pipeline.execute()] if ids else []
            for group in sorted({name for found in names for name in found}):
                pipeline.hgetall(K + f"group:{group}")
                pipeline.zrange(K + f"group:{group}:waiting", 0, -1, withscores=True)
                pipeline.lrange(K + f"group:{group}:told", 0, -1)
            rows = pipeline.execute() if any(names) else []
        states = {
            group: _state(rows[3 * i], [part for pair in rows[3 * i + 1] for part in pair], rows[3 * i + 2])
            for i, group in enumerate(sorted({name for found in names for name in found}))
        }
        return {alert_id: [(name, states[name]) for name in found] for alert_id, found in zip(ids, names, strict=True)}


def _state(group: dict[str, str], waiting: Sequence[Any], told: Sequence[str]) -> GroupState:
    kind, route, endpoint, labels, watch = json.loads(group["key"])
    key = GroupKey(kind, route, endpoint, tuple((name, value) for name, value in labels), watch)
    return GroupState(
        key,
        tuple(Waiting(id_, moment_of(at)) for id_, at in zip(waiting[::2], waiting[1::2], strict=True)),
        tuple(told),
        moment_of(group["sent_at"]) if "sent_at" in group else None,
        int(group.get("sequence", 0)),
    )
