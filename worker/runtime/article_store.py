"""Analysed articles by their id, as `ports.Articles` promises them; reads only."""

from dataclasses import replace

import redis

from worker.model import Analysis, Article
from worker.ports import SUSPECT
from worker.runtime.records import ANALYSIS, DECISION, restore_article
from worker.runtime.redis_client import K, translated


class ArticleStore:
    """See `ports.Articles`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def read_article(self, article_id: str) -> tuple[Article, Analysis | None] | None:
        names = ["record", "first_seen", "story", "claims", "analysis", "decision"]
        with translated():
            item = dict(zip(names, self._client.hmget(K + f"article:{article_id}", names), strict=True))
        is_told = item["record"] and item["first_seen"] and item["story"]
        if not is_told or int(item["claims"] or 0) >= SUSPECT:
            return None
        article = restore_article(article_id, {name: str(value) for name, value in item.items() if value})
        analysis = ANALYSIS.validate_json(item["analysis"]) if item["analysis"] else None
        return with_decided_zones(article, str(item["decision"] or "")), analysis


def with_decided_zones(article: Article, decision: str | None) -> Article:
    """The article with the zones it was matched in: passages that its feed repeats may be teasers by then."""
    zones = DECISION.validate_json(decision).zones if decision else ()
    return replace(article, zones=zones) if zones else article
