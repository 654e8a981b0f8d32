"""Who asks for a reload is heard, whatever became of the one before."""

import os
import signal
import subprocess
import sys
from queue import SimpleQueue

import pytest
from redis.exceptions import ResponseError

from worker.errors import StoreUnavailable
from worker.runtime.hangup import ReloadAsker


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), ResponseError("BUSY running a script")])
def test_a_reload_that_could_not_be_asked_for_is_told_and_the_next_is_asked_for(error):
    asked: SimpleQueue[str] = SimpleQueue()
    failures = [error]

    def ask() -> None:
        asked.put("asked")
        if failures:
            raise failures.pop()

    asker = ReloadAsker(ask)
    for _ in range(2):
        asker.ask()
        assert asked.get(timeout=5) == "asked"


WAITING = """
import os, signal, sys, threading
from worker.runtime.hangup import ReloadAsker
answered = threading.Semaphore(0)
def tell(line):
    os.write(1, f"{line}\\n".encode())  # in one piece: two threads tell, and print would write the end of a line apart
def ask():
    tell("asked")
    answered.acquire()
asker = ReloadAsker(ask)
signal.signal(signal.SIGHUP, lambda number, frame: asker.ask())
tell("ready")
for line in map(str.rstrip, sys.stdin):
    if line == "answer":
        answered.release()
    tell(line)
"""
"""A process whose store answers when it is told to; meanwhile it repeats what it reads."""


def test_nobody_waits_for_a_store_that_does_not_answer_and_what_was_heard_meanwhile_is_asked_once():
    command = [sys.executable, "-c", WAITING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def told(*lines: str) -> None:
            assert sorted(process.stdout.readline().strip() for _ in lines) == sorted(lines)

        told("ready")
        os.kill(process.pid, signal.SIGHUP)
        told("asked")
        for number in range(5):
            os.kill(process.pid, signal.SIGHUP)
            process.stdin.write(f"work {number}\n")
            told(f"work {number}")
        process.stdin.write("answer\n")
        told("answer", "asked")
        process.stdin.write("answer\nthe end\n")
        told("answer", "the end")
        process.stdin.close()
        assert process.stdout.read() == "", "it was asked once for all five"
    assert process.returncode == 0
