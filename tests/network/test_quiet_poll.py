"""A feed that answers 304 over real HTTP leaves a moment in the store, and a new entry is still found after many such."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import ClientTimeout

from tests.clock import Clock
from tests.fakes import ARMS, HARMLESS, SilentObserver, configuration, feed, rss
from tests.network.server import ScriptedServer
from worker.match import Matcher
from worker.model import PollFailed, PollFailure
from worker.pipeline import Limits, Pipeline
from worker.poll import PollRequest
from worker.runtime.clock import SystemClock
from worker.runtime.fetcher import HttpFetcher
from worker.runtime.http import HttpLoop
from worker.runtime.redis_client import K

pytestmark = pytest.mark.integration


@pytest.fixture
def loop():
    http = HttpLoop()
    yield http
    http.close()


def test_a_304_leaves_its_moment_and_nothing_else(redis_store, loop):
    entries = [HARMLESS]

    async def answer(talk):
        tag = f'"{len(entries)}"'
        if talk.headers.get("if-none-match") == tag:
            await talk.answer("304 Not Modified", ETag=tag)
        else:
            await talk.answer(body=rss(*entries).encode(), ETag=tag)

    server = ScriptedServer(answer)
    wire = replace(feed("wire", allow_private=True), url=server.url)
    redis_store.sync_feeds((wire,))
    pipeline = Pipeline(
        redis_store, HttpFetcher(loop), None, None, SystemClock(), SilentObserver(), configuration((wire,)),
        Matcher(()), Limits(budget=timedelta(seconds=20)),
    )  # fmt: skip
    kept = []
    try:
        for round_ in range(4):
            if round_ == 3:
                entries.append(ARMS | {"pubDate": format_datetime(datetime.now(UTC))})
            redis_store.steer_feed(wire.id, "hurry")
            brought = pipeline.poll_due()
            kept.append(redis_store.client.hgetall(K + "feed:" + wire.id))
    finally:
        server.stop()
    first, second, third, last = kept
    assert "seen_at" not in first
    assert first["state"] == second["state"] == third["state"]
    assert first["marks"] == third["marks"]
    assert datetime.fromisoformat(second["seen_at"]) < datetime.fromisoformat(third["seen_at"]) <= datetime.now(UTC)
    assert brought == 1
    assert "seen_at" not in last
    assert len(last["marks"]) > len(third["marks"])
    counted = redis_store.client.hgetall(K + "metrics")
    assert counted['tocsin_polls_total{outcome="not_modified"}'] == "2"
    assert counted['tocsin_stage_duration_seconds_count{stage="fetch"}'] == "4"


def test_redirects_share_the_time_of_one_request(loop):
    async def pass_on(talk):
        await asyncio.sleep(0.4)
        await talk.answer("302 Found", Location=talk.path + "x")

    server = ScriptedServer(pass_on)
    try:
        clock = Clock(loop.loop, server.loop)
        asked = PollRequest(replace(feed(allow_private=True), url=server.url))
        answer = HttpFetcher(loop, timeout=ClientTimeout(total=1)).fetch(asked)
        spent = clock.until(answer)
        outcome = answer.result()
    finally:
        server.stop()
    assert isinstance(outcome, PollFailed)
    assert outcome.reason is PollFailure.TIMEOUT
    assert 0.9 < spent < 1.9, "five hops would take two seconds"
