"""A newsroom over each store."""

from types import SimpleNamespace

import pytest

from tests.collector import Newsroom, VirtualClock
from tests.fakes import NOW, FakeClock
from tests.memory_store import MemoryStore
from worker.runtime import group_store, kin_index, redis_client, redis_store, silence_store

_TIME = """    local t = redis.call('TIME')
    started_ms = t[1] * 1000 + math.floor(t[2] / 1000)
"""
_VIRTUAL = "    started_ms = tonumber(redis.call('GET', 'virtual_now'))\n"


@pytest.fixture(params=["memory", "redis"])
def newsroom_at(request, tmp_path, monkeypatch):
    """Makes a newsroom whose second 0 is the given moment."""
    if request.param == "memory":

        def make(start=NOW):
            clock = FakeClock(start)
            store = MemoryStore(clock)
            return Newsroom(tmp_path, clock, store, store.groups, store.silences, start)

        yield make
        return
    client = request.getfixturevalue("redis_store").client
    plain = redis_client.script_source

    def virtual(script):
        source = plain(script)
        assert source.count(_TIME) == 1
        return source.replace(_TIME, _VIRTUAL)

    client.config_set("appendfsync", "no")  # days of virtual time are many small writes
    monkeypatch.setattr(redis_client, "script_source", virtual)

    def make_real(start=NOW):
        clock = VirtualClock(start, lambda at: client.set("virtual_now", round(at.timestamp() * 1000)))
        groups, silences = group_store.RedisGroups(client), silence_store.RedisSilences(client)
        monkeypatch.setattr(kin_index, "time", SimpleNamespace(time=lambda: clock.now().timestamp()))
        store = redis_store.RedisStore(client)
        return Newsroom(tmp_path, clock, store, groups, silences, start)

    yield make_real
    client.config_set("appendfsync", "always")


@pytest.fixture
def newsroom(newsroom_at):
    """A newsroom whose second 0 is noon of 1 March 2026 in UTC."""
    return newsroom_at()
