"""Turns at hosts, shared by all processes over Redis: `turn:HOST` holds when the host is free again (ms)."""

from importlib.resources import files

from worker.errors import StoreUnavailable
from worker.runtime.redis_store import RedisStore, translated


class RedisTurns:
    """Reserves turns; where Redis does not answer each process keeps its own, so that politeness stops no poll."""

    def __init__(self, store: RedisStore) -> None:
        folder = files("worker.runtime") / "lua"
        source = "".join((folder / f"{name}.lua").read_text("utf-8") for name in ("prelude", "take_turn"))
        self._script = store.client.register_script(source)

    def reserve(self, host: str, pause_s: float, patience_s: float) -> float | None:
        """Seconds to wait for the turn, which is taken unless that is longer than the patience; None without Redis."""
        try:
            with translated():
                return int(self._script(args=[host, round(pause_s * 1000), round(patience_s * 1000)])) / 1000
        except StoreUnavailable:
            return None
