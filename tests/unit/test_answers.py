"""Answers are taken up by the group, and nobody waits long for a group that does not come."""

import sys
import threading
import time
from itertools import count
from queue import Empty

import pytest

from worker import answers
from worker.answers import Answers
from worker.errors import TurnOver


def put_slowly(queue, numbers):
    for number in numbers:
        time.sleep(0.002)
        queue.put(number)


def test_of_ten_in_flight_eight_are_waited_for(monkeypatch):
    monkeypatch.setattr(answers, "MOMENT_S", 30)
    queue = Answers()
    other = threading.Thread(target=put_slowly, args=(queue, range(8)))
    other.start()
    assert queue.get(30) == 0
    queue.gather(10)
    assert [queue.get(0) for _ in range(7)] == list(range(1, 8))
    other.join()


@pytest.mark.parametrize("came", [0, 3, 6])
def test_those_that_never_come_are_waited_for_a_moment(came):
    queue = Answers()
    for number in range(came):
        queue.put(number)
    began = time.monotonic()
    queue.gather(10)
    assert time.monotonic() - began >= answers.MOMENT_S * 0.9
    assert [queue.get(0) for _ in range(came)] == list(range(came))
    with pytest.raises(Empty):
        queue.get(0)


@pytest.mark.parametrize(("in_flight", "left"), [(1, 0), (2, 0), (10, 7), (10, 9)])
def test_where_enough_are_there_nobody_waits(monkeypatch, in_flight, left):
    monkeypatch.setattr(answers, "MOMENT_S", 3_600)
    queue = Answers()
    for number in range(left):
        queue.put(number)
    queue.gather(in_flight)
    assert [queue.get(0) for _ in range(left)] == list(range(left))


def is_cut(call, number):
    """Whether so many instructions of Python into `call` there was one to be cut at, as a signal does."""
    left = number

    def trace(frame, event, _):
        nonlocal left
        frame.f_trace_opcodes = True
        left -= event == "opcode"
        if left < 0:
            raise TurnOver
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except TurnOver:
        return True
    finally:
        sys.settrace(before)
    return False


def test_a_turn_that_is_cut_anywhere_in_a_group_holds_up_neither_thread():
    for number in count():
        queue = Answers()
        cut = is_cut(lambda queue=queue: queue.gather(10), number)
        others = [
            threading.Thread(target=lambda queue=queue: [queue.put(i) for i in range(10)], daemon=True),
            threading.Thread(target=queue.gather, args=(20,), daemon=True),
        ]
        for other in others:
            other.start()
        for other in others:
            other.join(10)
            assert not other.is_alive(), number
        if not cut:
            break
    assert number > 10
