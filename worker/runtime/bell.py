"""The bell over Celery: what was found is worked on while the finder looks further."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from kombu.exceptions import OperationalError

from worker.errors import StoreUnavailable
from worker.ports import Bell, Stage
from worker.runtime.redis_client import translated

_EVERY_S = 0.2
"""A worker that is busy needs no second doorbell within this."""


class Doorbell(Bell):
    """Sends doorbells, at most one in `_EVERY_S` to each stage; one that cannot be sent is made up for by beat's.

    One that comes too soon is owed: whoever it would wake may be through with all that was there at the one before.
    """

    def __init__(self, send: Callable[[Stage], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._send, self._clock = send, clock
        self._rung: dict[Stage, float] = {}
        self._owed: dict[Stage, None] = {}

    def ring(self, stage: Stage) -> None:
        """Wake a stage; later, where that was done just now."""
        self._owed[stage] = None
        self.catch_up()

    def catch_up(self) -> None:
        """Wake the stages whose moment has come."""
        if not self._owed:
            return
        now = self._clock()
        for stage in [stage for stage in self._owed if now - self._rung.get(stage, -_EVERY_S) >= _EVERY_S]:
            del self._owed[stage]
            self._rung[stage] = now
            with suppress(OperationalError, StoreUnavailable):
                self._send(stage)


def ring_by_celery(client: Any, stage: Stage) -> None:
    """Send a stage its doorbell, unless one waits in its queue: whoever were free would have taken that.

    Where two tasks share a queue two must wait, since beat rings for both by turns, and the older is taken first. Asking costs
    a thirtieth of sending, and writes nothing to the server's disk. Raises OperationalError, StoreUnavailable.
    """
    from worker.runtime.app import QUEUES, app

    queue = QUEUES[stage]
    with translated():
        waiting = client.llen(app.conf.broker_transport_options["global_keyprefix"] + queue)
    if waiting < list(QUEUES.values()).count(queue):
        app.send_task(f"tocsin.{stage}", retry=False)
