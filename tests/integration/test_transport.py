"""A worker hears doorbells again after the server was away, whatever was on the way just then."""

import logging

import pytest
from kombu import Connection, Consumer, Queue

from tests.integration.world import eventually
from worker.runtime.app import broker
from worker.runtime.transport import SentinelTransport, Transport
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
