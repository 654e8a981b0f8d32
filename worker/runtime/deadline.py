"""Limits that end work in the midst of it: of the processor time for one document, and of a worker's turn."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from worker.errors import TurnOver

CPU_LIMIT_S = 2.0
_AGAIN_S = 0.1
"""Where an interruption was swallowed by the interrupted, the next follows."""
_TURN_AGAIN_S = 4.0
"""The same for a turn; three times fit between Celery's soft limit and its hard one."""


class _Handlers:
    """Answers signals while a body runs, and leaves things as they were, whenever a signal comes.

    One that comes as the body is left finds `is_left` and does nothing, or, before that is set, ends the inner `finally`,
    so that it takes two nested ones to restore for certain.
    """

    def __init__(self, numbers: Sequence[int], timer: int, answer: Callable[[], None]) -> None:
        self._previous = {number: signal.getsignal(number) for number in numbers}
        self._timer, self._answer = timer, answer
        self.is_left = False

    def set(self) -> None:
        for number in self._previous:
            signal.signal(number, self._hear)

    def restore(self) -> None:
        self.is_left = True
        signal.setitimer(self._timer, 0)
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if not self.is_left:
            self._answer()


@contextmanager
def within_cpu_limit(seconds: float = CPU_LIMIT_S) -> Iterator[None]:
    """Raise TimeoutError in the body once it has used the processor for `seconds`.

    Time that other processes take does not count. Only the main thread can be interrupted, as in a Celery child and
    on the command line; in another thread there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = _Handlers((signal.SIGVTALRM,), signal.ITIMER_VIRTUAL, _interrupt)
    try:
        try:
            handlers.set()
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN_S)
            yield
        finally:
            handlers.is_left = True
    finally:
        handlers.restore()


def _interrupt() -> None:
    msg = "the processor time is used up"
    raise TimeoutError(msg)


@contextmanager
def within_soft_limit() -> Iterator[None]:
    """Raise TurnOver in the body when Celery says, by SIGUSR1, that the task's soft time limit is over.

    Celery's own exception is an Exception, which whatever spares a loop one bad piece would take for that piece's failure;
    the loop would go on until the hard limit kills the process. Outside of the main thread there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = _Handlers((signal.SIGUSR1, signal.SIGALRM), signal.ITIMER_REAL, _end_turn)
    try:
        try:
            handlers.set()
            yield
        finally:
            handlers.is_left = True
    finally:
        handlers.restore()


def _end_turn() -> None:
    signal.setitimer(signal.ITIMER_REAL, _TURN_AGAIN_S, _TURN_AGAIN_S)
    raise TurnOver
