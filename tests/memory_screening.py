"""The state of a screening in plain Python, over articles in a list."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from worker.model import Story
from worker.screener import Claim, Page, Progress, StoredArticle


class MemoryScreeningStore:
    def __init__(self, clock, articles: Sequence[StoredArticle] = (), stories: Sequence[Story] = ()) -> None:
        self.clock, self.articles, self.stories = clock, list(articles), {story.id: story for story in stories}
        self.state, self.marks, self.hits, self.added = Progress(), {}, {}, {}
        self.cursor = self.fence = self.fences = 0
        self.leased_until = clock.now()
        self.alerts, self.is_busy = {}, False

    def progress(self):
        return self.state

    def known(self):
        return dict(self.marks)

    def begin(self, before, digest, known, added):
        if self.state.digest != before or self.state.phase:
            return False
        self.state = replace(self.state, digest=digest)
        self.marks |= {name: frozenset(marks) for name, marks in known.items()}
        if added:
            self.state = Progress(digest, "scan", total=len(self.articles), started_at=self.clock.now())
            self.added, self.cursor, self.hits, self.leased_until = dict(added), 0, {}, self.clock.now()
        return True

    def claim(self, lease):
        if not self.state.phase or self.leased_until > self.clock.now():
            return None
        self.fences += 1
        self.fence, self.leased_until = self.fences, self.clock.now() + lease
        return Claim(self.fence, self.state.phase, self.cursor, self.added)

    def page(self, cursor, size):
        some = self.articles[cursor : cursor + size]
        after = cursor + size
        return Page(after if after < len(self.articles) else 0, len(some), some)

    def read(self, article):
        return next((one for one in self.articles if one.article.id == article), None)

    def read_story(self, story):
        return self.stories.get(story)

    def advance(self, claim, done):
        if claim.fence != self.fence:
            return False
        self.hits |= {replace(one, seen_ms=0): one for one in done.found}
        self.state = replace(
            self.state, phase=done.phase, looked=self.state.looked + done.looked, found=len(self.hits),
            finished_at=None if done.phase else self.clock.now(),
        )  # fmt: skip
        self.cursor = done.cursor
        self.leased_until = self.clock.now() + (done.lease or timedelta(0))
        self.fence = self.fence if done.lease else 0
        if not done.phase:
            self.hits, self.added = {}, {}
        return True

    def found(self):
        return list(self.hits.values())

    def raise_alert(self, claim, position, raised, deliveries):
        if claim.fence != self.fence:
            return -1
        self.cursor = position
        if raised.id in self.alerts:
            return 0
        self.alerts[raised.id] = (raised, deliveries)
        self.state = replace(self.state, raised=self.state.raised + 1)
        return 1

    def is_live_work_due(self):
        return self.is_busy
