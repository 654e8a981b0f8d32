"""What the store keeps of decisions that were made: the article as it was, its analysis, the decision, its alerts."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from worker.replay import Decided
from worker.runtime.records import ANALYSIS, DECISION, restore_article
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore

_FIELDS = ("record", "first_seen", "analysis", "decision", "decided")


def read_decided(store: RedisStore, article: str) -> list[Decided]:
    """The decisions on an article that are kept, the newest first: also those on earlier texts that made a watch fire."""
    with translated():
        *newest, revision = store.client.hmget(K + f"article:{article}", (*_FIELDS, "revision"))
        pipeline = store.client.pipeline(transaction=False)
        for number in range(int(revision or 0)):
            pipeline.hmget(K + f"article:{article}:was:{number}", _FIELDS)
        past = pipeline.execute() if revision else []
    found = [(int(newest[4] or 0), newest), *reversed(list(enumerate(past)))]
    return [_restore(store, article, revision, row) for revision, row in found if row[2] and row[3]]


def find_alert(store: RedisStore, alert: str) -> tuple[str, Decided | None] | None:
    """An alert's article and the decision that raised it, where that is kept; None where there is no such alert."""
    with translated():
        article = store.client.hget(K + f"alert:{alert}", "article")
    if article is None:
        return None
    raised = (
        decided
        for decided in read_decided(store, article)
        if alert in [fired.alert_id for fired in decided.decision.fired]
    )
    return article, next(raised, None)


def all_decided(store: RedisStore, since: datetime | None = None) -> Iterator[Decided]:
    """Every newest decision on an article that is kept, in no order."""
    with translated():
        for key in store.client.scan_iter(match=K + "article:*", count=1_000):
            article = key.removeprefix(K + "article:")
            if ":" in article:
                continue
            row = store.client.hmget(key, _FIELDS)
            if row[2] and row[3]:
                decided = _restore(store, article, int(row[4] or 0), row)
                if since is None or decided.decision.decided_at >= since:
                    yield decided


def _restore(store: RedisStore, article: str, revision: int, row: list[Any]) -> Decided:
    record, first_seen, analysis, decision, _ = row
    kept = DECISION.validate_json(decision)
    ids = [fired.alert_id for fired in kept.fired if fired.alert_id]
    with translated():
        records = {id_: store.client.hget(K + f"alert:{id_}", "record") for id_ in ids}
    return Decided(
        restore_article(article, {"record": record, "first_seen": first_seen}),
        ANALYSIS.validate_json(analysis),
        kept,
        revision,
        {id_: json.loads(text)["data"] for id_, text in records.items() if text},
    )
