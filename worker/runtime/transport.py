"""How Celery reaches Redis: kombu's transports, mended where a lost server left a worker deaf.

A worker takes one doorbell at a time (a prefetch of one). When the server went away between a doorbell and its
acknowledgement, kombu raised, Celery logged "Couldn't ack", and the doorbell went on counting as held: the worker asked for
no other, lost its connection without noticing, and stood still until its watchdog ended it. So a doorbell is let go of
whatever the server says. What is left of it on the server is delivered once more after the visibility timeout, and is then
long expired.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis, virtual

from worker.runtime.primary import PrimaryConnection


class _QoS(redis.QoS):
    def ack(self, delivery_tag: Any) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]  # kombu has few types
        except BaseException:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise


class Channel(redis.Channel):
    """A channel whose doorbells are let go of."""

    QoS = _QoS


class Transport(redis.Transport):
    """What `redis://` means to Celery here."""

    Channel = Channel


class SentinelChannel(redis.SentinelChannel):
    """The same behind Sentinels, which are asked anew whenever a connection has to be opened."""

    QoS = _QoS
    connection_class = PrimaryConnection


class SentinelTransport(redis.SentinelTransport):
    """What `sentinel://` means to Celery here."""

    Channel = SentinelChannel


def teach_celery() -> None:
    """Have Celery use these transports."""
    TRANSPORT_ALIASES.update(
        redis=f"{__name__}:Transport", rediss=f"{__name__}:Transport", sentinel=f"{__name__}:SentinelTransport"
    )
