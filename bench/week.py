"""A real week of news through all stages: 25 feeds on a fast clock, or the real feeds as they were fetched.

    python -m bench.week --minutes 10            the replay week as 25 feeds, a week in ten minutes
    python -m bench.week --real                  93 real feed documents, served once

Prints entries served, articles by outcome, alerts by watch, wall time, and the time from publication on the feed to
the webhook's arrival. Everything runs on loopback: real processes, an embedded server, a receiver that verifies.
"""

import argparse
import gzip
import hashlib
import json
import re
import tempfile
import threading
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from statistics import quantiles
from typing import Any
from xml.sax.saxutils import escape

from bench.corpus import shared
from tests.integration.world import Deployment, World, open_world
from worker.runtime.redis_client import connect
from worker.runtime.valkey import EmbeddedServer

TOPICS = ("sanctions-violation", "arms-transfer", "sanctions-measure", "weapons-program", "arms-smuggling")
WATCHES = "watches:\n" + "".join(f"  - {{id: {t}, title: {t}, match: {{topic: {t}}}}}\n" for t in TOPICS)
WINDOW = 60
WEEK_S = 7 * 86_400


class Week:
    """Publishes the week's entries when their time has come, and remembers when each appeared."""

    def __init__(self, world: World, minutes: float, days: float = 7) -> None:
        """The first `days` of the week in so many minutes."""
        lines = gzip.open(shared() / "replay" / "2023-03-06_week.jsonl.gz", "rt", encoding="utf-8")
        rows = [json.loads(line) for line in lines]
        first = min(datetime.fromisoformat(row["pubDate"]).replace(tzinfo=UTC).timestamp() for row in rows)
        self.feeds: dict[str, list[tuple[float, dict[str, Any]]]] = defaultdict(list)
        for row in rows:
            since = datetime.fromisoformat(row["pubDate"]).replace(tzinfo=UTC).timestamp() - first
            if since <= days * 86_400:
                self.feeds[row["feed"]].append((since * minutes * 60 / (days * 86_400), row))
        self.world, self.entries = world, sum(map(len, self.feeds.values()))
        self.duration_s = minutes * 60
        self.appeared: dict[str, float] = {}

    def urls(self) -> list[str]:
        return [self.world.serve(self._path(feed), _rss([])) for feed in self.feeds]

    def run(self) -> None:
        """Publish until the week is over; the documents change once a second."""
        started = time.time()
        while (elapsed := time.time() - started) < self.duration_s + 2:
            for feed, rows in self.feeds.items():
                out = [(started + at, row) for at, row in rows if at <= elapsed][-WINDOW:]
                for _, row in out:
                    self.appeared.setdefault(row["link"], time.time())
                self.world.serve(self._path(feed), _rss(out))
            time.sleep(1)

    @staticmethod
    def _path(feed: str) -> str:
        return "/" + hashlib.sha256(feed.encode()).hexdigest()[:12]


def _rss(rows: list[tuple[float, dict[str, Any]]]) -> str:
    items = "".join(
        f"<item><guid isPermaLink='false'>{escape(str(row['id']))}</guid><title>{escape(row['title'] or '')}</title>"
        f"<link>{escape(row['link'] or '')}</link><description>{escape(row['description'] or '')}</description>"
        f"<pubDate>{format_datetime(datetime.fromtimestamp(at, UTC))}</pubDate></item>"
        for at, row in rows
    )
    text = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", items)
    return f"<rss version='2.0'><channel><title>week</title>{text}</channel></rss>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="how long the week takes")
    parser.add_argument("--real", action="store_true", help="the real feed documents instead of the week")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, open_world() as world:
        server = EmbeddedServer(Path(directory) / "data")
        server.start()
        client = connect(server.url)
        deployment = Deployment(Path(directory), server, world)
        try:
            figures = _real(deployment) if arguments.real else _week(deployment, arguments.minutes)
            figures |= _count(client, world)
        finally:
            deployment.stop()
            client.close()
            server.stop()
    print(json.dumps(figures, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def _week(deployment: Deployment, minutes: float) -> dict[str, Any]:
    week = Week(deployment.world, minutes)
    arrivals = _Arrivals(deployment.world)
    deployment.configure(week.urls(), WATCHES)
    started = time.time()
    deployment.start()
    week.run()
    _drain(deployment)
    lags = [at - week.appeared[link] for link, at in arrivals.by_link().items() if link in week.appeared]
    return {
        "entries": week.entries,
        "feeds": len(week.feeds),
        "wall_s": round(time.time() - started, 1),
        "speed_up": round(WEEK_S / (time.time() - started)),
        "published_to_webhook_s": _percentiles(lags),
    }


def _real(deployment: Deployment) -> dict[str, Any]:
    world, urls = deployment.world, []
    for file in sorted((shared() / "feeds" / "real").iterdir()):
        if not file.name.startswith("LICENSE"):
            urls.append(world.serve(f"/{file.name}", file.read_bytes(), "application/xml"))
    deployment.configure(urls, WATCHES)
    feeds = deployment.config / "feeds.yaml"
    feeds.write_text(feeds.read_text("utf-8").replace("interval: 1s", "interval: 1h, backfill: 365d"), "utf-8")
    started = time.time()
    deployment.start()
    while len({path for path, _ in world.asked if path != "/hook"}) < len(urls):
        time.sleep(0.2)
    _drain(deployment)
    return {"feeds": len(urls), "wall_s": round(time.time() - started, 1)}


class _Arrivals:
    """When each webhook came."""

    def __init__(self, world: World) -> None:
        self._seen: list[float] = []
        self._world = world
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            while len(self._seen) < len(self._world.received):
                self._seen.append(time.time())
            time.sleep(0.02)

    def by_link(self) -> dict[str, float]:
        pairs = zip(self._world.received, self._seen, strict=False)
        return {hook.data["article"]["link"]: at for hook, at in pairs}


def _drain(deployment: Deployment) -> None:
    client = connect(deployment.environ["TOCSIN_REDIS_URL"])
    quiet = 0
    while quiet < 20:
        busy = client.zcard("{tocsin}:articles:due") or client.zcard("{tocsin}:outbox:desk")
        quiet = 0 if busy else quiet + 1
        time.sleep(0.1)
    client.close()


def _count(client: Any, world: World) -> dict[str, Any]:
    counted = client.hgetall("{tocsin}:metrics")
    return {
        "articles": {k: int(float(v)) for k, v in sorted(counted.items()) if k.startswith("tocsin_articles_total")},
        "polls": {k: int(float(v)) for k, v in sorted(counted.items()) if k.startswith("tocsin_polls_total")},
        "alerts": dict(Counter(hook.data["watch"]["id"] for hook in world.received).most_common()),
        "received": len(world.received),
        "distinct_ids": len({hook.id for hook in world.received}),
        "all_genuine": all(hook.is_genuine for hook in world.received),
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    if len(values) < 2:
        return {}
    cuts = quantiles(values, n=100)
    return {"p50": round(cuts[49], 2), "p95": round(cuts[94], 2), "p99": round(cuts[98], 2)}


if __name__ == "__main__":
    main()
