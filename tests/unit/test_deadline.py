"""A limit leaves signals and timers as it found them, at whatever step of its coming and going the signal comes."""

import os
import signal
import sys

import pytest

from worker.errors import TurnOver
from worker.runtime import deadline

LIMITS = {
    "turn": (deadline.within_soft_limit, signal.SIGUSR1, signal.ITIMER_REAL, TurnOver),
    "processor time": (deadline.within_cpu_limit, signal.SIGVTALRM, signal.ITIMER_VIRTUAL, TimeoutError),
}


def handlers():
    return {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGVTALRM)}


class SignalAt:
    """Sends a signal to this process as a limit's code comes to its n-th step; a step is a bytecode."""

    def __init__(self, number: int, at: int) -> None:
        self._number, self._at, self.steps = number, at, 0

    def __call__(self, frame, event, _argument):
        if frame.f_code.co_filename != deadline.__file__ or "interrupt" in frame.f_code.co_name:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.steps += 1
            # before its first answer is ready a signal would end the process, as it should
            if self.steps == self._at and callable(signal.getsignal(self._number)):
                os.kill(os.getpid(), self._number)
        return self


def enter_and_leave(limit, number, at) -> tuple[int, type | None]:
    """How many steps it took, and with what it ended."""
    tracer, ended = SignalAt(number, at), None
    before = sys.gettrace()
    try:
        sys.settrace(tracer)
        with limit():
            pass
    except (TurnOver, TimeoutError) as error:
        ended = type(error)
    finally:
        sys.settrace(before)
    return tracer.steps, ended


@pytest.mark.parametrize("name", LIMITS)
def test_handlers_and_timers_are_as_before_whenever_the_signal_comes(name):
    limit, number, timer, error = LIMITS[name]
    before, endings = handlers(), []
    steps, _ = enter_and_leave(limit, number, 0)
    for at in range(1, steps + 1):
        _, ended = enter_and_leave(limit, number, at)
        endings.append(ended)
        assert handlers() == before, f"at step {at} of {steps}"
        assert signal.getitimer(timer) == (0.0, 0.0), f"at step {at} of {steps}"
    assert set(endings) == {None, error}
