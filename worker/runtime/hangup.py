"""Answers SIGHUP: every process is asked to read its configuration anew, without anybody waiting for Redis."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from worker.errors import StoreUnavailable, describe_failure
from worker.runtime.log import LogObserver


class ReloadAsker:
    """Asks in a thread of its own, since a Redis that does not answer would hold up whoever was signalled."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._heard: SimpleQueue[None] = (
            SimpleQueue()
        )  # the one queue that a signal may interrupt in the midst of a put
        threading.Thread(target=self._answer, name="hangup", daemon=True).start()

    def ask(self) -> None:
        """Have it asked soon; signals that come while Redis is waited for are answered together."""
        self._heard.put(None)

    def _answer(self) -> None:
        while True:
            self._heard.get()
            self._drain()
            try:
                self._ask()
            except StoreUnavailable as error:
                LogObserver().note("reload_failed", error=str(error), then="ask again, or change a file")
            except Exception as error:  # noqa: BLE001 - who asks again must still be heard
                LogObserver().note("reload_failed", error=describe_failure(error), then="ask again, or change a file")

    def _drain(self) -> None:
        try:
            while True:
                self._heard.get_nowait()
        except Empty:
            return
