"""Which pages are to be read, over Redis: `pages:due` by time, `page:ARTICLE` with fence, tries, claims and `wanted_at`."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from worker.decision import digest_text
from worker.model import Article, PageDecision
from worker.reader import PageClaim
from worker.runtime.redis_client import moment_of, script, translated
from worker.runtime.redis_store import RedisStore, restore_article

_ARTICLE = TypeAdapter(Article)


class RedisPageStore:
    """See `reader.PageStore`."""

    def __init__(self, store: RedisStore) -> None:
        self._scripts = {name: script(store.client, name) for name in ("claim_pages", "finish_page")}

    def claim_pages(self, limit: int, lease: timedelta) -> list[PageClaim]:
        if limit <= 0:
            return []
        claimed = []
        for id_, fence, tries, claims, wanted_at, flat in self._run("claim_pages", _ms(lease), limit):
            item = dict(zip(flat[::2], flat[1::2], strict=True))
            article = restore_article(id_, item)
            claimed.append(PageClaim(article, int(fence), int(tries), int(claims), moment_of(wanted_at)))
        return claimed

    def finish_page(self, claim: PageClaim, decision: PageDecision, counts: Sequence[tuple[str, float]] = ()) -> bool:
        work = {
            "outcome": decision.outcome.value,
            "record": _ARTICLE.dump_json(decision.article).decode(),
            "sha256": digest_text(decision.article.text),
            "wait_ms": _ms(decision.wait) if decision.wait else 0,
            "counts": list(counts),
        }
        return bool(self._run("finish_page", claim.article.id, claim.fence, json.dumps(work)))

    def _run(self, script: str, *args: str | int) -> Any:
        with translated():
            return self._scripts[script](args=args)


def _ms(duration: timedelta) -> int:
    return max(round(duration.total_seconds() * 1000), 1)
