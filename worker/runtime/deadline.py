"""A hard limit on the processor time that reading one document may take."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CPU_LIMIT_S = 2.0
_AGAIN_S = 0.1
"""Where an interruption was swallowed by the interrupted, the next follows."""


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
