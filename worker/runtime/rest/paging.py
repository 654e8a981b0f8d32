"""Pages of what Redis keeps by time: newest first, and none lost or doubled whatever is added meanwhile.

Entries are ordered by time and then id, as the server orders them, and a cursor is the last entry that was looked at.
What comes later stands before it, so that the pages after it hold exactly what they would have held.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from worker.api.fields import to_ms
from worker.runtime.redis_client import K, translated

_CHUNK, _MOST_READ = 200, 1_000
"""A page looks at no more than 1,000 entries for what a filter wants; a page may therefore be short and still go on."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """An entry's place in the order."""

    at_ms: int
    id: str

    def __str__(self) -> str:
        return f"{self.at_ms}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """From a cursor."""
        at_ms, _, id_ = text.partition("-")
        return cls(int(at_ms), id_)


def page(
    client: Any, key: str, query: Any, read: Callable[[Sequence[str]], Sequence[tuple[str, Row]]]
) -> tuple[list[Row], str | None]:
    """The rows of one page, and the cursor that continues them.

    `read` gives for ids those rows that are wanted, with their id and in order.
    """
    since = to_ms(query.since) if query.since else None
    after = Place.parse(query.cursor) if query.cursor else None
    if query.until and (after is None or to_ms(query.until) < after.at_ms):
        after = Place(max(to_ms(query.until), 0), "")
    found: list[Row] = []
    looked = 0
    for places in _chunks(client, K + key, after):
        wanted = [place for place in places if since is None or place.at_ms >= since]
        rows = dict(read([place.id for place in wanted]))
        for place in wanted:
            looked += 1
            if place.id in rows:
                found.append(rows[place.id])
            if len(found) == query.limit or looked == _MOST_READ:
                return found, str(place)
        if len(wanted) < len(places):
            break
    return found, None


def _chunks(client: Any, key: str, after: Place | None) -> Iterator[list[Place]]:
    while places := _following(client, key, after):
        yield places
        after = places[-1]


def _following(client: Any, key: str, after: Place | None) -> list[Place]:
    """Up to a chunk of the entries that come next; those of the cursor's own moment are read past it."""
    top: str | int = after.at_ms if after else "+inf"
    found: dict[Place, None] = {}
    offset = 0
    while len(found) < _CHUNK:
        with translated():
            rows = client.zrange(key, top, "-inf", desc=True, byscore=True, offset=offset, num=_CHUNK, withscores=True)
        places = (Place(int(at), id_) for id_, at in rows)
        found |= dict.fromkeys(place for place in places if after is None or place < after)
        offset += len(rows)
        if len(rows) < _CHUNK:
            break
    return list(found)
