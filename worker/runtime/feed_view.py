"""What a feed's row says beyond its polls: what its hub does, and what became of the pages that its entries link to."""

from collections.abc import Mapping, Sequence
from typing import Any

from worker import trend
from worker.model import Feed, PageOutcome
from worker.runtime.http import short_url
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore
from worker.runtime.subscription_store import restore
from worker.runtime.trends import Trends, read_trends
from worker.runtime.views import iso_ms, list_feeds

HOURS = 48
"""Pages are counted over this long."""


def describe_feeds(store: RedisStore, feeds: Sequence[Feed], trends: Trends | None = None) -> list[dict[str, Any]]:
    """The rows of `list_feeds`, each with `settings`, `hub` (None without a subscription) and `pages`.

    `trends` are of the last 48 h, where the caller has them.
    """
    counted = (trends or read_trends(store, HOURS)).totals(trend.PAGE)
    with translated():
        pipeline = store.client.pipeline(transaction=False)
        for feed in feeds:
            pipeline.hmget(K + f"websub:{feed.id}", ["record", "version"])
            pipeline.hexists(K + f"feed:{feed.id}", "delivers_until")
            pipeline.hgetall(K + f"feed_pages:{feed.id}")
        answers = pipeline.execute()
    rows = list_feeds(store, feeds)
    return [
        row
        | {
            "settings": {"fulltext": feed.fulltext, "robots": feed.robots, "websub": feed.websub},
            "hub": _hub(answers[3 * i], delivers=bool(answers[3 * i + 1])),
            "pages": _pages(feed, counted, answers[3 * i + 2]),
        }
        for i, (feed, row) in enumerate(zip(feeds, rows, strict=True))
    ]


def _hub(kept: Any, *, delivers: bool) -> dict[str, Any] | None:
    found = restore(kept)
    if found is None:
        return None
    one = found.subscription
    return {
        "hub": short_url(one.hub),
        "state": one.state.value,
        "expires_at": one.expires_at.isoformat(timespec="seconds") if one.expires_at else None,
        "delivers": delivers,
        "failures": one.failures,
        "reason": one.reason,
    }


def _pages(feed: Feed, counted: Mapping[str, int], last: Mapping[str, str]) -> dict[str, Any]:
    """How many pages were taken and how many not, and for each outcome the newest reason, the commonest first."""
    found = {outcome: counted.get(f"{feed.id}:{outcome}", 0) for outcome in PageOutcome}
    taken = found[PageOutcome.READ]
    return {
        "hours": HOURS,
        "taken": taken,
        "refused": sum(found.values()) - taken,
        "outcomes": [
            {
                "outcome": outcome.value,
                "number": number,
                "reason": last.get(outcome, ""),
                "at": iso_ms(last.get(f"at:{outcome}")),
            }
            for outcome, number in sorted(found.items(), key=lambda row: -row[1])
            if number
        ],
    }
