"""What Tocsin needs: articles a second on one core, bytes of Redis per article, alert and feed.

    python -m bench.sizing --articles 300

Real articles of at least 200 words go through the real stages (poll, parse, dedupe, enrich, match, alert, deliver) in
one process, over an embedded server; fetching and sending cost nothing here. Prints JSON.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.corpus import shared
from tests.desk import Desk
from tests.fakes import feed
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer

LEAST_WORDS = 200
FEEDS = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=300)
    wanted = parser.parse_args().articles
    with open_desk() as desk:
        print(json.dumps(_measure(desk, read_articles(wanted)), indent=2))


@contextmanager
def open_desk() -> Iterator[Desk]:
    """The real stages in this process, over an embedded server of their own."""
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedServer(Path(directory))
        server.start()
        client = connect(server.url)
        try:
            yield Desk(RedisStore(client))
        finally:
            client.close()
            server.stop()


def read_articles(wanted: int) -> list[dict[str, str]]:
    """Real articles as the desk publishes them."""
    with (shared() / "topics" / "dev.jsonl").open(encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if len(row["text"].split()) >= LEAST_WORDS]
    return [
        {"guid": str(i), "title": row.get("title") or "Untitled", "html": row["text"].replace("<", "&lt;")}
        for i, row in enumerate(rows[:wanted])
    ]


def _measure(desk: Desk, articles: list[dict[str, str]]) -> dict[str, Any]:
    store, client = desk.store, desk.store.client
    desk.publish({"guid": "warm", "title": "Warm-up", "html": "One article before the clock runs."})
    before = int(client.info("memory")["used_memory"])
    started = time.process_time()
    for i in range(0, len(articles), 50):
        desk.published["Demo Wire"] = []
        desk.publish(*articles[i : i + 50])
    cpu_s = time.process_time() - started
    after = int(client.info("memory")["used_memory"])
    assert not client.zcard("{tocsin}:articles:due"), "some articles were not read"
    alerts = int(client.zcard("{tocsin}:alerts"))
    one = client.zrange("{tocsin}:alerts", 0, 0)
    alert_bytes = int(client.memory_usage(f"{{tocsin}}:alert:{one[0]}")) if one else 0
    store.sync_feeds([feed(f"f{i}") for i in range(FEEDS)])
    return {
        "articles": len(articles),
        "words_each": round(sum(len(a["html"].split()) for a in articles) / len(articles)),
        "cpu_ms_per_article": round(cpu_s / len(articles) * 1000, 1),
        "articles_per_day_and_core": round(len(articles) / cpu_s * 86_400, -4),
        "redis_bytes_per_article": round((after - before) / len(articles)),
        "alerts": alerts,
        "redis_bytes_per_alert_record": alert_bytes,
        "redis_bytes_per_feed_state_of_50_entries": int(client.memory_usage("{tocsin}:feed:feed_Demo Wire")),
        "redis_bytes_per_scheduled_feed": round((int(client.info("memory")["used_memory"]) - after) / FEEDS),
    }


if __name__ == "__main__":
    main()
