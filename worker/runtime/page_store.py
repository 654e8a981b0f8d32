"""Which pages are to be read, over Redis.

pages:due        articles by the time when their page is due
page:ARTICLE     fence, tries, claims and `wanted_at`
feed_pages:FEED  for each outcome of a feed's pages the newest reason, and when (`at:OUTCOME`)
"""

import json
from collections.abc import Sequence
from datetime import timedelta

from worker.decision import digest_text
from worker.model import PageDecision
from worker.reader import PageClaim
from worker.runtime.records import ARTICLE, KEEP_TRENDS, dump, restore_article
from worker.runtime.redis_client import Scripts, fields, milliseconds, moment_of
from worker.runtime.redis_store import RedisStore


class RedisPageStore:
    """See `reader.PageStore`."""

    def __init__(self, store: RedisStore) -> None:
        self._run = Scripts(store.client, "claim_pages", "finish_page").run

    def claim_pages(self, limit: int, lease: timedelta) -> list[PageClaim]:
        if limit <= 0:
            return []
        claimed = []
        for id_, fence, tries, claims, wanted_at, flat in self._run("claim_pages", milliseconds(lease), limit):
            article = restore_article(id_, fields(flat))
            claimed.append(PageClaim(article, int(fence), int(tries), int(claims), moment_of(wanted_at)))
        return claimed

    def finish_page(self, claim: PageClaim, decision: PageDecision, counts: Sequence[tuple[str, float]] = ()) -> bool:
        work = {
            "outcome": decision.outcome.value,
            "record": dump(ARTICLE, decision.article),
            "sha256": digest_text(decision.article.text),
            "wait_ms": milliseconds(decision.wait) if decision.wait else 0,
            "counts": list(counts),
            "feed": claim.article.feed_id,
            "reason": decision.article.text_reason,
            "trend_keep_ms": milliseconds(KEEP_TRENDS),
        }
        return bool(self._run("finish_page", claim.article.id, claim.fence, json.dumps(work)))
