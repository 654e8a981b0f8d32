"""How Celery reaches Redis: kombu's transports, mended where a lost server left a worker deaf, with queues that stay short.

A worker takes one doorbell at a time (a prefetch of one). When the server went away between a doorbell and its
acknowledgement, kombu raised, Celery logged "Couldn't ack", and the doorbell went on counting as held: the worker asked for
no other, lost its connection without noticing, and stood still until its watchdog ended it. So a doorbell is let go of
whatever the server says. What is left of it on the server is delivered once more after the visibility timeout, and finds nothing
to do.

A queue keeps its newest doorbells only: many that wait say no more than few, and say it to workers that have been away. An
expiry would do the same by comparing the clocks of two hosts, and a host whose clock is ahead would drop every doorbell.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis, virtual

from worker.runtime.primary import PrimaryConnection

MOST_WAITING = 64
"""Doorbells in a queue: enough to wake as many workers at once."""


class _QoS(redis.QoS):
    def ack(self, delivery_tag: Any) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]  # kombu has few types
        except BaseException:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise


class _Short:
    """Of a channel: what is put into a queue pushes out what has waited behind many others."""

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)  # type: ignore[misc]
        channel: Any = self
        priority = channel._get_message_priority(message, reverse=False)  # noqa: SLF001 - where kombu put it
        with channel.conn_or_acquire() as client:
            client.ltrim(channel._q_for_pri(queue, priority), 0, MOST_WAITING - 1)  # noqa: SLF001


class Channel(_Short, redis.Channel):
    """A channel whose doorbells are let go of."""

    QoS = _QoS


class Transport(redis.Transport):
    """What `redis://` means to Celery here."""

    Channel = Channel


class SentinelChannel(_Short, redis.SentinelChannel):
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
