"""Answers are taken up by the group, and nobody waits long for a group that does not come."""

import threading
import time
from queue import Empty

import pytest

from worker import answers
from worker.answers import Answers


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
