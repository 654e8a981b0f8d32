"""What 0.1 remembered of articles is found after an upgrade, so that their copies begin no story of their own."""

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
    assert kin_index.adopt_old(client) == 0, "once is enough: a scan of all keys at each start would be dear"
