"""What is due, by a real server's clock."""

import time
from datetime import timedelta

from worker.runtime.queue_store import RedisQueue


def test_what_is_in_hand_does_not_wait_and_the_longest_due_feed_tells_the_lateness(redis_store):
    now, client = time.time() * 1000, redis_store.client
    queue = RedisQueue(redis_store)
    assert queue.waiting() == (0, timedelta(0))
    client.zadd("{tocsin}:articles:due", {"a": now - 1_000, "b": now - 500, "lent": now + 60_000})
    client.zadd("{tocsin}:feeds:due", {"later": now + 60_000})
    assert queue.waiting() == (2, timedelta(0))
    client.zadd("{tocsin}:feeds:due", {"late": now - 10_000})
    articles, late = queue.waiting()
    assert articles == 2
    assert timedelta(seconds=9) < late < timedelta(seconds=40)
