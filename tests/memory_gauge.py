"""What waits, in plain Python: the same promises as the script."""

from tests.memory_store import MemoryStore
from worker.backpressure import Load
from worker.series import ARTICLES, series


class MemoryGauge:
    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def read(self) -> Load:
        now, due = self.store.clock.now(), self.store.due
        came = sum(self.store.counted[series(ARTICLES, outcome=outcome)] for outcome in ("new", "revised"))
        unread = sum(at <= now for at in due["articles"].values())
        return Load(unread, int(came), min(due["feeds"].values()) - now if due["feeds"] else None)
