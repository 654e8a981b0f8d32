"""The index of remembered articles as `kin.lua` writes it, read here without a script.

A key is 11 hex digits. Its first 18 bits name a shelf, a string of entries of 8 bytes, the oldest first: the other 26
bits, then the article's number. Shelves (all in one hash) and books (of 64 records) belong to a period, of which this and
the last count.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from redis.client import NEVER_DECODE

from worker.runtime.redis_client import K, script, translated

_ENTRY, _LOW_BITS, _NAME, _BOOK = 8, 26, 3, 64
_LOW = (1 << _LOW_BITS) - 1
_FORM = "3"
"""Of the index; written down once all that was kept in another form was taken over."""
_TOGETHER = 100
"""So many old shelves are taken over at once: each step is written to the server's disk."""
_TOLD_SOON = 256
"""So many articles' places are remembered: who looks for an article's kin mostly adds it next."""
_SKEW_MS = 60_000
"""Two machines' clocks differ by less; around the turn of a period three are read."""


def places(keys: tuple[str, ...]) -> bytes:
    """Seven bytes for each key: first the names of their shelves, three each, then the four by which each is told there."""
    names, told = _placed(keys)
    return b"".join((*names, *told))


@lru_cache(_TOLD_SOON)
def _placed(keys: tuple[str, ...]) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """The shelf of each key, and the bytes that it is told by there."""
    numbers = [int(key, 16) for key in keys]
    names = [(number >> _LOW_BITS).to_bytes(_NAME, "big") for number in numbers]
    return names, [(number & _LOW).to_bytes(_ENTRY // 2, "big") for number in numbers]


def look_up(
    client: Any, prefix: str, keys: Sequence[Sequence[str]], window_ms: int, limits: tuple[int, int]
) -> list[tuple[str, list[Any]]]:
    """For the keys of each article: what tells later whether it has new kin, and (number, record) of each of today.

    The former is how many articles were ever remembered, and the periods that were read. Those that share most come first.
    `limits` are the most kin, and the newest under one key that count. Two round trips, whatever the number of articles.
    """
    if not keys:
        return []
    periods = _periods(window_ms)
    placed = [_placed(tuple(own)) for own in keys]
    asked = [name for names, _ in placed for name in names]
    pipeline = client.pipeline(transaction=False)
    pipeline.get(prefix + "n")  # before the shelves: what is added meanwhile is then looked at again
    for at in periods:
        pipeline.execute_command("HMGET", f"{prefix}shelves:{at}", *asked, **{NEVER_DECODE: True})
    remembered, *entries = pipeline.execute()
    shelves = [iter(row) for row in entries]
    found = [
        _nearest(told, [row for some in shelves for row in islice(some, len(told))], periods, limits)
        for _, told in placed
    ]
    records = _records(client, prefix, {name for names in found for name in names})
    seen = f"{int(remembered or 0)} {periods[0]}-{periods[-1]}"
    return [(seen, [records[name] for name in names if name in records]) for names in found]


def _nearest(
    told: Sequence[bytes], shelves: Sequence[bytes | None], periods: Sequence[int], limits: tuple[int, int]
) -> list[str]:
    """The kin under some keys as period:number, those that share most first."""
    most, per_key = limits
    hits: Counter[str] = Counter()
    for i, entries in enumerate(shelves):
        if entries and told[i % len(told)] in entries:
            at = periods[i // len(told)]
            hits.update(f"{at}:{number}" for number in list(_standing(entries, told[i % len(told)]))[-per_key:])
    return sorted(hits, key=lambda name: (-hits[name], name))[:most]


def adopt_old(client: Any) -> int:
    """Take over the shelves as they were kept before, once; how many there were.

    Without it the copies of an article that was told before the upgrade would begin a story of their own.
    """
    flag = K + "kin:form"
    with translated():
        if client.get(flag) == _FORM:
            return 0
        adopt = script(client, "adopt_kin")
        found = [key.removeprefix(K) for key in client.scan_iter(match=K + "kin:[ks]*:*:*", count=1_000)]
        for first in range(0, len(found), _TOGETHER):
            adopt(args=found[first : first + _TOGETHER])
        client.set(flag, _FORM)
    return len(found)


def _periods(window_ms: int) -> list[int]:
    now = round(time.time() * 1000)
    first, last = ((now + skew) // window_ms for skew in (-_SKEW_MS, _SKEW_MS))
    return list(range(first - 1, last + 1))


def _standing(entries: bytes, told: bytes) -> Iterator[int]:
    """The numbers that stand under four bytes on a shelf, the oldest first."""
    start = entries.find(told)
    while start != -1:
        if start % _ENTRY == 0:
            yield int.from_bytes(entries[start + 4 : start + _ENTRY], "big")
            start = entries.find(told, start + _ENTRY)
        else:
            start = entries.find(told, start + 1)


def _records(client: Any, prefix: str, found: Collection[str]) -> dict[str, tuple[int, str]]:
    if not found:
        return {}
    pipeline = client.pipeline(transaction=False)
    numbers = [name.split(":") for name in found]
    for at, number in numbers:
        pipeline.hget(f"{prefix}{at}:{int(number) // _BOOK}", number)
    rows = pipeline.execute()
    return {
        name: (int(number), record) for name, (_, number), record in zip(found, numbers, rows, strict=True) if record
    }
