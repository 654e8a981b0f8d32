"""10,000 feeds on loopback, nine tenths answering 304, and a dripping twentieth beside good ones. Prints JSON.

python -m bench.ten_thousand           some five minutes; starts a private server and two processes that serve feeds
python -m bench.ten_thousand lags      only the dripping ones beside good ones
python -m bench.ten_thousand rounds    only the two rounds over all feeds

Every feed has a document of five entries. The first round reads all of them, the second finds 304 at nine of ten feeds and
two new entries of five at the tenth. The real fetcher asks over real connections, from one process as a poller is.
"""

import asyncio
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from worker.match import Matcher
from worker.model import Configuration, Feed, Route
from worker.pipeline import Limits, Pipeline
from worker.ports import FinishedPoll, Ingested
from worker.runtime.clock import SystemClock
from worker.runtime.deadline import within_cpu_limit
from worker.runtime.fetcher import HttpFetcher
from worker.runtime.http import HttpLoop
from worker.runtime.redis_client import K, connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer

FEEDS, ENTRIES, SERVERS = 10_000, 5, 2
GOOD, DRIPPING = 1_000, 50
LEASE = timedelta(seconds=600)
BEGAN = datetime.now(UTC)
"""An entry keeps its date: one that stands in its feed again is byte for byte what it was."""
WORDS = "Words of the report on trade and harbours in the north. " * 12


def document(number: int, newest: int) -> bytes:
    items = "".join(
        f"<item><guid>{number}-{newest - i}</guid><title>Report {number} {newest - i}</title>"
        f"<link>https://x.example/{number}/{newest - i}</link>"
        f"<pubDate>{format_datetime(BEGAN - timedelta(hours=24 - (newest - i)))}</pubDate>"
        f"<description>&lt;p>{number} {newest - i} {WORDS}&lt;/p></description></item>"
        for i in range(ENTRIES)
    )
    return f"<rss version='2.0'><channel><title>Wire {number}</title>{items}</channel></rss>".encode()


