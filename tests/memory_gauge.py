"""What waits, in plain Python: the same promises as the script."""

from tests.memory_store import MemoryStore
from worker.backpressure import Load


class MemoryGauge:
    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def read(self) -> Load:
        now, due = self.store.clock.now(), self.store.due
        unread = sum(at <= now for at in due["articles"].values())
        return Load(unread, self.store.taken_up, min(due["feeds"].values()) - now if due["feeds"] else None)
