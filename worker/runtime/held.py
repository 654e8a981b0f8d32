"""When the alerts that wait will be told, as rows for the command line, the API and the page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import redis

from worker import onward
from worker.model import Configuration
from worker.notify import decide, intervals
from worker.runtime.group_store import RedisGroups
from worker.runtime.redis_client import K, translated


def list_held(
    client: redis.Redis, configuration: Configuration | None, alert_ids: Sequence[str], now: datetime
) -> dict[str, list[dict[str, Any]]]:
    """For each of these alerts the groups it waits in: endpoint, reason, and when (ISO 8601, UTC) it will be told.

    `at` is None without a configuration, which alone knows the routes' times.
    """
    found = RedisGroups(client).groups_of(alert_ids)
    return {
        alert_id: [_row(configuration, group, state, now) for group, state in groups]
        for alert_id, groups in found.items()
    }


def waits(client: redis.Redis, alert_id: str) -> bool:
    """Whether an alert waits to be told in any group."""
    with translated():
        return bool(client.exists(K + f"alert:{alert_id}:groups"))


def _row(configuration: Configuration | None, group: str, state: decide.GroupState, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "group": group,
        "endpoint": state.key.endpoint,
        "kind": state.key.kind,
        "waiting": len(state.waiting),
    }
    if configuration is None:
        return row | {"at": None, "why": ""}
    timing, per = onward.timing_of(configuration, state.key)
    at, why = decide.due(state, timing, per) or (now, "at once")
    return row | {
        "at": max(at, intervals.speaks_at(timing, max(at, now))).isoformat(timespec="seconds"),
        "why": why,
    }
