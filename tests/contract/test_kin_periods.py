"""What was seen of an article's kin holds until kin are added, at every moment around the turn of a period.

Whoever looks has a clock of its own, and the real server another; kin of the period before the last are read by one of the
two for a minute.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.contract.test_store import ARMS, COPY, LEASE, Bench, finish, step_for
from tests.fakes import HARMLESS, FakeClock, analyse, feed
from tests.memory_store import MemoryStore
from worker import story
from worker.ports import MOVED
from worker.runtime import kin_index, redis_client
from worker.runtime.redis_store import RedisStore
from worker.story import WINDOW

_TIME, _VIRTUAL = "redis.call('TIME')", "{tonumber(redis.call('GET', 'virtual_s')), 0}"
TURN = datetime.fromtimestamp(6_900 * WINDOW.total_seconds(), UTC)
"""A moment at which a period begins."""
THIRD = COPY | {"guid": "third", "link": "https://times.example/t", "title": "Sudmark gets tanks"}


@pytest.fixture(params=["memory", "redis"])
def begin(request, monkeypatch):
    """Starts anew with an empty store; gives it and what sets the server's clock, and ours so much apart from it."""
    if request.param == "memory":
        yield lambda: (Bench(MemoryStore(clock := FakeClock()), clock), lambda now, _: setattr(clock, "at", now))
        return
    client = request.getfixturevalue("redis_store").client
    plain = redis_client.script_source
    monkeypatch.setattr(redis_client, "script_source", lambda name: plain(name).replace(_TIME, _VIRTUAL))

    def set_clocks(now, skew):
        client.set("virtual_s", round(now.timestamp()))
        monkeypatch.setattr(kin_index, "time", SimpleNamespace(time=lambda: (now + skew).timestamp()))

    def anew():
        client.flushall()
        return Bench(RedisStore(client), None), set_clocks

    yield anew


def take(bench, entry, name):
    """An article of a feed of its own, as a worker is lent it."""
    bench.ingest(entry, feed_=feed(name))
    [claim] = bench.store.claim_articles(10, LEASE)
    return claim


def step_with_kin(bench, claim):
    """A story of its own, and what is seen of its kin now."""
    [kinship] = bench.store.find_kin([story.sign(claim.article, analyse(claim.article)).keys])
    return replace(step_for(claim), seen=kinship.seen)


def tell(bench, claim, step):
    return finish(bench, claim, analyse(claim.article), step)


def seconds(most):
    return st.integers(-most, most).map(lambda number: timedelta(seconds=number))


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(after=seconds(120), skew=seconds(59), age=st.sampled_from([0, 1, 2]), is_kin_added=st.booleans())
def test_an_article_is_looked_at_again_only_if_kin_were_added(begin, after, skew, age, is_kin_added):
    bench, set_clocks = begin()
    set_clocks(TURN + after - age * WINDOW, skew)
    first = take(bench, ARMS, "wire")
    assert tell(bench, first, step_for(first)) == 0
    set_clocks(TURN + after, skew)
    slow = take(bench, COPY, "herald")
    seen = step_with_kin(bench, slow)
    other = take(bench, THIRD if is_kin_added else HARMLESS, "times")
    assert tell(bench, other, step_with_kin(bench, other)) == 0
    assert tell(bench, slow, seen) == (MOVED if is_kin_added else 0)
