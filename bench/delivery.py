"""How fast the sender posts webhooks, against a bare aiohttp loop that posts the same bytes. Prints JSON.

python -m bench.delivery            2,000 deliveries, 50 at once, three rounds of each side in turn; loopback only
"""

import argparse
import asyncio
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

import aiohttp
from aiohttp import web

from bench.figures import spread
from tests.fakes import endpoint
from worker.model import Attempt, Delivery
from worker.runtime.http import HttpLoop
from worker.runtime.sender import WebhookSender

AT_ONCE = 50
BODY = json.dumps({"data": {"text": "Words of an alert. " * 150}})


class Receiver:
    """Answers 204, in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._is_up = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        self._is_up.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        self._is_up.set()
        self.loop.run_forever()

    async def _start(self) -> None:
        async def answer(request: web.Request) -> web.Response:
            await request.read()
            return web.Response(status=204)

        app = web.Application()
        app.router.add_post("/hook", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"


def send_all(sender: WebhookSender, deliveries: Sequence[Delivery], url: str) -> float:
    where, started = endpoint(url=url), time.perf_counter()
    waiting: set[Future[Attempt]] = set()
    for delivery in deliveries:
        if len(waiting) >= AT_ONCE:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            assert all(future.result().is_success for future in done)
        waiting.add(sender.send(delivery, where))
    assert all(future.result().is_success for future in wait(waiting).done)
    return time.perf_counter() - started


async def post_all(deliveries: Sequence[Delivery], url: str) -> float:
    started, left = time.perf_counter(), iter(deliveries)

    async def work(session: aiohttp.ClientSession) -> None:
        for delivery in left:
            async with session.post(url, data=delivery.body.encode()) as response:
                assert response.status == 204

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(work(session) for _ in range(AT_ONCE)))
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deliveries", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    receiver, sender = Receiver(), WebhookSender(HttpLoop())
    deliveries = [Delivery(f"msg_{i}", "alrt", "desk", BODY) for i in range(options.deliveries)]
    send_all(sender, deliveries[:100], receiver.url)
    ours, bare = [], []
    for _ in range(options.rounds):
        ours.append(len(deliveries) / send_all(sender, deliveries, receiver.url))
        bare.append(len(deliveries) / asyncio.run(post_all(deliveries, receiver.url)))
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    print(json.dumps({"sender_per_s": spread(ours), "bare_per_s": spread(bare), "sender_to_bare": spread(ratios)}))


if __name__ == "__main__":
    main()
