"""The counts that the scripts keep, read so that a field which holds no number costs no other.

A script that comes upon one sets what it holds aside, under `counts:broken` for 30 days, and counts anew from nothing.
"""

import math
from typing import Any

from worker.runtime.redis_client import K


def numbers(stored: dict[str, str]) -> dict[str, float]:
    """The fields of a hash of counts that hold a number."""
    read = {name: _number(text) for name, text in stored.items()}
    return {name: number for name, number in read.items() if number is not None}


def broken_counts(client: Any) -> dict[str, str]:
    """What stands, or stood, where a count of the metrics or trends should, by hash and field."""
    stored: dict[str, str] = client.hgetall(K + "metrics")
    standing = {f"metrics {name}": text for name, text in stored.items() if _number(text) is None}
    set_aside: dict[str, str] = client.hgetall(K + "counts:broken")
    return set_aside | standing


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
