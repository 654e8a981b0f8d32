"""Celery's application with an enricher that never comes to an end with one article: `-A tests.integration.stuck_worker`."""

import time
from itertools import count

from tests.fakes import PhraseEnricher
from worker.enrich import enricher
from worker.runtime.app import app

__all__ = ["app"]


class Stuck(PhraseEnricher):
    def enrich(self, articles):
        if any("choir" in article.title for article in articles):
            for _ in count():
                time.sleep(0.1)
        return super().enrich(articles)

    def glance(self, articles):
        return self.enrich(articles)


app.conf.update(task_soft_time_limit=1, task_time_limit=30)
enricher.load = lambda *_: Stuck()
