"""The articles that the store keeps (30 days), for replaying them through a watchlist."""

from collections.abc import Iterator
from datetime import UTC, datetime

from worker.backtest import PastArticle
from worker.runtime.redis_store import ANALYSIS, K, RedisStore, restore_article, translated

_TOGETHER = 200


def stored_articles(store: RedisStore, since: datetime | None = None, after: str = "") -> Iterator[PastArticle]:
    """Every stored article in the order of ids, beginning behind `after`, with its analysis where there is one."""
    prefix = K + "article:"
    with translated():
        keys = store.client.scan_iter(match=prefix + "*", count=1_000)
        ids = sorted({key.removeprefix(prefix) for key in keys if key.count(":") == 2})  # noqa: PLR2004 - no sub-keys
    ids = [id_ for id_ in ids if id_ > after]
    for start in range(0, len(ids), _TOGETHER):
        some = ids[start : start + _TOGETHER]
        with translated():
            pipeline = store.client.pipeline(transaction=False)
            for id_ in some:
                pipeline.hmget(prefix + id_, ["record", "first_seen", "analysis"])
            rows = pipeline.execute()
        for id_, (record, first_seen, analysis) in zip(some, rows, strict=True):
            if not record or not first_seen:
                continue
            if since and datetime.fromtimestamp(int(first_seen) / 1000, UTC) < since:
                continue
            article = restore_article(id_, {"record": record, "first_seen": first_seen})
            yield PastArticle(id_, article, ANALYSIS.validate_json(analysis) if analysis else None)
