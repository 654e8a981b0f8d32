"""Live alerts for machines: server-sent events whose ids let a client go on without losing any.

`alerts:log` holds every alert by a number that only grows, given in the script that raises it, `marks:log` every alert
that was marked by the number of its last mark; the number is the id of the event. A stream is nothing but reading on from
a number: what a slow or returning client has not read still stands in the store. One look a second, shared by all
streams, tells them that there is more.

    ready   the first event; its id is where the stream begins
    alert   an alert as `GET /api/v1/alerts/{alert}` shows it
    marked  how an alert stands that was acknowledged, judged or reopened
A comment comes every 15 s, so that a dead connection is noticed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from worker.api.alert import Alert
from worker.api.answers import Marked
from worker.errors import StoreUnavailable
from worker.runtime.alert_filter import AlertFilter
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore
from worker.runtime.rest.alerts import wanted_alerts
from worker.runtime.rest.problem import Refusal
from worker.runtime.views import read_alerts

_LOOK_EVERY_S, _BEAT_EVERY_S = 1.0, 15.0
_MOST_STREAMS, _MOST_AT_ONCE = 200, 100

_LOGS: Mapping[str, tuple[str, type[BaseModel]]] = {"alerts:log": ("alert", Alert), "marks:log": ("marked", Marked)}
"""What each log's entries are told as."""


class _Entry(NamedTuple):
    number: int
    log: str
    alert: str


class Stream:
    """Every open stream of one process."""

    def __init__(self, store: RedisStore, is_stopping: Any) -> None:
        self._store, self._is_stopping = store, is_stopping
        self._newest = 0
        self._changed = asyncio.Event()
        self._looking = asyncio.Lock()
        self._open = 0
        self._watcher: asyncio.Task[None] | None = None

    async def open(
        self, wish: Any, last: int | None, is_welcome: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[str]:
        """The events after `last`, or from now on. Raises Refusal (503) where too many listen.

        `is_welcome` is asked every 15 s: a stream does not outlive its token.
        """
        if self._open >= _MOST_STREAMS:
            raise Refusal(503, "too many live streams are open", headers={"Retry-After": "30"})
        await self._look_anew()
        begins = self._newest if last is None else min(last, self._newest)  # a server may have lost its newest writes
        return self._events(wanted_alerts(wish), begins, wish.seconds, is_welcome)

    async def _events(
        self, wanted: AlertFilter, after: int, seconds: int | None, is_welcome: Callable[[], bool]
    ) -> AsyncIterator[str]:
        concerned = replace(wanted, state="")  # who saw an alert open is told that it is not any more
        self._open += 1
        self._watch()
        ends = time.monotonic() + seconds if seconds is not None else float("inf")
        asked_at = time.monotonic()
        try:
            yield f"retry: 2000\nid: {after}\nevent: ready\ndata: {{}}\n\n"
            while not self._is_stopping():
                changed = self._changed
                if time.monotonic() - asked_at >= _BEAT_EVERY_S:
                    asked_at = time.monotonic()
                    if not await run_in_threadpool(_is_still, is_welcome):
                        return
                after = min(after, self._newest)
                while after < self._newest:
                    rows, after = await run_in_threadpool(self._read, after)
                    for entry, row in rows:
                        if (wanted if entry.log == "alerts:log" else concerned).matches(row):
                            yield _event(entry, row)
                patience = min(_BEAT_EVERY_S, ends - time.monotonic())
                if patience <= 0:
                    yield f"id: {after}\n: the end\n\n"
                    return
                try:
                    await asyncio.wait_for(changed.wait(), patience)
                except TimeoutError:
                    yield f"id: {after}\n: still here\n\n"
        finally:
            self._open -= 1

    def _watch(self) -> None:
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._keep_looking())

    async def _keep_looking(self) -> None:
        """While somebody listens. An unreachable store is waited for: nothing is lost by it."""
        while self._open and not self._is_stopping():
            try:
                await self._look_anew()
            except StoreUnavailable:
                pass
            await asyncio.sleep(_LOOK_EVERY_S)
        self._wake()

    async def _look_anew(self) -> None:
        """One look after the other, so that an older one is never taken for a server that lost its newest writes."""
        async with self._looking:
            self._hear(await run_in_threadpool(self._look))

    def _hear(self, newest: int) -> None:
        """Also a smaller number: a server that came back older gives the numbers between once more."""
        if newest != self._newest:
            self._newest = newest
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _look(self) -> int:
        with translated():
            lasts = [self._store.client.zrange(K + log, 0, 0, desc=True, withscores=True) for log in _LOGS]
        return max((int(number) for last in lasts for _, number in last), default=0)

    def _read(self, after: int) -> tuple[list[tuple[_Entry, dict[str, Any]]], int]:
        """What happened next, in order, each with its alert as it is now, and where to read on.

        As far as the last look only: between the two logs an alert may be raised and marked, and who then went on behind
        the mark would never be told of the alert.
        """
        found: list[_Entry] = []
        newest = self._newest
        with translated():
            for log in _LOGS:
                rows = self._store.client.zrange(
                    K + log, f"({after}", newest, byscore=True, offset=0, num=_MOST_AT_ONCE, withscores=True
                )
                found += [_Entry(int(number), log, id_) for id_, number in rows]
        if not found:
            return [], newest
        entries = sorted(found)[:_MOST_AT_ONCE]
        alerts = {row["alert_id"]: row for row in read_alerts(self._store, list({entry.alert for entry in entries}))}
        return [(entry, alerts[entry.alert]) for entry in entries if entry.alert in alerts], entries[-1].number


def _is_still(is_welcome: Callable[[], bool]) -> bool:
    """Without an answer from the store nobody is sent away."""
    try:
        return is_welcome()
    except StoreUnavailable:
        return True


def _event(entry: _Entry, row: dict[str, Any]) -> str:
    name, model = _LOGS[entry.log]
    return f"id: {entry.number}\nevent: {name}\ndata: {model.model_validate(row).model_dump_json()}\n\n"
