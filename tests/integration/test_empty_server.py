"""A server that came back with nothing is put to work again by whoever still knows what is to be polled."""

from datetime import timedelta

from tests.fakes import feed
from worker.runtime.redis_store import RedisStore

LEASE = timedelta(seconds=60)


def test_feeds_are_due_again_after_the_server_lost_everything(redis_store: RedisStore):
    redis_store.sync_feeds([feed("wire"), feed("herald")])
    assert len(redis_store.claim_feeds(10, LEASE)) == 2
    redis_store.client.flushall()
    assert {claim.feed_id for claim in redis_store.claim_feeds(10, LEASE)} == {"feed_wire", "feed_herald"}


def test_what_is_lent_or_later_is_not_made_due(redis_store: RedisStore):
    redis_store.sync_feeds([feed("wire")])
    redis_store.claim_feeds(10, LEASE)
    assert redis_store.claim_feeds(10, LEASE) == []
