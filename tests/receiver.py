"""A webhook receiver over real HTTP on loopback that verifies signatures and can misbehave."""

import asyncio
import random
import time
from collections import Counter
from contextlib import contextmanager

from aiohttp import web
from standardwebhooks.webhooks import Webhook

from tests.fakes import SECRET
from worker.runtime.http import HttpLoop

WAYS = ("status", "timeout", "reset", "close", "slow")


class Receiver:
    """Takes webhooks; every second one (by chance) fails in one of `ways`. `accepted` is what it answered 200 to."""

    def __init__(self, ways=(), seed=1, secret=SECRET, clock=time.monotonic) -> None:
        self.ways, self.chance, self.verifier = tuple(ways), random.Random(seed), Webhook(secret)
        self.accepted: Counter[str] = Counter()
        self.bodies: dict[str, set[bytes]] = {}
        self.at: dict[str, float] = {}
        self.tried: Counter[str] = Counter()
        self._clock = clock

    async def take(self, request):
        body = await request.read()
        self.verifier.verify(body, dict(request.headers))  # raises, hence 500, where it does not hold
        id_ = request.headers["webhook-id"]
        self.bodies.setdefault(id_, set()).add(body)
        way = self.chance.choice(self.ways) if self.ways and self.chance.random() < 0.5 else ""
        self.tried[way] += 1
        match way:
            case "status":
                return web.Response(status=500, text="secret whsec_abcdefgh at https://x.example/a?token=b")
            case "timeout":
                await asyncio.sleep(5)
            case "reset":
                request.transport.abort()
                return web.Response()
            case "slow":
                await asyncio.sleep(0.5)
            case "close":
                self._accept(id_)
                response = web.StreamResponse(headers={"Content-Length": "100"})
                await response.prepare(request)
                request.transport.close()
                return response
        if way != "timeout":
            self._accept(id_)
        return web.Response(text="thank you")

    def _accept(self, id_: str) -> None:
        self.accepted[id_] += 1
        self.at.setdefault(id_, self._clock())


@contextmanager
def serving(handler, clock=None):
    """The address of `handler` on loopback; its time is that of a `Clock`, where one is given."""
    loop = HttpLoop()

    async def start():
        application = web.Application()
        application.router.add_post("/hook", handler)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, site._server.sockets[0].getsockname()[1]

    runner, port = loop.submit(start()).result(10)
    if clock:
        clock.join(loop.loop)
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        if clock:
            clock.leave(loop.loop)
        loop.submit(runner.cleanup()).result(10)
        loop.close()
