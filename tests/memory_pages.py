"""Which pages are to be read, in plain Python: the same promises as the scripts."""

from tests.memory_store import MemoryStore, PageItem
from worker.reader import PageClaim
from worker.series import PAGES, series


class MemoryPageStore:
    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def claim_pages(self, limit, lease) -> list[PageClaim]:
        store, now = self.store, self.store.clock.now()
        claimed = []
        due = store.due["pages"]
        for id_ in sorted((i for i, at in due.items() if at <= now), key=lambda i: (due[i], i))[: max(limit, 0)]:
            if not self._awaits(id_):
                self._drop(id_)
                store.count([(series(PAGES, outcome="late"), 1)])
                continue
            page = store.pages.setdefault(id_, PageItem(now))
            store._fence += 1
            page.fence, page.claims = store._fence, page.claims + 1
            due[id_] = now + lease
            article = store.articles[id_].record
            claimed.append(PageClaim(article, page.fence, page.tries + 1, page.claims, page.wanted_at))
        return claimed

    def finish_page(self, claim, decision, counts=()) -> bool:
        store, id_ = self.store, claim.article.id
        page = store.pages.get(id_)
        if page is None or page.fence != claim.fence:
            return False
        outcome = decision.outcome.value
        if not self._awaits(id_):
            self._drop(id_)
            outcome = "late"
        elif decision.wait:
            page.fence, page.claims, page.tries = 0, 0, page.tries + 1
            store.due["pages"][id_] = store.clock.now() + decision.wait
        else:
            self._drop(id_)
            store.articles[id_].record = decision.article
            store.due["articles"][id_] = store.clock.now()
        store.count([(series(PAGES, outcome=outcome), 1), *counts])
        return outcome != "late"

    def _awaits(self, id_) -> bool:
        return self.store.articles[id_].state == "due" and not self.store.articles[id_].claims

    def _drop(self, id_) -> None:
        self.store.pages.pop(id_, None)
        self.store.due["pages"].pop(id_, None)
