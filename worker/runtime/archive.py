"""The articles that the store keeps (30 days), for replaying them through a watchlist."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from worker.backtest import PastArticle
from worker.runtime.article_store import with_decided_zones
from worker.runtime.records import ANALYSIS, restore_article
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore
from worker.screener import StoredArticle

_TOGETHER = 200


def stored_articles(store: RedisStore, since: datetime | None = None, after: str = "") -> Iterator[PastArticle]:
    """Every stored article in the order of ids, beginning behind `after`, with its analysis where there is one."""
    ids = [id_ for id_ in _ids(store) if id_ > after]
    for start in range(0, len(ids), _TOGETHER):
        for stored in read_articles(store, ids[start : start + _TOGETHER]):
            article = stored.article
            if since is None or (article.first_seen and article.first_seen >= since):
                yield PastArticle(article.id, article, stored.analysis)


def stored_whole(store: RedisStore) -> Iterator[StoredArticle]:
    """Every stored article with analysis and story, in the order of ids."""
    ids = _ids(store)
    for start in range(0, len(ids), _TOGETHER):
        yield from read_articles(store, ids[start : start + _TOGETHER])


def count_articles(store: RedisStore) -> int:
    """How many articles the store keeps, those without a text included."""
    return len(_ids(store))


def read_articles(store: RedisStore, ids: Sequence[str]) -> list[StoredArticle]:
    """The articles of these ids that are there."""
    with translated():
        pipeline = store.client.pipeline(transaction=False)
        for id_ in ids:
            pipeline.hmget(K + "article:" + id_, ["record", "first_seen", "analysis", "story", "decision"])
        rows = pipeline.execute()
    return [
        StoredArticle(
            with_decided_zones(restore_article(id_, {"record": record, "first_seen": first_seen}), decision),
            ANALYSIS.validate_json(analysis) if analysis else None,
            story or "",
        )
        for id_, (record, first_seen, analysis, story, decision) in zip(ids, rows, strict=True)
        if record and first_seen
    ]


def _ids(store: RedisStore) -> list[str]:
    prefix = K + "article:"
    with translated():
        keys = store.client.scan_iter(match=prefix + "*", count=1_000)
        return sorted({key.removeprefix(prefix) for key in keys if key.count(":") == 2})  # noqa: PLR2004 - no sub-keys
