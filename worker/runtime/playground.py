"""Trying an article from the page: the language model lives in a process of its own, started when first needed.

The web process stays small and never waits. The child (`playground_child`) ends when its input ends,
so it leaves with the web process however that ends.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from worker.errors import InputError

LONGEST_TEXT = 200_000
_FIRST_ANSWER_S, _TESTS_S, _IDLE_S = 90, 600, 600
_LONGEST_LINE = 32_000_000


class Playground:
    """One child at most, asked one thing at a time."""

    def __init__(self, config: Path, environ: dict[str, str] | None = None) -> None:
        self._environ = (environ or dict(os.environ)) | {"TOCSIN_CONFIG": str(config), "OMP_NUM_THREADS": "1"}
        self._lock = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._rest: asyncio.TimerHandle | None = None

    async def ask(self, question: dict[str, str]) -> dict[str, Any]:
        """What `trial.describe` says of a `text` or of the page at a `url`. Raises InputError with the reason."""
        return await self._ask(question, _FIRST_ANSWER_S, "the article took longer than {} s; try a shorter one")

    async def run_tests(self) -> dict[str, Any]:
        """The configuration's `hash`, and a summary of its tests under `watches`. Raises InputError with the reason."""
        late = "the tests took longer than {} s; run `tocsin test` instead"
        return await self._ask({"tests": "all"}, _TESTS_S, late)

    async def _ask(self, question: dict[str, str], limit_s: int, late: str) -> dict[str, Any]:
        async with self._lock:
            try:
                answer = await asyncio.wait_for(self._exchange(question), limit_s)
            except TimeoutError:
                await self.stop()
                raise InputError(late.format(limit_s)) from None
            except BaseException:  # a browser that left: the answer on its way must not become the next one's
                await self.stop()
                raise
            self._stop_when_idle()
        if "error" in answer:
            raise InputError(answer["error"])
        return answer

    async def stop(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child and child.returncode is None:
            child.kill()
            await child.wait()

    async def _exchange(self, question: dict[str, str]) -> dict[str, Any]:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "worker.runtime.playground_child",
                env=self._environ, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_LINE,
            )  # fmt: skip
        assert self._child.stdin
        assert self._child.stdout
        try:
            self._child.stdin.write(json.dumps(question).encode() + b"\n")
            await self._child.stdin.drain()
            line = await self._child.stdout.readline()
        except ConnectionError:
            line = b""
        if not line:
            await self.stop()
            return {"error": "the language model's process ended; look at the log of `tocsin web`"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _stop_when_idle(self) -> None:
        if self._rest:
            self._rest.cancel()
        loop = asyncio.get_running_loop()
        self._rest = loop.call_later(_IDLE_S, lambda: loop.create_task(self._stop_unless_busy()))

    async def _stop_unless_busy(self) -> None:
        if not self._lock.locked():
            await self.stop()
