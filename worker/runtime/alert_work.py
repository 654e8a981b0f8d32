"""New alerts and deliveries as the scripts take them."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from worker.deliver import payload
from worker.model import Alert, Delivery, GroupKey, Held, Onward, Rated, Silenced
from worker.runtime.redis_client import milliseconds, ms_of
from worker.series import alert_counts


def alert_work(alert: Alert, steps: Sequence[Onward]) -> dict[str, Any]:
    """An alert with what becomes of it, for `raise_alert` in `queue.lua`.

    The age of an article of before is no delay of ours.
    """
    fetched_at = None if alert.listing else alert.article.first_seen
    rated = next((step for step in steps if isinstance(step, Rated)), None)
    silenced = next((step for step in steps if isinstance(step, Silenced)), None)
    every = [*steps, *(rated.within if rated else ()), *(rated.beyond if rated else ())]
    held = next((step for step in every if isinstance(step, Held)), None)
    return {
        "id": alert.id,
        "record": payload.build(alert),
        "watch": alert.watch_id,
        "severity": alert.severity.value,
        "is_shadow": alert.is_shadow,
        "counts": alert_counts(alert),
        **_steps(steps, fetched_at),
        **({"silence": silenced.silence_id} if silenced else {}),
        **({"card": held.card, "labels": json.dumps(held.labels, ensure_ascii=False)} if held else {}),
        **({"rated": _rated(rated, fetched_at)} if rated else {}),
    }


def delivery_work(delivery: Delivery, fetched_at: datetime | None = None) -> dict[str, Any]:
    """A delivery for `queue` in `queue.lua`."""
    return {
        "id": delivery.id,
        "alert": delivery.alert_id,
        "endpoint": delivery.endpoint,
        "body": delivery.body,
        "content_type": delivery.content_type,
        "fetched_ms": ms_of(fetched_at) if fetched_at else 0,
    }


def dump_key(key: GroupKey) -> str:
    """A group's key as it is stored."""
    return json.dumps([key.kind, key.route, key.endpoint, key.labels, key.watch], ensure_ascii=False)


def _steps(steps: Iterable[Onward], fetched_at: datetime | None) -> dict[str, Any]:
    steps = list(steps)
    return {
        "deliveries": [delivery_work(step, fetched_at) for step in steps if isinstance(step, Delivery)],
        "held": [
            {
                "group": step.group,
                "key": dump_key(step.key),
                "look_ms": ms_of(step.look_at),
                "endpoint": step.key.endpoint,
                "kind": step.key.kind,
            }
            for step in steps
            if isinstance(step, Held)
        ],
    }


def _rated(rated: Rated, fetched_at: datetime | None) -> dict[str, Any]:
    return {
        "watch": rated.watch,
        "most": rated.rate.most,
        "per_ms": milliseconds(rated.rate.per),
        "within": _steps(rated.within, fetched_at),
        "beyond": _steps(rated.beyond, fetched_at),
    }
