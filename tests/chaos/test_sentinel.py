"""The store behind Sentinels: it follows a failover, knows that it did, and hears of nothing from a deposed primary."""

from datetime import timedelta

import pytest

from tests.chaos.sentinels import SENTINEL_PASSWORD, SentinelledServers
from tests.fakes import feed
from tests.integration.world import eventually
from worker.errors import StoreUnavailable
from worker.runtime.health import sentinels
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.replica import secure

pytestmark = pytest.mark.integration
LEASE = timedelta(seconds=60)


@pytest.fixture
def servers(tmp_path):
    opened = SentinelledServers(tmp_path / "servers")
    try:
        opened.start()
        yield opened
    finally:
        opened.stop()


def test_the_store_follows_a_failover_with_a_new_epoch_and_tells_wrong_addresses_in_one_message(servers):
    for wrong, said in (
        (servers.url.replace("master=newsdesk", "master=else"), "know no primary .* after master="),
        (servers.url.replace("pass%2Fword", "planted"), "refuses the password"),
        (servers.url.replace(SENTINEL_PASSWORD, "planted"), "Sentinel .* refuses the password"),
    ):
        with pytest.raises(StoreUnavailable, match=said) as told:
            RedisStore(connect(wrong)).epoch()
        assert "planted" not in str(told.value)

    store = RedisStore(connect(servers.url))
    store.sync_feeds([feed()])
    [first] = store.claim_feeds(1, LEASE)
    assert secure(store.client), "the replica has the claim"
    assert [check["name"] for check in sentinels(store) if check["ok"]] == ["sentinels", "replicas", "cut off"]
    before, former = store.epoch(), servers.primary()
    former.freeze()  # its connections stay open, and nobody answers
    servers.await_failover(former)

    def follow() -> str:
        try:
            return store.epoch()
        except StoreUnavailable:
            return ""

    assert eventually(follow, 30, "an answer of the new primary") != before
    assert store.claim_feeds(1, LEASE) == [], "the lease was taken over"
    store.client.zadd("{tocsin}:feeds:due", {first.feed_id: 1})
    [second] = store.claim_feeds(1, LEASE)
    assert second.fence > first.fence
    assert not sentinels(store)[1]["ok"], "the frozen one is no replica that could take over"


def test_what_was_written_to_a_deposed_primary_is_told_to_nobody(servers):
    client = connect(servers.url)
    former = servers.primary()
    other = next(server for server in servers.servers if server is not former)
    with other.client() as direct:
        direct.replicaof("NO", "ONE")  # nobody follows the former any more; the Sentinels do not know yet
    with former.client() as alone:
        eventually(lambda: alone.info("replication")["connected_slaves"] == 0, 10, "a primary without replicas")
        alone.config_resetstat()
        assert not secure(client), "a primary without replicas goes on while the Sentinels name it"
        assert "cmdstat_wait" not in alone.info("commandstats"), "nobody is waited for in vain"
    client.connection_pool.sentinel_manager.discover_master = lambda _name: ("127.0.0.1", other.port)
    with pytest.raises(StoreUnavailable, match="another server the primary"):
        secure(client)


def test_a_server_that_did_not_lend_a_delivery_vouches_for_none(servers):
    client = connect(servers.url)
    client.hset("{tocsin}:delivery:dlv_1", "fence", "17")
    assert secure(client, "dlv_1", "17")
    with pytest.raises(StoreUnavailable, match="another server the primary"):
        secure(client, "dlv_1", "18")
    with pytest.raises(StoreUnavailable, match="another server the primary"):
        secure(client, "dlv_2", "18")
