"""Forms to hubs: a document names its hub, so it opens no private address and no port but the feed's own."""

import asyncio
from dataclasses import replace

import pytest

from tests.fakes import feed
from tests.network.server import ScriptedServer
from worker.runtime.http import HttpLoop
from worker.runtime.hub import HttpHubs


@pytest.fixture
def loop():
    http = HttpLoop()
    yield http
    http.close()


@pytest.fixture
def serve():
    servers = []

    def start(status="202 Accepted", **headers):
        async def script(talk):
            await asyncio.sleep(0)
            await talk.answer(status, **headers)

        servers.append(ScriptedServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def posted(loop, url, source):
    return HttpHubs(loop).post(url, {"hub.mode": "subscribe"}, source).result(20)


def test_a_private_hub_is_asked_at_its_feeds_own_place_only(loop, serve):
    own, other = serve(), serve()
    source = replace(feed(allow_private=True), url=own.url)
    assert posted(loop, own.url.replace("/feed", "/hub"), source) == ""
    assert f"port {other.port}" in posted(loop, other.url, source)
    assert "not public" in posted(loop, "http://127.0.0.1:8080/", source)
    assert "not public" in posted(loop, own.url, replace(source, allow_private=False))
    assert (len(own.asked), len(other.asked)) == (1, 0)


def test_a_hubs_redirect_opens_nothing_either(loop, serve):
    other = serve()
    own = serve("307 Temporary Redirect", Location=other.url)
    source = replace(feed(allow_private=True), url=own.url)
    assert f"port {other.port}" in posted(loop, own.url, source)
    inside = serve("308 Permanent Redirect", Location="http://169.254.169.254/")
    assert "not public" in posted(loop, inside.url, replace(source, url=inside.url))
    assert other.asked == []


def test_without_a_feed_no_private_address_is_reached(loop, serve):
    assert "port" in posted(loop, serve().url, None)
