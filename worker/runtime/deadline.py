"""Limits that end work in the midst of it: of the processor time for one document, and of a worker's turn."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from worker.errors import TurnOver

CPU_LIMIT_S = 2.0
_AGAIN_S = 0.1
"""Where an interruption was swallowed by the interrupted, the next follows."""
_TURN_AGAIN_S = 4.0
"""The same for a turn; three times fit between Celery's soft limit and its hard one."""


@contextmanager
def within_cpu_limit(seconds: float = CPU_LIMIT_S) -> Iterator[None]:
    """Raise TimeoutError in the body once it has used the processor for `seconds`.

    Time that other processes take does not count. Only the main thread can be interrupted, as in a Celery child and
    on the command line; in another thread there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGVTALRM, _interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
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
    previous = [(number, signal.signal(number, _end_turn)) for number in (signal.SIGUSR1, signal.SIGALRM)]
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in previous:
            signal.signal(number, handler)


def _end_turn(_number: int, _frame: FrameType | None) -> None:
    signal.setitimer(signal.ITIMER_REAL, _TURN_AGAIN_S, _TURN_AGAIN_S)
    raise TurnOver
