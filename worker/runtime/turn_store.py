"""Turns at hosts, shared by all processes over Redis: `turn:HOST` holds when the host is free again (ms)."""

from collections.abc import Sequence

from worker.errors import StoreUnavailable
from worker.runtime.redis_client import Scripts
from worker.runtime.redis_store import RedisStore


class RedisTurns:
    """Reserves turns; where Redis does not answer each process keeps its own, so that politeness stops no poll."""

    def __init__(self, store: RedisStore) -> None:
        self._run = Scripts(store.client, "take_turn").run

    def reserve(self, hosts: Sequence[str], pause_s: float, patience_s: float) -> list[float] | None:
        """Seconds to wait for the turn at each host, which is taken unless that is longer than the patience.

        None without Redis.
        """
        try:
            return [
                int(ms) / 1000 for ms in self._run("take_turn", round(pause_s * 1000), round(patience_s * 1000), *hosts)
            ]
        except StoreUnavailable:
            return None
