"""What was remembered of articles in older forms is found after an upgrade, so that copies begin no story of their own."""

import time
from datetime import timedelta

from worker.runtime import kin_index
from worker.runtime.redis_store import RedisStore
from worker.story import WINDOW

KEY = "3f2a71c09de"


def test_the_shelves_of_0_1_are_taken_over_once(redis_store: RedisStore):
    client = redis_store.client
    window_ms = WINDOW // timedelta(milliseconds=1)
    at = round(time.time() * 1000) // window_ms
    old = f"{{tocsin}}:kin:key:{at}:{KEY[:5]}"
    client.hset(old, mapping={KEY[5:]: "7,12", "ffffff": "9"})
    client.pexpire(old, window_ms)
    client.hset(f"{{tocsin}}:kin:{at}:0", mapping={"7": "seven", "12": "twelve", "9": "nine"})
    assert kin_index.adopt_old(client) == 1
    assert not client.exists(old)
    [(_, found)] = kin_index.look_up(client, "{tocsin}:kin:", [[KEY]], window_ms, (24, 8))
    assert sorted(found) == [(7, "seven"), (12, "twelve")]
    client.hset(old, KEY[5:], "7")
    assert client.pttl(f"{{tocsin}}:kin:shelves:{at}") > 0
    assert kin_index.adopt_old(client) == 0, "once is enough: a scan of all keys at each start would be dear"


def test_shelves_with_a_key_of_their_own_are_taken_over_as_the_older_part(redis_store: RedisStore):
    client = redis_store.client
    window_ms = WINDOW // timedelta(milliseconds=1)
    at = round(time.time() * 1000) // window_ms
    number, told = int(KEY, 16) >> 26, (int(KEY, 16) & (1 << 26) - 1).to_bytes(4, "big")
    entries = [told + article.to_bytes(4, "big") for article in range(1, 10)]
    old, new = f"{{tocsin}}:kin:shelf:{at}:{number}", f"{{tocsin}}:kin:shelves:{at}"
    client.set(old, b"".join(entries[:8]), px=window_ms)
    client.hset(new, number.to_bytes(3, "big"), entries[8])
    client.set("{tocsin}:kin:form", 2)
    client.hset(f"{{tocsin}}:kin:{at}:0", mapping={str(article): str(article) for article in range(1, 10)})
    assert kin_index.adopt_old(client) == 1
    assert not client.exists(old)
    [(_, found)] = kin_index.look_up(client, "{tocsin}:kin:", [[KEY]], window_ms, (24, 8))
    assert sorted(number for number, _ in found) == list(range(2, 10)), "the newest eight of a key"


def test_many_shelves_are_taken_over_in_few_steps(redis_store: RedisStore):
    client = redis_store.client
    pipeline = client.pipeline(transaction=False)
    for number in range(1_000):
        pipeline.hset(f"{{tocsin}}:kin:key:1:{number:05x}", KEY[5:], "7")
    pipeline.execute()
    client.config_resetstat()
    assert kin_index.adopt_old(client) == 1_000
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] <= 12, "each waits for the server's disk"
    assert client.hlen("{tocsin}:kin:shelves:1") == 250, "four of those shelves are one of today"
