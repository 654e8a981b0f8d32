"""Notices to the operator: that an endpoint is paused, told by way of the other endpoints."""

import hashlib
import json
from base64 import b32encode
from collections.abc import Iterable
from datetime import datetime

from worker.deliver.payload import moment
from worker.model import Delivery

TYPE = "tocsin.endpoint.paused.v1"


def endpoint_paused(
    delivery: Delivery, number: int, reason: str, others: Iterable[str], now: datetime
) -> list[Delivery]:
    """One notice for each of the `others`, named after the attempt that was answered with 410."""
    notice = "ntc_" + _digest(delivery.id, str(number))
    body = json.dumps(
        {
            "type": TYPE,
            "timestamp": moment(now),
            "schema_version": 1,
            "data": {
                "notice_id": notice,
                "endpoint": delivery.endpoint,
                "reason": reason,
                "consequence": "Its alerts wait and are kept until it is resumed.",
                "remedy": f"tocsin endpoints resume {delivery.endpoint}",
            },
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return [Delivery("msg_" + _digest(notice, name), notice, name, body) for name in others]


def _digest(*parts: str) -> str:
    return b32encode(hashlib.sha256("\0".join(("v1", *parts)).encode()).digest()).decode().lower()[:32]
