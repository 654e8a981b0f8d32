"""What polling costs: claims by the number of known feeds, and good feeds among hostile ones. Prints JSON.

python -m bench.polling            needs no network; starts a private server
python -m bench.polling hostile    only good feeds among hostile ones
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from worker.match import Matcher
from worker.model import Configuration, Feed, Fetched, PollOutcome, Route
from worker.pipeline import Limits, Pipeline
from worker.poll import PollRequest
from worker.ports import FinishedPoll, Ingested
from worker.runtime.clock import SystemClock
from worker.runtime.deadline import within_cpu_limit
from worker.runtime.redis_client import K, connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer

DUE = 100
GOOD, HOSTILE, ENTRIES = 1_000, 50, 20
LEASE = timedelta(seconds=600)


def claim_ms(store: RedisStore, known: int) -> float:
    """The median time to claim 100 due feeds of `known`, of five."""
    store.client.flushall()
    future = time.time() * 1000 + 3_600_000
    for start in range(0, known, 10_000):
        ids = {f"feed_{i}": future for i in range(start, min(start + 10_000, known))}
        store.client.zadd(K + "feeds:due", ids)
    times = []
    for turn in range(5):
        store.client.zadd(K + "feeds:due", {f"feed_{turn * DUE + i}": 0 for i in range(DUE)})
        started = time.perf_counter()
        assert len(store.claim_feeds(DUE, LEASE)) == DUE
        times.append(time.perf_counter() - started)
    return round(sorted(times)[2] * 1000, 2)


def good_document(number: int) -> bytes:
    now = datetime.now(UTC)
    items = "".join(
        f"<item><guid>{number}-{i}</guid><title>Report {number} {i}</title><link>https://x.example/{number}/{i}</link>"
        f"<pubDate>{format_datetime(now - timedelta(minutes=i))}</pubDate>"
        f"<description>&lt;p>{f'Words of report {number} {i} on trade. ' * 12}&lt;/p></description></item>"
        for i in range(ENTRIES)
    )
    return f"<rss version='2.0'><channel><title>Wire {number}</title>{items}</channel></rss>".encode()


HOSTILES = (
    b"<rss><channel><item><description>" + b"<![CDATA[" * 50_000,
    b"<rss><channel><item " + b" ".join(b'a%d="1"' % i for i in range(50_000)) + b"/></channel></rss>",
    b"<rss>" + b"<!-- x -->" * 50_000 + b"</rss>",
    b"<rss>" + b"<a>" * 100_000,
    b"<rss><channel>" + b"<item><title>t</title></item>" * 50_000 + b"</channel></rss>",
    b"<rss><channel><item><author>a@a" + b".a" * 20_000 + b"!</author></item></channel></rss>",
    b"<rss><channel><item><description>" + b"&lt;a href='x'&gt;" * 100_000,
    b"[" * 100_000,
)


class Served:
    """A fetcher that has every document at hand."""

    def __init__(self, documents: dict[str, bytes]) -> None:
        self.documents = documents

    def fetch(self, request: PollRequest) -> Future[PollOutcome]:
        future: Future[PollOutcome] = Future()
        future.set_result(Fetched(self.documents[request.feed.url], request.feed.url))
        return future


class Silent:
    def note(self, event: str, **facts: object) -> None:
        pass


def round_s(store: RedisStore, hostile: int) -> dict[str, float]:
    """Two rounds over the good feeds with so many hostile ones among them: the seconds each took.

    `good_` is how much of the poller's processor time had gone when half and all of the good feeds were read.
    """
    store.client.flushall()
    documents = {f"https://good.example/{i}": good_document(i) for i in range(GOOD)}
    documents |= {f"https://bad.example/{i}": HOSTILES[i % len(HOSTILES)] for i in range(hostile)}
    feeds = tuple(Feed(f"feed_{i}", url, url) for i, url in enumerate(documents))
    store.sync_feeds(feeds)
    pipeline = Pipeline(
        store, Served(documents), None, None, SystemClock(), Silent(),  # type: ignore[arg-type]
        Configuration(feeds, (), (), Route(()), "h"), Matcher(()), Limits(lease=LEASE, budget=timedelta(minutes=10)),
        read_limit=within_cpu_limit,
    )  # fmt: skip
    good_at: list[float] = []
    finish = store.finish_polls

    def timed(polls: Sequence[FinishedPoll]) -> list[Ingested | Exception]:
        answers = finish(polls)
        good = sum(int(one.claim.feed_id.removeprefix("feed_")) < GOOD for one in polls)
        good_at.extend([time.process_time() - cpu] * good)
        return answers

    store.finish_polls = timed  # type: ignore[method-assign]
    started, cpu = time.perf_counter(), time.process_time()
    pipeline.poll_due()
    first = time.perf_counter() - started
    store.finish_polls = finish  # type: ignore[method-assign]
    for i in range(GOOD):
        documents[f"https://good.example/{i}"] += b" "  # other bytes, the same entries
        store.steer_feed(f"feed_{i}", "hurry")
    started = time.perf_counter()
    pipeline.poll_due()
    return {
        "first_s": round(first, 1), "second_s": round(time.perf_counter() - started, 1),
        "good_half_cpu_s": round(good_at[GOOD // 2], 1), "good_all_cpu_s": round(good_at[-1], 1),
    }  # fmt: skip


def main() -> None:
    known_feeds = () if "hostile" in sys.argv else (1_000, 10_000, 100_000, 1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        store = RedisStore(connect(server.url))
        result = {
            "claim_100_due_ms": {str(known): claim_ms(store, known) for known in known_feeds},
            f"{GOOD}_good": round_s(store, 0),
            f"{GOOD}_good_{HOSTILE}_hostile": round_s(store, HOSTILE),
            "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        store.client.close()
        with suppress(Exception):
            server.stop()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
