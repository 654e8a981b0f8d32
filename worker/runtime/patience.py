"""How long servers are waited for: with one timer for many requests, since almost none lives to see its own."""

import asyncio
from types import TracebackType

import aiohttp
from aiohttp.client_proto import ResponseHandler

_KNOWN = "3.14.5"
"""The aiohttp whose connections `Patient` knows from within; those of another one time their servers themselves."""


def is_aiohttp_known() -> bool:
    """Whether `Patient` may stand in for aiohttp's own connections: were it wrong, no server would be given up."""
    return aiohttp.__version__ == _KNOWN


class Patient(ResponseHandler):
    """A connection that times how long its server is silent with one timer, which is moved on when it is due.

    aiohttp's own makes a timer for each request and one for each piece of an answer, and all but the last for nothing.
    """

    _silent_until: float | None = None

    def _reschedule_timeout(self) -> None:
        timeout = self._read_timeout
        if not timeout:
            self._drop_timeout()
            return
        self._silent_until = self._loop.time() + timeout
        handle = self._read_timeout_handle
        if handle and handle.when() > self._silent_until:
            handle.cancel()
            handle = None
        if handle is None:
            self._read_timeout_handle = self._loop.call_at(self._silent_until, self._look)

    def _drop_timeout(self) -> None:
        self._silent_until = None

    def _look(self) -> None:
        self._read_timeout_handle = None
        if self._silent_until is None:
            return
        if self._silent_until > self._loop.time():
            self._read_timeout_handle = self._loop.call_at(self._silent_until, self._look)
        else:
            self._on_read_timeout()


class Within:
    """A body that may last until `due`, by the loop's clock, and raises TimeoutError then."""

    __slots__ = ("_cancelling", "_limits", "_task", "due", "is_over")

    def __init__(self, limits: "Limits", due: float) -> None:
        self._limits, self.due = limits, due
        self.is_over = False

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0
        self._limits.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limits.discard(self)
        is_ours = self.is_over and self._task is not None and self._task.uncancel() <= self._cancelling
        if is_ours and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def end(self) -> None:
        self.is_over = True
        if self._task:
            self._task.cancel()


class Limits:
    """The limits that hold now. One timer waits for the earliest of those that were open when it was set."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._open: set[Within] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, limit: Within) -> None:
        self._open.add(limit)
        if self._timer is None or limit.due < self._timer.when():
            self._wait_until(limit.due)

    def discard(self, limit: Within) -> None:
        self._open.discard(limit)

    def _wait_until(self, due: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer, now = None, self._loop.time()
        for limit in [limit for limit in self._open if limit.due <= now]:
            self._open.discard(limit)
            limit.end()
        if self._open:
            self._wait_until(min(limit.due for limit in self._open))
