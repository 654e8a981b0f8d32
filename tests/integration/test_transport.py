"""A worker hears doorbells again after the server was away, whatever was on the way just then."""

import logging

import pytest
from kombu import Connection, Consumer, Queue

from tests.integration.world import eventually
from worker.errors import StoreUnavailable
from worker.runtime.app import app, broker
from worker.runtime.bell import ring_by_celery
from worker.runtime.redis_client import connect
from worker.runtime.transport import MOST_WAITING, SentinelTransport, Transport
from worker.runtime.valkey import EmbeddedServer

pytestmark = pytest.mark.integration


@pytest.fixture
def own_server(tmp_path):
    opened = EmbeddedServer(tmp_path / "data")
    opened.start()
    yield opened
    opened.stop()


def test_a_doorbell_whose_acknowledgement_failed_does_not_deafen_the_worker(own_server):
    heard = []
    with Connection(broker(own_server.url)[0]) as connection:
        assert type(connection.transport) is Transport
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        queue = Queue("bell", channel=channel)
        with Consumer(channel, [queue], callbacks=[lambda _body, message: heard.append(message)]):
            producer = connection.Producer()
            producer.publish("first", routing_key="bell", declare=[queue])
            eventually(lambda: listen(connection, heard, 1), 10, "the first doorbell")
            own_server.stop()
            heard[0].ack_log_error(logging.getLogger(), connection.connection_errors)
            own_server.start()
            Connection(broker(own_server.url)[0]).Producer().publish("second", routing_key="bell", declare=[queue])
            eventually(lambda: listen(connection, heard, 2), 10, "the second doorbell")


def test_a_doorbell_that_a_worker_holds_is_nowhere_else_and_keeps_the_next_one_in_its_queue(own_server):
    heard = []
    with workers_connection(own_server) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        queue = Queue("bell", channel=channel)
        with Consumer(channel, [queue], callbacks=[lambda _body, message: heard.append(message)]):
            producer = connection.Producer()
            for number in range(2):
                producer.publish(str(number), routing_key="bell", declare=[queue])
            eventually(lambda: listen(connection, heard, 1), 10, "the first doorbell")
            assert not listen(connection, heard, 2)
            client = connect(own_server.url)
            assert client.llen("{tocsin}:q:bell") == 1
            assert not client.keys("*unacked*")
            heard[0].ack()
            eventually(lambda: listen(connection, heard, 2), 10, "the second doorbell")


def test_a_queue_that_nobody_listens_to_stays_short_and_keeps_the_newest(own_server):
    with workers_connection(own_server) as connection:
        queue = Queue("bell", channel=connection.channel())
        producer = connection.Producer()
        for number in range(MOST_WAITING + 10):
            producer.publish(str(number), routing_key="bell", declare=[queue])
        assert queue.get().payload == "10"
        assert connect(own_server.url).llen("{tocsin}:q:bell") == MOST_WAITING - 1


@pytest.mark.parametrize(("stage", "enough"), [("deliver", 1), ("read", 1), ("enrich", 2)])
def test_a_stage_is_rung_for_unless_a_doorbell_waits_that_nobody_was_free_to_take(
    own_server, monkeypatch, stage, enough
):
    client, rung = connect(own_server.url), []
    with workers_connection(own_server) as connection:
        queue = Queue(stage, channel=connection.channel())
        producer = connection.Producer()

        def send(name, *, retry):
            assert not retry, "whoever works is not held up by a server that is away"
            rung.append(name)
            producer.publish("", routing_key=stage, declare=[queue])

        monkeypatch.setattr(app, "send_task", send)
        for _ in range(enough + 1):
            ring_by_celery(client, stage)
        assert rung == [f"tocsin.{stage}"] * enough
        queue.get(no_ack=True)
        ring_by_celery(client, stage)
        assert rung == [f"tocsin.{stage}"] * (enough + 1)


def test_a_doorbell_fails_as_the_store_does_where_the_server_is_away(own_server):
    client = connect(own_server.url)
    own_server.stop()
    with pytest.raises(StoreUnavailable):
        ring_by_celery(client, "deliver")


def workers_connection(server: EmbeddedServer) -> Connection:
    return Connection(broker(server.url)[0], transport_options=app.conf.broker_transport_options)


def listen(connection: Connection, heard: list, number: int) -> bool:
    try:
        connection.drain_events(timeout=0.2)
    except (TimeoutError, *connection.connection_errors):
        pass
    return len(heard) >= number


@pytest.mark.parametrize(
    ("address", "transport"),
    [
        ("redis://127.0.0.1:1/0", Transport),
        ("rediss://127.0.0.1:1/0", Transport),
        ("unix:///nowhere", Transport),
        ("sentinel://127.0.0.1:1/0?master=m", SentinelTransport),
    ],
)
def test_every_address_goes_over_the_mended_transport(address, transport):
    assert type(Connection(broker(address)[0]).transport) is transport
