"""What is due over Redis: articles nobody has in hand, and the feed that is due longest."""

from datetime import timedelta

from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore


class RedisQueue:
    """See `ports.Queue`; by the server's clock."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    def waiting(self) -> tuple[int, timedelta]:
        """How many articles are due, and how late the first feed is."""
        with translated():
            seconds, micros = self._store.client.time()
            now = seconds * 1000 + micros // 1000
            pipeline = self._store.client.pipeline(transaction=False)
            pipeline.zcount(K + "articles:due", "-inf", now)
            pipeline.zrange(K + "feeds:due", 0, 0, withscores=True)
            articles, first = pipeline.execute()
        late = max(now - first[0][1], 0) if first else 0
        return int(articles), timedelta(milliseconds=late)
