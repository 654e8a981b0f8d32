"""Turns at a host: few requests at once in a process, and a pause between their starts over all processes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

AT_ONCE = 2
PAUSE = timedelta(seconds=1)
PATIENCE = timedelta(seconds=10)
"""Whoever would wait longer for a turn comes back later; must leave room in the lease beside the slowest fetch."""
_FORGET_AT = 10_000
_MOST_TOGETHER = 200


class HostBusyError(Exception):
    """The host's turns are taken for longer than anybody should wait; `wait` is how long."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


class Turns:
    """Who may ask which host when. To be used on one event loop; `clock` counts seconds steadily.

    `reserve` shares the turns with other processes: seconds to wait by hosts, pause and patience; None where it cannot.
    It is called in a thread, one call at a time: what asks meanwhile asks together with the next.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        pause: timedelta = PAUSE,
        at_once: int = AT_ONCE,
        patience: timedelta = PATIENCE,
        reserve: Callable[[Sequence[str], float, float], Sequence[float] | None] | None = None,
    ) -> None:
        self._clock, self._pause, self._patience = clock, pause.total_seconds(), patience.total_seconds()
        self._reserve = reserve
        self._asking: list[tuple[str, asyncio.Future[float | None]]] = []
        self._asker: asyncio.Task[None] | None = None
        self._free_at: dict[str, float] = {}
        self._at_once = at_once
        self._places: dict[str, asyncio.Semaphore] = {}
        self._present: Counter[str] = Counter()
        """How many wait for a place at a host, or have one."""

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises HostBusyError instead of waiting longer than the patience."""
        wait = await self._wait_for(host)
        if wait > self._patience:
            raise HostBusyError(timedelta(seconds=wait))
        await asyncio.sleep(wait)
        async with self._place(host):
            yield

    @asynccontextmanager
    async def _place(self, host: str) -> AsyncIterator[None]:
        """One of the places at a host, of which nothing is kept when nobody is there."""
        place = self._places.setdefault(host, asyncio.Semaphore(self._at_once))
        self._present[host] += 1
        try:
            try:
                await asyncio.wait_for(place.acquire(), self._patience)
            except TimeoutError:
                raise HostBusyError(timedelta(seconds=self._patience)) from None
            try:
                yield
            finally:
                place.release()
        finally:
            self._present[host] -= 1
            if not self._present[host]:
                del self._present[host], self._places[host]

    async def _wait_for(self, host: str) -> float:
        """Seconds until the host's next turn, which is taken unless it is out of all patience."""
        if self._reserve:
            answer: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
            self._asking.append((host, answer))
            if self._asker is None or self._asker.done():
                self._asker = asyncio.create_task(self._ask_for_all(self._reserve))
            shared = await answer
            if shared is not None:
                return shared
        now = self._clock()
        start = max(self._free_at.get(host, 0.0), now)
        if start - now <= self._patience:
            self._forget_idle(now)
            self._free_at[host] = start + self._pause
        return start - now

    async def _ask_for_all(self, reserve: Callable[[Sequence[str], float, float], Sequence[float] | None]) -> None:
        loop = asyncio.get_running_loop()
        while self._asking:
            asking, self._asking = self._asking[:_MOST_TOGETHER], self._asking[_MOST_TOGETHER:]
            hosts = [host for host, _ in asking]
            try:
                waits = await loop.run_in_executor(None, reserve, hosts, self._pause, self._patience)
            except Exception as error:  # noqa: BLE001 - it is the outcome of all who asked
                for _, answer in asking:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            found: Sequence[float | None] = [None] * len(asking) if waits is None else waits
            for (_, answer), wait in zip(asking, found, strict=True):
                if not answer.done():
                    answer.set_result(wait)

    def _forget_idle(self, now: float) -> None:
        if len(self._free_at) < _FORGET_AT:
            return
        for host in [host for host, free_at in self._free_at.items() if free_at <= now]:
            del self._free_at[host]
