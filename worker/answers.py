"""Answers on their way from the thread that fetches to the poller's, which takes them up by the group.

The two threads share one interpreter, and each change between them costs the processor more than an answer does. So the
poller is not woken by every answer: where others are in flight, it lets most of them come, for a moment at most.
"""

from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")

MOMENT_S = 0.005
"""Others are waited for so long; must be little beside `window.AT_ONCE`, by which answers that waited are told."""
MOST_IN_TEN = 8
"""So many in ten of those in flight are a group: servers that never answer are always among them."""


class Answers(Generic[T]):
    """A queue, of which one thread takes what others put.

    A turn that is cut may end at any point here. So nothing is held that would then stay held: a simple queue has no lock of
    Python's, as an event has.
    """

    def __init__(self) -> None:
        self._came: SimpleQueue[T] = SimpleQueue()
        self._wanted = 0
        self._are_enough: SimpleQueue[None] = SimpleQueue()

    def put(self, answer: T) -> None:
        """One more."""
        self._came.put(answer)
        if self._wanted and self._came.qsize() >= self._wanted:
            self._wanted = 0
            self._are_enough.put(None)

    def get(self, timeout: float) -> T:
        """The next one; queue.Empty where none comes in so many seconds, 0 for one that is there."""
        return self._came.get(timeout=timeout) if timeout else self._came.get_nowait()

    def gather(self, in_flight: int) -> None:
        """Let most of so many come, the one that was just taken among them; a moment at most."""
        wanted = in_flight * MOST_IN_TEN // 10 - 1
        if self._came.qsize() >= wanted:
            return
        while not self._are_enough.empty():
            self._are_enough.get_nowait()
        self._wanted = wanted
        if self._came.qsize() < wanted:  # they may have come before anybody counted
            with suppress(Empty):
                self._are_enough.get(timeout=MOMENT_S)
        self._wanted = 0
