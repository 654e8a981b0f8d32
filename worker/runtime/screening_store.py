"""Where a screening stands, over Redis: one at a time, under a lease, so that it goes on where a dead worker left it.

    {tocsin}:screening          hash: digest of all lists, and of the screening phase, cursor, counts, lease, fence
    {tocsin}:screening:known    hash: the marks of each list, packed
    {tocsin}:screening:found    hash: what was found so far → when its article came (ms)

The scan goes over all keys with SCAN, whose positions only hold while the server runs: a restart begins it anew.
"""

from __future__ import annotations

import json
from array import array
from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from worker.model import Alert, Onward, Story
from worker.runtime.alert_work import alert_work
from worker.runtime.archive import read_articles
from worker.runtime.redis_client import K, Scripts, fields, milliseconds, moment_of, translated
from worker.runtime.redis_store import RedisStore
from worker.screener import Claim, Handover, Page, Progress, StoredArticle
from worker.screening import Found, Marks

_SCRIPTS = ("screening_begin", "screening_claim", "screening_advance", "screening_raise")


class RedisScreeningStore:
    """See `screener.ScreeningStore`."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._client: Any = store.client
        self._run = Scripts(self._client, *_SCRIPTS).run

    def progress(self) -> Progress:
        with translated():
            row = self._client.hgetall(K + "screening")
        return Progress(
            digest=row.get("digest", ""),
            phase=row.get("phase", ""),
            looked=int(row.get("looked", 0)),
            total=int(row.get("total", 0)),
            found=int(row.get("found", 0)),
            raised=int(row.get("raised", 0)),
            started_at=moment_of(row["started_at"]) if row.get("started_at") else None,
            finished_at=moment_of(row["finished_at"]) if row.get("finished_at") else None,
        )

    def known(self) -> dict[str, frozenset[int]]:
        with translated():
            rows = self._client.hgetall(K + "screening:known")
        return {name: unpack(packed) for name, packed in rows.items()}

    def begin(self, before: str, digest: str, known: Marks, added: Marks) -> bool:
        with translated():
            total = self._client.dbsize()
        packed = json.dumps({name: pack(new) for name, new in added.items()}) if added else ""
        work = {"known": {name: pack(marks) for name, marks in known.items()}, "added": packed, "total": total}
        return bool(self._run("screening_begin", before, digest, json.dumps(work)))

    def claim(self, lease: timedelta) -> Claim | None:
        flat = self._run("screening_claim", milliseconds(lease), self._store.epoch())
        if not flat:
            return None
        row = fields(flat)
        new = {name: unpack(packed) for name, packed in json.loads(row["added"]).items()}
        return Claim(int(row["fence"]), row["phase"], int(row["cursor"]), new)

    def page(self, cursor: int, size: int) -> Page:
        """The next keys of the whole store; those that are no articles only count."""
        with translated():
            after, keys = self._client.scan(cursor, count=size)
        prefix = K + "article:"
        ids = [key.removeprefix(prefix) for key in keys if key.startswith(prefix) and key.count(":") == 2]  # noqa: PLR2004 - no sub-keys
        return Page(int(after), len(keys), read_articles(self._store, ids))

    def read(self, article: str) -> StoredArticle | None:
        return next(iter(read_articles(self._store, [article])), None)

    def read_story(self, story: str) -> Story | None:
        [(known, _)] = self._store.read_stories([story])
        return known

    def advance(self, claim: Claim, done: Handover) -> bool:
        work = {
            "phase": done.phase,
            "cursor": done.cursor,
            "looked": done.looked,
            "articles": done.articles,
            "found": [[_name(one), one.seen_ms] for one in done.found],
            "lease_ms": milliseconds(done.lease) if done.lease else 0,
        }
        return bool(self._run("screening_advance", claim.fence, json.dumps(work)))

    def found(self) -> list[Found]:
        with translated():
            rows = self._client.hgetall(K + "screening:found")
        return [Found(*(*json.loads(name), int(seen_ms))) for name, seen_ms in rows.items()]

    def raise_alert(self, claim: Claim, position: int, raised: Alert, steps: Sequence[Onward]) -> int:
        work = json.dumps(alert_work(raised, steps))
        return int(self._run("screening_raise", claim.fence, position, work, raised.article.id))

    def is_live_work_due(self) -> bool:
        with translated():
            seconds, micros = self._client.time()
            return bool(self._client.zcount(K + "articles:due", "-inf", seconds * 1000 + micros // 1000))


def pack(marks: Collection[int]) -> str:
    """Marks as text, eleven characters each."""
    return b64encode(array("Q", sorted(marks)).tobytes()).decode()


def unpack(packed: str) -> frozenset[int]:
    """The reverse of `pack`."""
    return frozenset(array("Q", b64decode(packed)))


def _name(found: Found) -> str:
    return json.dumps([found.watch, found.list, found.name, found.story, found.article], ensure_ascii=False)
