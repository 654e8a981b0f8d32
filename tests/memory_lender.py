"""Articles that come back, in plain Python: the same promises as the script."""

from datetime import timedelta

from tests.memory_store import MemoryStore


class MemoryLender:
    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def give_back(self, loans, *, is_counted: bool, wait=timedelta(0)) -> int:
        store, back = self.store, 0
        for id_, fence in loans:
            item = store.articles[id_]
            if item.fence == fence and id_ in store.due["articles"]:
                item.fence = 0
                item.claims -= not is_counted
                store.due["articles"][id_] = store.clock.now() + wait
                back += 1
        return back
