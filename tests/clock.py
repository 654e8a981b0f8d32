"""Time for event loops that goes by as tests say, so that how busy the machine is changes no time that is measured.

`Clock` is for loops that talk over real sockets: time stands still until a test moves it on. `leap` is for work that talks
to nobody: where all sleep, it is at once as late as the first one wants to wake.
"""

import asyncio
import selectors
from collections.abc import Collection, Coroutine
from concurrent import futures

_STEP_S = 0.05
_ROUNDS = 20
"""More than a loop needs to do whatever it can do without waiting, once its sockets are ready."""


class Clock:
    """The time of the loops that join it, in seconds. Who does not leave it keeps it: no loop for other tests."""

    def __init__(self, *loops: asyncio.AbstractEventLoop) -> None:
        self._loops: list[asyncio.AbstractEventLoop] = []
        self._at = 0.0
        for loop in loops:
            self.join(loop)

    def __call__(self) -> float:
        return self._at

    def join(self, loop: asyncio.AbstractEventLoop) -> None:
        """What the loop waits for from now on, it waits for by this time."""
        self._at = max(self._at, loop.time())
        loop.time = self  # type: ignore[method-assign]
        self._loops.append(loop)

    def leave(self, loop: asyncio.AbstractEventLoop) -> None:
        """It goes by the machine's time again: it ends, and time may stand still here for ever."""
        self._loops.remove(loop)
        del loop.time

    def move(self, seconds: float) -> None:
        """Let so much time go by, in steps, after each of which everybody does what is to be done by then."""
        ends = self._at + seconds
        self._settle()
        while self._at < ends:
            self._at = min(self._at + _STEP_S, ends)
            self._settle()

    def wait(
        self, works: Collection[futures.Future], timeout: float, return_when: str = futures.FIRST_COMPLETED
    ) -> futures._base.DoneAndNotDoneFutures:
        """As `concurrent.futures.wait`, by this time; for the first one only."""
        assert return_when == futures.FIRST_COMPLETED
        ends = self._at + timeout
        self._settle()
        while self._at < ends and not any(work.done() for work in works):
            self.move(min(_STEP_S, ends - self._at))
        return futures.wait(works, 0, return_when)

    def until(self, work: futures.Future, most: float = 60) -> float:
        """Let time go by until there is an answer; how much went by."""
        began = self._at
        assert self.wait([work], most).done, f"no answer within {most} s"
        return self._at - began

    def _settle(self) -> None:
        """Twice around: what the last one says, the first one hears."""
        for loop in self._loops * 2:
            asyncio.run_coroutine_threadsafe(_go_round(), loop).result(60)


async def _go_round() -> None:
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)


class _Leaping(selectors.DefaultSelector):
    """Waits for no time-out; `passed` is how long it would have waited in all, in seconds."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list:
        self.passed += timeout or 0
        return super().select(timeout and 0)


def leap(work: Coroutine) -> object:
    """What the work returns, with nobody but itself to wait for; its loop's time begins at 0."""
    selector = _Leaping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.passed  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work)
