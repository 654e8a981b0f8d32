"""What waits in the store, in one trip that changes nothing; see `backpressure.Gauge`."""

from datetime import timedelta
from typing import Any

from worker.backpressure import Load
from worker.runtime.redis_client import Scripts


class RedisGauge:
    """Reads the load of the installation from its store."""

    def __init__(self, client: Any) -> None:
        self._run = Scripts(client, "load").run

    def read(self) -> Load:
        """As it is now. Raises StoreUnavailable."""
        unread, taken_up, due_ms = self._run("load")
        return Load(int(unread), int(taken_up), None if due_ms is None else timedelta(milliseconds=int(due_ms)))
