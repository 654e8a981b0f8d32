"""The progress watchdog: a worker that has work and completes none of it ends itself, so that its supervisor restarts it.

A worker can be alive and deaf, for instance after a connection was lost in a way its library does not notice. No
heartbeat tells that from health; that due work is not getting done does. Owns the rule and the thread that applies it.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from worker.errors import ConfigError, StoreUnavailable
from worker.model import Configuration
from worker.ports import Stage
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore
from worker.runtime.reload import Fingerprint, fingerprint

EXIT_STALLED = 70
"""EX_SOFTWARE of sysexits(3)."""
_LONGEST_STEP_S = 5.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look at a stage saw: whether work was due, and the stamp of its last completion."""

    is_due: bool
    completed: str


@dataclass(frozen=True, slots=True)
class Vigil:
    """How long due work has been left undone. Times are monotonic seconds."""

    completed: str = ""
    since: float = 0.0
    looked: float = 0.0

    def after(self, seen: Sighting | None, now: float, limit_s: float) -> "Vigil":
        """The vigil after one more look.

        It starts anew where nothing is due, something was completed, or Redis is away (`seen` is None), and after the
        process itself was frozen: then the worker has its chance first.
        """
        was_frozen = now - self.looked > limit_s
        if seen is None or not seen.is_due or seen.completed != self.completed or was_frozen:
            return Vigil(seen.completed if seen else self.completed, now, now)
        return Vigil(self.completed, self.since, now)

    def is_stalled(self, now: float, limit_s: float) -> bool:
        """Whether the limit has passed."""
        return now - self.since >= limit_s


def takes_deliveries(client: Any, endpoint: str, now: int) -> bool:
    """Whether an endpoint's deliveries are lent at all: its circuit is closed, and it asked for no pause (ms since 1970)."""
    circuit, held_until = client.hmget(K + f"endpoint:{endpoint}", ["circuit", "held_until"])
    return (circuit or "closed") == "closed" and int(held_until or 0) <= now


def look(store: RedisStore, stage: Stage, endpoints: Sequence[str]) -> Sighting:
    """What the store says of a stage now. Deliveries that wait for their endpoint are not due."""
    client = store.client
    with translated():
        seconds, micros = client.time()
        now = seconds * 1000 + micros // 1000
        queues = {"poll": ["feeds:due"], "read": ["pages:due"], "enrich": ["articles:due"]}.get(stage) or [
            f"outbox:{name}" for name in endpoints if takes_deliveries(client, name, now)
        ]
        is_due = any(client.zcount(K + queue, "-inf", now) for queue in queues)
        return Sighting(is_due, str(client.hget(K + "progress", stage) or ""))


class EndpointNames:
    """The endpoints of the configuration as its files are now; while they are wrong, those of the last good one."""

    def __init__(self, directory: Path, configuration: Configuration, load: Callable[[Path], Configuration]) -> None:
        self._directory, self._load = directory, load
        self._seen: Fingerprint = ()
        self._take(configuration)

    def __call__(self) -> Sequence[str]:
        seen = fingerprint(self._directory, self._files)
        if seen != self._seen:
            try:
                self._take(self._load(self._directory))
            except (ConfigError, OSError):
                self._seen = seen
        return self._names

    def _take(self, configuration: Configuration) -> None:
        self._names = [endpoint.name for endpoint in configuration.endpoints]
        self._files = configuration.files
        self._seen = fingerprint(self._directory, self._files)


class Watchdog:
    """Watches the stages of this process from a thread of its own, until it is called off."""

    def __init__(
        self, store: RedisStore, stages: Sequence[Stage], endpoints: Callable[[], Sequence[str]], limit: timedelta
    ) -> None:
        self._store, self._stages, self._endpoints = store, stages, endpoints
        self._limit_s = limit.total_seconds()
        self._off = threading.Event()

    def start(self) -> None:
        """Start watching."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def call_off(self) -> None:
        """Stop watching: the worker is stopping and leaves due work to others."""
        self._off.set()

    def _watch(self) -> None:
        started = time.monotonic()
        vigils = dict.fromkeys(self._stages, Vigil(since=started, looked=started))
        while not self._off.wait(min(self._limit_s / 4, _LONGEST_STEP_S)):
            for stage in self._stages:
                seen, now = self._look(stage), time.monotonic()
                vigils[stage] = vigils[stage].after(seen, now, self._limit_s)
                if vigils[stage].is_stalled(now, self._limit_s):
                    _end(stage, self._limit_s)

    def _look(self, stage: Stage) -> Sighting | None:
        try:
            return look(self._store, stage, self._endpoints())
        except StoreUnavailable:
            return None


def _end(stage: Stage, limit_s: float) -> None:
    """End this process and its pool; what they held is lent again when its lease ends."""
    from billiard import active_children

    structlog.get_logger().error(
        "stalled",
        stage=stage,
        message=f"work is due and none was completed for {limit_s:.0f} s; ending, to be restarted. "
        "If this comes back, see whether beat runs",
    )
    for child in active_children():
        os.kill(child.pid, signal.SIGKILL)
    os._exit(EXIT_STALLED)
