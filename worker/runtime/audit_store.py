"""The audit record in the server: read along, sealed, noted and pruned. Its lines are written by the scripts themselves.

audit        a stream, `<at_ms>-<seq>`, of {line, link}
audit:head   a hash: seq, link, at_ms of the newest line; seal, sealed_to, seal_seq of the newest seal; anchor_seq,
anchor_link, anchor_seal, on which the oldest line that is left stands; epoch, the server's run
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from worker.audit import LONGEST_SEAL, Anchor, Check, Line, check_lines, seal_of
from worker.runtime.redis_client import K, Scripts, ms_of, translated
from worker.runtime.redis_store import RedisStore

_STREAM, _HEAD = K + "audit", K + "audit:head"
_TOGETHER = 1_000
PRUNE_REFUSED = -1


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the record begins, where it ends, and its newest seal with the last line it covers."""

    anchor: Anchor
    end: Anchor
    seal: Anchor
    seal_seq: int = 0

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return self.end.seq - self.anchor.seq

    @property
    def is_sealed(self) -> bool:
        """Whether the last seal covers everything before it, and nothing came after it."""
        is_newest = self.end.seq == self.seal_seq == self.seal.seq + 1
        return is_newest or self.end.seq == self.anchor.seq


class AuditStore:
    """The audit record of a store."""

    def __init__(self, store: RedisStore) -> None:
        self.client: Any = store.client
        self._run = Scripts(store.client, "audit_seal", "audit_prune").run

    def extent(self) -> Extent | None:
        """Where the record begins and ends; None where nothing was ever written."""
        with translated():
            head = self.client.hgetall(_HEAD)
        if "seq" not in head:
            return None
        anchor = Anchor(int(head["anchor_seq"]), head["anchor_link"], head["anchor_seal"])
        seal = Anchor(int(head["sealed_to"]), "", head["seal"]) if "seal" in head else anchor
        return Extent(anchor, Anchor(int(head["seq"]), head["link"]), seal, int(head.get("seal_seq", 0)))

    def read(self, since: datetime | None = None, after: int = 0) -> Iterator[Line]:
        """The lines from a time on, or behind a line, in order; those that are written meanwhile too."""
        for _, line in self._entries(_first_id(since), after):
            yield line

    def before(self, since: datetime) -> Anchor | None:
        """The last line before a time; None where the record begins later."""
        at = f"({ms_of(since)}-0"
        with translated():
            rows = self.client.xrevrange(_STREAM, at, "-", count=1)
        return Anchor(_seq(rows[0][0]), rows[0][1]["link"]) if rows else None

    def check(self, watched: frozenset[int] = frozenset()) -> Check | None:
        """Whether the whole record is unchanged; None where there is none."""
        extent = self.extent()
        if extent is None:
            return None
        lines = takewhile_seq(self._entries("-", 0), extent.end.seq)
        return check_lines(lines, extent.anchor, extent.end, watched=watched)

    def seal(self) -> list[Anchor]:
        """Seal what came since the last seal; the seals made. Nothing happens where another process is at it."""
        made = []
        while (extent := self.extent()) is not None and not extent.is_sealed:
            first = extent.seal.seq + 1
            last = min(extent.end.seq, first + LONGEST_SEAL - 1)
            bodies = [line.body for line in takewhile_seq(self._entries("-", extent.seal.seq), last)]
            if len(bodies) != last - first + 1:
                break  # lines are gone: `verify` tells, a seal must not make it look right
            sha256 = seal_of(extent.seal.seal, bodies)
            if not int(self._run("audit_seal", first, last, sha256, extent.seal.seal)):
                break
            made.append(Anchor(last, "", sha256))
        return made

    def prune(self, last: Anchor) -> int:
        """Drop the lines up to a sealed one; how many, or `PRUNE_REFUSED` where the record is not as it was."""
        return int(self._run("audit_prune", self._id_of(last.seq), last.seq, last.link, last.seal))

    def _id_of(self, seq: int) -> str:
        return next((id_ for id_, line in self._entries("-", seq - 1)), "0-0")

    def _entries(self, start: str, after: int) -> Iterator[tuple[str, Line]]:
        if after:
            start = self._skip_to(after)
        while True:
            with translated():
                rows = self.client.xrange(_STREAM, start, "+", count=_TOGETHER)
            for id_, fields in rows:
                if _seq(id_) > after:
                    yield id_, Line(fields["line"].encode(), fields["link"])
            if len(rows) < _TOGETHER:
                return
            start = "(" + rows[-1][0]

    def _skip_to(self, after: int) -> str:
        """An id at or before the line behind `after`, found by halving the time: numbers and times rise together."""
        with translated():
            first, last = (self.client.xrange(_STREAM, count=1), self.client.xrevrange(_STREAM, count=1))
            if not first or _seq(last[0][0]) <= after:
                return "+" if first else "-"
            low, high = int(first[0][0].split("-")[0]), int(last[0][0].split("-")[0])
            while low < high:
                middle = (low + high + 1) // 2
                rows = self.client.xrange(_STREAM, str(middle), "+", count=1)
                if rows and _seq(rows[0][0]) <= after:
                    low = middle
                else:
                    high = middle - 1
        return str(low)


def takewhile_seq(entries: Iterator[tuple[str, Line]], last: int) -> Iterator[Line]:
    """The lines up to one, by the numbers of their ids."""
    return (line for _, line in takewhile(lambda entry: _seq(entry[0]) <= last, entries))


def _first_id(since: datetime | None) -> str:
    return f"{ms_of(since)}-0" if since else "-"


def _seq(id_: str) -> int:
    return int(id_.split("-")[1])
