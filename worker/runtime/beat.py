"""Beat's schedule, kept by how time passes and not by what the wall clock says."""

import time
from typing import Any

from celery.beat import Scheduler

_LEAP_S = 2.0
"""A wall clock that differs by more than this from the time that passed was set."""


class SteadyScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Celery's scheduler, except that a clock which is set back does not silence it until the old time comes again.

    Entries are due by the wall clock: `last_run_at` in the future would keep them from running for as long as the clock
    was set back. After a leap they count from now.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._offset = _offset()
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Run what is due; seconds until the next."""
        if abs(_offset() - self._offset) > _LEAP_S:
            self._offset = _offset()
            for entry in self.schedule.values():
                entry.last_run_at = entry.default_now()
            self._heap = None
        return super().tick(*args, **kwargs)


def _offset() -> float:
    return time.time() - time.monotonic()
