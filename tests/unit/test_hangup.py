"""Who asks for a reload is heard, whatever became of the one before."""

from queue import SimpleQueue

import pytest
from redis.exceptions import ResponseError

from worker.errors import StoreUnavailable
from worker.runtime.hangup import ReloadAsker


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), ResponseError("BUSY running a script")])
def test_a_reload_that_could_not_be_asked_for_is_told_and_the_next_is_asked_for(error):
    asked: SimpleQueue[str] = SimpleQueue()
    failures = [error]

    def ask() -> None:
        asked.put("asked")
        if failures:
            raise failures.pop()

    asker = ReloadAsker(ask)
    for _ in range(2):
        asker.ask()
        assert asked.get(timeout=5) == "asked"
