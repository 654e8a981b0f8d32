"""What any store of silences promises, over the one in memory and the real one."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.memory_silences import MemorySilences
from worker import silence
from worker.runtime.clock import SystemClock
from worker.runtime.silence_store import RedisSilences


@pytest.fixture(params=["memory", "redis"])
def silences(request):
    if request.param == "redis":
        return RedisSilences(request.getfixturevalue("redis_store").client)
    return MemorySilences(SystemClock())


def made(matcher='watch="arms"', hours=2.0, ago=0.0):
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=ago)
    return silence.make(
        [matcher], starts_at=now, ends_at=now + timedelta(hours=hours), author="ann", comment="known", now=now
    )


def test_what_was_added_is_listed_as_it_was_made_the_last_to_end_first(silences):
    short, long = made(hours=1), made('source=~"Blog.*"', hours=5)
    for one in (short, long):
        silences.add_silence(one)
    assert silences.silences() == [long, short]


def test_a_silence_that_is_ended_holds_no_more_and_ends_once(silences):
    one = made()
    silences.add_silence(one)
    assert silences.end_silence(one.id)
    [ended] = silences.silences()
    assert silence.state(ended, datetime.now(UTC) + timedelta(seconds=1)) == "ended"
    assert not silences.end_silence(one.id)


def test_there_is_no_ending_what_is_not_there(silences):
    assert not silences.end_silence("sil_nobody")
    assert silences.silences() == []


def test_what_ended_long_ago_is_forgotten(redis_store):
    silences = RedisSilences(redis_store.client)
    old, new = made(ago=24 * 100), made()
    silences.add_silence(old)
    silences.add_silence(new)
    assert silences.silences() == [new]
    assert not redis_store.client.exists("{tocsin}:silence:" + old.id)
