"""Reads web pages in a process of its own, which the kernel ends when it takes too long.

Time is the processor's, so that a busy machine ends nothing; the timer's signal has its default action, so that it
works inside C code too, where an interpreter does not listen. Memory is limited as well. Frames on both pipes: four
bytes of length, then JSON, then (to the child) the body in a frame of its own.
"""

import json
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import time
from dataclasses import asdict
from typing import IO

from worker.model import Fetched, Page
from worker.page import read_page

CPU_LIMIT_S = 2.0
WALL_LIMIT_S = 30.0
MEMORY_LIMIT_BYTES = 1_500_000_000
BODY_LIMIT_BYTES = 5_000_000
_LENGTH = struct.Struct(">I")


class ProcessExtractor:
    """See `reader.Extractor`. The process is started at the first page and anew after each that it fell over."""

    def __init__(self, cpu_limit_s: float = CPU_LIMIT_S, wall_limit_s: float = WALL_LIMIT_S) -> None:
        self._cpu_limit_s, self._wall_limit_s = cpu_limit_s, wall_limit_s
        self._process: subprocess.Popen[bytes] | None = None

    def extract(self, fetched: Fetched) -> Page | str | None:
        if len(fetched.body) > BODY_LIMIT_BYTES:
            return f"the page has {len(fetched.body):,} bytes; the limit is {BODY_LIMIT_BYTES:,}"
        process = self._running()
        assert process.stdin
        assert process.stdout
        head = json.dumps({"url": fetched.url, "content_type": fetched.content_type}).encode()
        try:
            _write(process.stdin, head)
            _write(process.stdin, fetched.body)
            answer = _read(process.stdout, time.monotonic() + self._wall_limit_s)
        except (BrokenPipeError, EOFError, TimeoutError):
            return self._bury(process)
        found = json.loads(answer)
        return Page(**found) if found else None

    def close(self) -> None:
        """End the process."""
        if self._process:
            self._bury(self._process)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            if self._process:
                self._bury(self._process)
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "worker.runtime.extractor", str(self._cpu_limit_s)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def _bury(self, process: subprocess.Popen[bytes]) -> str:
        is_ours = process.poll() is None
        process.kill()
        code = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass
        self._process = None
        if is_ours or code == -signal.SIGPROF:
            return f"reading the page took longer than {self._cpu_limit_s:g} s and was ended"
        return f"reading the page ended the process that did it ({code})"


def _write(pipe: IO[bytes], frame: bytes) -> None:
    pipe.write(_LENGTH.pack(len(frame)) + frame)
    pipe.flush()


def _read(pipe: IO[bytes], deadline: float) -> bytes:
    """One frame. Raises EOFError at the end, TimeoutError at the deadline (monotonic seconds)."""
    [length] = _LENGTH.unpack(_take(pipe, _LENGTH.size, deadline))
    return _take(pipe, length, deadline)


def _take(pipe: IO[bytes], size: int, deadline: float) -> bytes:
    taken = bytearray()
    while len(taken) < size:
        if not select.select([pipe], [], [], _left(deadline))[0]:
            raise TimeoutError
        piece = os.read(pipe.fileno(), size - len(taken))
        if not piece:
            raise EOFError
        taken += piece
    return bytes(taken)


def _left(deadline: float) -> float | None:
    return None if deadline == float("inf") else max(deadline - time.monotonic(), 0)


def main() -> None:
    """The child: read frames until the parent is gone."""
    from worker.runtime.children import die_with_parent

    die_with_parent()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    cpu_limit_s = float(sys.argv[1])
    read_page(b"<html><body><p>warm</p></body></html>", "", "text/html")  # imports cost more than most pages
    while True:
        try:
            head, body = (_read(sys.stdin.buffer, float("inf")) for _ in range(2))
        except EOFError:
            return
        asked = json.loads(head)
        signal.setitimer(signal.ITIMER_PROF, cpu_limit_s)
        page = read_page(body, asked["url"], asked["content_type"])
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(sys.stdout.buffer, json.dumps(asdict(page) if page else None).encode())


if __name__ == "__main__":
    main()
