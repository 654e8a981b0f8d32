"""Analysed articles by their id, as `ports.Articles` promises them; reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import redis

from worker.model import Analysis, Article
from worker.ports import SUSPECT
from worker.runtime.records import ANALYSIS, DECISION, restore_article
from worker.runtime.redis_client import K, translated

_NAMES: Final = ("record", "first_seen", "story", "claims", "analysis", "decision")


class ArticleStore:
    """See `ports.Articles`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def read_articles(self, ids: Sequence[str]) -> list[tuple[Article, Analysis | None] | None]:
        with translated(), self._client.pipeline(transaction=False) as pipeline:
            for id_ in ids:
                pipeline.hmget(K + f"article:{id_}", _NAMES)
            rows = pipeline.execute()
        return [_told(id_, dict(zip(_NAMES, row, strict=True))) for id_, row in zip(ids, rows, strict=True)]


def _told(article_id: str, item: Mapping[str, str | None]) -> tuple[Article, Analysis | None] | None:
    is_told = item["record"] and item["first_seen"] and item["story"]
    if not is_told or int(item["claims"] or 0) >= SUSPECT:
        return None
    article = restore_article(article_id, {name: value for name, value in item.items() if value})
    analysis = ANALYSIS.validate_json(item["analysis"]) if item["analysis"] else None
    return with_decided_zones(article, item["decision"]), analysis


def with_decided_zones(article: Article, decision: str | None) -> Article:
    """The article with the zones it was matched in: passages that its feed repeats may be teasers by then."""
    zones = DECISION.validate_json(decision).zones if decision else ()
    return replace(article, zones=zones) if zones else article
