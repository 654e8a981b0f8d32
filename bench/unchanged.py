"""Feeds a second where nine of ten answer 304, against a bare aiohttp loop that asks the same. Prints JSON.

    python -m bench.unchanged --feeds 2000 --rounds 3

Ours: one poller with the real fetcher and the embedded server; the tenth feed brings two new entries of five, which are
parsed, compared and stored. Bare: one session of 100 connections, the answers read and thrown away. Both ask the same
servers (two further processes, 50 addresses each) with validators, in turn; then the same again over those feeds alone
that answer 304.
"""

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from bench.figures import spread
from bench.ten_thousand import drip_host, pipeline_for, start_server
from worker.model import Feed
from worker.runtime.garbage import settle
from worker.runtime.http import HttpLoop
from worker.runtime.redis_client import K, connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer

SERVERS, AT_ONCE, HOSTS = 2, 100, 50
NEWS_EVERY = 10


class Bare:
    """A plain loop; its connections live from round to round, as the poller's do."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._session = self._runner.run(self._open())

    async def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE))

    def ask(self, urls: list[str]) -> None:
        """Every address once."""
        self._runner.run(self._ask(iter(urls)))

    async def _ask(self, left: Iterator[str]) -> None:
        async def work() -> None:
            for url in left:
                async with self._session.get(url, headers={"If-None-Match": '"1"'}) as response:
                    assert response.status in (200, 304)
                    await response.read()

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))

    def close(self) -> None:
        """Close the connections and the loop."""
        self._runner.run(self._session.close())
        self._runner.close()


def timed(work: Callable[[], object], feeds: int) -> dict[str, float]:
    """Feeds a second, and the processor time of one."""
    started, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, spent = time.perf_counter() - started, time.process_time() - cpu
    return {"feeds_per_s": feeds / seconds, "cpu_ms": spent / feeds * 1000}


def measure(store: RedisStore, ports: list[int], number: int, rounds: int) -> dict[str, Any]:
    """Both sides in turn, after a first reading of everything. A feed in ten has news in the first of our rounds only."""
    # hosts as in life: at one of them we open eight connections at most, which the bare loop does not care about
    urls = [f"http://{drip_host(i // SERVERS % HOSTS)}:{ports[i % SERVERS]}/good/{i}/" for i in range(number)]
    feeds = tuple(Feed(f"feed_{i}", url, f"feed {i}", allow_private=True) for i, url in enumerate(urls))
    loop, bare = HttpLoop(), Bare()
    bare.ask(urls)
    quiet = [i for i in range(number) if i % NEWS_EVERY]
    spent: dict[str, list[dict[str, float]]] = {side: [] for side in ("ours", "bare", "ours_quiet", "bare_quiet")}
    pipeline = pipeline_for(store, feeds, loop, timedelta(minutes=10))
    settle()  # as every worker process does once it stands; it spares both sides the same
    for _ in range(rounds):
        store.client.flushall()
        store.sync_feeds(feeds)
        pipeline.poll_due()
        for which, kind in ((range(number), ""), (quiet, "_quiet")):
            asked = [urls[i] for i in which]
            store.client.zadd(K + "feeds:due", {feeds[i].id: 0 for i in which})
            spent["ours" + kind].append(timed(pipeline.poll_due, len(asked)))
            spent["bare" + kind].append(timed(partial(bare.ask, asked), len(asked)))
    bare.close()
    loop.close()
    return {
        "feeds": number,
        "feeds_per_s": {side: spread([one["feeds_per_s"] for one in found]) for side, found in spent.items()},
        "cpu_ms_per_feed": {side: spread([one["cpu_ms"] for one in found]) for side, found in spent.items()},
        "ours_to_bare": ratios(spent["ours"], spent["bare"]),
        "quiet_to_bare": ratios(spent["ours_quiet"], spent["bare_quiet"]),
    }


def ratios(ours: list[dict[str, float]], bare: list[dict[str, float]]) -> dict[str, Any]:
    """Our speed to the bare loop's, by the clock and by the processor's time."""
    pairs = list(zip(ours, bare, strict=True))
    return {
        "wall": spread([a["feeds_per_s"] / b["feeds_per_s"] for a, b in pairs]),
        "cpu": spread([b["cpu_ms"] / a["cpu_ms"] for a, b in pairs]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ready = context.Queue()
    servers = [context.Process(target=start_server, args=(ready,), daemon=True) for _ in range(SERVERS)]
    for server in servers:
        server.start()
    try:
        ports = [ready.get(timeout=60) for _ in servers]
        with tempfile.TemporaryDirectory() as folder:
            valkey = EmbeddedServer(Path(folder))
            valkey.start()
            store = RedisStore(connect(valkey.url))
            try:
                print(json.dumps(measure(store, ports, options.feeds, options.rounds), indent=2))
            finally:
                store.client.close()
                valkey.stop()
    finally:
        for server in servers:
            server.terminate()


if __name__ == "__main__":
    main()
