"""The live stream: one look at the store a second for all who listen, as server-sent events.

`alert`  a new alert, or one whose deliveries or verdict changed: {id, is_new, html, title, severity, watch}
`pulse`  the numbers at the top of the page
The id of an event is the moment (ms) of the newest alert sent; a reconnecting browser sends it as Last-Event-ID.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool

from worker.errors import StoreUnavailable
from worker.model import Configuration
from worker.runtime.alert_filter import AlertFilter
from worker.runtime.overview import pulse
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore
from worker.runtime.views import list_alerts, read_alerts

LOOK_EVERY_S = 1.0
PULSE_EVERY = 10
"""In looks."""
_WATCHED, _MOST_AT_ONCE, _OVERLAP_MS = 60, 500, 5_000
_MOST_LISTENERS, _MOST_WAITING = 200, 1_000

Row = dict[str, Any]


@dataclass(eq=False, slots=True)
class _Listener:
    wanted: AlertFilter | None
    waiting: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(_MOST_WAITING))


class Live:
    """Tells every listener what is new. `render` makes an alert's card, `is_stopping` ends all streams."""

    def __init__(
        self,
        store: RedisStore,
        configuration: Callable[[], Configuration],
        render: Callable[[Row], str],
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store, self._newest = store, configuration
        self._render, self._is_stopping = render, is_stopping
        self._listeners: set[_Listener] = set()
        self._known: dict[str, Row] = {}
        self._read_ms = 0
        self._is_ready = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def _configuration(self) -> Configuration:
        return self._newest()

    @property
    def is_full(self) -> bool:
        """Whether one more listener is too many."""
        return len(self._listeners) >= _MOST_LISTENERS

    async def stream(self, wanted: AlertFilter | None, since_ms: int) -> AsyncIterator[str]:
        """Events for one listener: what was raised from `since_ms` on (0: only what comes), then what happens.

        With `wanted` None no alerts, only the pulse.
        """
        listener = _Listener(wanted)
        self._listeners.add(listener)
        if self._watcher is None or self._watcher.done():
            self._is_ready.clear()
            self._watcher = asyncio.create_task(self._watch())
        try:
            yield "retry: 2000\n\n"
            await self._is_ready.wait()
            for row in await run_in_threadpool(self._missed, wanted, since_ms):
                yield self._event(row, is_new=True)
            while (event := await listener.waiting.get()) is not None:
                yield event
        finally:
            self._listeners.discard(listener)

    async def _watch(self) -> None:
        self._known, looks = {}, 0
        while self._listeners and not self._is_stopping():
            try:
                changed, numbers = await run_in_threadpool(self._look, looks)
            except StoreUnavailable as error:
                self._tell(None, _format("pulse", {"problem": str(error)}))
            else:
                for row, is_new in changed:
                    self._tell(row, self._event(row, is_new=is_new))
                if numbers:
                    self._tell(None, _format("pulse", numbers))
                self._is_ready.set()
                looks += 1
            await asyncio.sleep(LOOK_EVERY_S)
        for listener in tuple(self._listeners):
            _end(listener)
        self._is_ready.set()

    def _look(self, looks: int) -> tuple[list[tuple[Row, bool]], Row | None]:
        """What changed since the last look, the oldest first; the first look only learns what is there."""
        client = self._store.client
        with translated():
            ids: dict[str, None] = dict.fromkeys(reversed(client.zrange(K + "alerts", 0, _WATCHED - 1, desc=True)))
            since = self._read_ms - _OVERLAP_MS if looks else "+inf"
            later = client.zrange(
                K + "alerts", since, "+inf", byscore=True, offset=0, num=_MOST_AT_ONCE, withscores=True
            )
        rows = read_alerts(self._store, list(dict.fromkeys((*(id_ for id_, _ in later), *ids))))
        changed = [(row, row["alert_id"] not in self._known) for row in rows if self._known.get(row["alert_id"]) != row]
        self._known = {row["alert_id"]: row for row in rows}
        is_burst = len(later) == _MOST_AT_ONCE  # the next look goes on where this one broke off
        self._read_ms = int(later[-1][1]) if is_burst else max((row["raised_ms"] for row in rows), default=0)
        numbers = pulse(self._store, self._configuration) if looks % PULSE_EVERY == 0 else None
        return (changed if looks else []), numbers

    def _missed(self, wanted: AlertFilter | None, since_ms: int) -> list[Row]:
        if wanted is None or not since_ms:
            return []
        newest = list_alerts(self._store, _MOST_AT_ONCE, wanted)
        return [row for row in reversed(newest) if row["raised_ms"] >= since_ms]

    def _tell(self, row: Row | None, event: str) -> None:
        for listener in tuple(self._listeners):
            if row is None or (listener.wanted and listener.wanted.matches(row)):
                try:
                    listener.waiting.put_nowait(event)
                except asyncio.QueueFull:  # it does not read; its browser will come back and say where it was
                    _end(listener)

    def _event(self, row: Row, *, is_new: bool) -> str:
        facts = {
            "id": row["alert_id"], "is_new": is_new, "html": self._render(row), "title": row["article"]["title"],
            "severity": row["severity"], "watch": row["watch"]["title"],
        }  # fmt: skip
        return _format("alert", facts, row["raised_ms"] if is_new else None)


def _format(event: str, data: Row, id_: int | None = None) -> str:
    name = f"id: {id_}\n" if id_ else ""
    return f"{name}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _end(listener: _Listener) -> None:
    while not listener.waiting.empty():
        listener.waiting.get_nowait()
    listener.waiting.put_nowait(None)
