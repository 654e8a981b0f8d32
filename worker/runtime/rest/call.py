"""What a handler gets and what it works on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from worker.api.operations import Operation
from worker.model import Configuration
from worker.runtime.redis_store import RedisStore
from worker.runtime.rest.admission import Caller


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in and read: `names` from the path, `query` and `body` as their models."""

    operation: Operation
    caller: Caller
    names: Mapping[str, str]
    query: Any
    body: Any
    base: str
    """Scheme, host and port under which the server was asked."""
    key: str = ""
    """The Idempotency-Key, "" without one."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The store, and the newest good configuration at each call."""

    store: RedisStore
    newest: Callable[[], Configuration]

    @property
    def configuration(self) -> Configuration:
        """The newest good one."""
        return self.newest()