async def serve(ready: Any, port: int) -> None:
    """Answers `/good/N` with N's document and validators; of ten feeds one has news in the second round; `/drip/N` drips."""
    kept: dict[tuple[int, int], bytes] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                _, kind, number, *_ = head.split(" ", 2)[1].split("/")
                if kind == "drip":
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                    for _ in range(100):
                        writer.write(b"<")
                        await writer.drain()
                        await asyncio.sleep(0.5)
                    break
                is_known = "If-None-Match" in head
                has_news = is_known and int(number) % 10 == 0
                if is_known and not has_news:
                    writer.write(b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
                else:
                    newest = ENTRIES + 2 * has_news
                    body = kept.get((int(number), newest)) or document(int(number), newest)
                    writer.write(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, backlog=1_000)
    port = server.sockets[0].getsockname()[1]
    # dripping feeds have hosts of their own, as in life: one host's feeds wait for each other
    await asyncio.start_server(talk, [drip_host(i) for i in range(DRIPPING)], port, backlog=100)
    ready.put(port)
    await server.serve_forever()


def drip_host(number: int) -> str:
    return f"127.0.1.{number + 1}"


def start_server(ready: Any) -> None:
    os.nice(0)
    asyncio.run(serve(ready, 0))


class Silent:
    def note(self, event: str, **facts: object) -> None:
        pass


def report(name: str, found: object) -> object:
    print(name, found, file=sys.stderr, flush=True)
    return found


def pipeline_for(store: RedisStore, feeds: tuple[Feed, ...], loop: HttpLoop, budget: timedelta) -> Pipeline:
    return Pipeline(
        store, HttpFetcher(loop), None, None, SystemClock(), Silent(),  # type: ignore[arg-type]
        Configuration(feeds, (), (), Route(()), "h"), Matcher(()), Limits(lease=LEASE, budget=budget),
        read_limit=within_cpu_limit,
    )  # fmt: skip


def counted(store: RedisStore) -> dict[str, int]:
    return {name: int(float(n)) for name, n in store.client.hgetall(K + "metrics").items() if "polls_total" in name}


def measured(work: Callable[[], object]) -> dict[str, float]:
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return {"seconds": round(time.perf_counter() - started, 1), "poller_cpu_s": round(time.process_time() - cpu, 1)}


def rounds(store: RedisStore, ports: list[int]) -> dict[str, object]:
    """The first round over all feeds, and one in which nine of ten answer 304."""
    store.client.flushall()
    feeds = tuple(
        Feed(f"feed_{i}", f"http://127.0.0.1:{ports[i % SERVERS]}/good/{i}/", f"feed {i}", allow_private=True)
        for i in range(FEEDS)
    )
    store.sync_feeds(feeds)
    loop = HttpLoop()
    pipeline = pipeline_for(store, feeds, loop, timedelta(minutes=10))
    first: dict[str, object] = {**measured(pipeline.poll_due), "polls": counted(store)}
    report("first", first)
    store.client.hdel(K + "metrics", *counted(store))
    store.client.zadd(K + "feeds:due", {feed.id: 0 for feed in feeds})
    spent = measured(pipeline.poll_due)
    second = {**spent, "polls": counted(store), "feeds_per_s": round(FEEDS / spent["seconds"])}
    loop.close()
    return {"first": first, "second": second}


def lags(store: RedisStore, ports: list[int], dripping: int) -> dict[str, float]:
    """Good feeds' lag in their first round beside so many dripping ones: seconds until half, 95 % and all were read."""
    store.client.flushall()
    # the dripping ones are due first, which is the worst order
    feeds = tuple(
        Feed(f"feed_a{i}", f"http://{drip_host(i)}:{ports[0]}/drip/{i}/", f"drip {i}", allow_private=True)
        for i in range(dripping)
    ) + tuple(
        Feed(f"feed_b{i}", f"http://127.0.0.1:{ports[i % SERVERS]}/good/{i}/", f"good {i}", allow_private=True)
        for i in range(GOOD)
    )
    store.sync_feeds(feeds)
    loop = HttpLoop()
    pipeline = pipeline_for(store, feeds, loop, timedelta(seconds=5))
    started, done_at = time.perf_counter(), []
    finish = store.finish_polls

    def timed(polls: Sequence[FinishedPoll]) -> list[Ingested | Exception]:
        answers = finish(polls)
        good = sum(one.claim.feed_id.startswith("feed_b") for one in polls)
        done_at.extend([time.perf_counter() - started] * good)
        return answers

    store.finish_polls = timed  # type: ignore[method-assign]
    longest = 0.0
    while len(done_at) < GOOD:
        call = time.perf_counter()
        pipeline.poll_due()
        longest = max(longest, time.perf_counter() - call)
    store.finish_polls = finish  # type: ignore[method-assign]
    loop.close()
    at = sorted(done_at)
    return {
        "half_s": round(at[len(at) // 2], 1), "p95_s": round(at[int(len(at) * 0.95)], 1), "all_s": round(at[-1], 1),
        "longest_call_s": round(longest, 1),
    }  # fmt: skip


def main() -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Queue()
    servers = [context.Process(target=start_server, args=(ready,), daemon=True) for _ in range(SERVERS)]
    for server in servers:
        server.start()
    ports = [ready.get(timeout=30) for _ in servers]
    with tempfile.TemporaryDirectory() as folder:
        valkey = EmbeddedServer(Path(folder))
        valkey.start()
        store = RedisStore(connect(valkey.url))
        result: dict[str, object] = {
            "cores": os.cpu_count(),
            f"{GOOD}_good": {} if "rounds" in sys.argv else report("good", lags(store, ports, 0)),
            f"{GOOD}_good_{DRIPPING}_dripping": {}
            if "rounds" in sys.argv
            else report("dripping", lags(store, ports, DRIPPING)),
            f"{FEEDS}_feeds": {} if "lags" in sys.argv else report("rounds", rounds(store, ports)),
        }
        result["poller_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        result["redis_mb"] = store.client.info("memory")["used_memory"] // 2**20
        store.client.close()
        with suppress(Exception):
            valkey.stop()
    for server in servers:
        server.terminate()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
