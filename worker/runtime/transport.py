"""How Celery reaches Redis: kombu's transports, for doorbells that may be lost, with queues that stay short.

Kombu writes down what a worker takes from a queue until it is acknowledged, so that another may have it after an hour. A
doorbell that is lost costs a tick of beat, so nothing of it stays on the server once a worker has it: that is two writes to
the server's disk less for each, for which all others would wait, and an acknowledgement cannot fail. One that failed, since
the server had gone away, left a worker deaf: the doorbell went on counting as held, and a worker takes one at a time (a
prefetch of one, which is counted in its own memory).

A queue keeps its newest doorbells only: many that wait say no more than few, and say it to workers that have been away. An
expiry would do the same by comparing the clocks of two hosts, and a host whose clock is ahead would drop every doorbell.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from kombu.utils.json import dumps

from worker.runtime.primary import PrimaryConnection

MOST_WAITING = 64
"""Doorbells in a queue: enough to wake as many workers at once."""


class _Doorbells:
    """Of a channel: what a worker holds is known to it alone, and a queue's newest push out the oldest."""

    ack_emulation = False
    do_restore = False

    def _put(self, queue: str, message: Any, **_kwargs: Any) -> None:
        channel: Any = self
        priority = channel._get_message_priority(message, reverse=False)  # noqa: SLF001 - as kombu finds the queue's key
        key = channel._q_for_pri(queue, priority)  # noqa: SLF001
        with channel.conn_or_acquire() as client:
            waiting = client.lpush(key, dumps(message))  # type: ignore[no-untyped-call]  # kombu has few types
            if waiting > MOST_WAITING:
                # kombu's client puts the prefix before the keys of the commands that kombu uses, and this is none of them
                client.ltrim(channel.global_keyprefix + key, 0, MOST_WAITING - 1)


class Channel(_Doorbells, redis.Channel):
    """A channel of doorbells."""


class Transport(redis.Transport):
    """What `redis://` means to Celery here."""

    Channel = Channel


class SentinelChannel(_Doorbells, redis.SentinelChannel):
    """The same behind Sentinels, which are asked anew whenever a connection has to be opened."""

    connection_class = PrimaryConnection


class SentinelTransport(redis.SentinelTransport):
    """What `sentinel://` means to Celery here."""

    Channel = SentinelChannel


def teach_celery() -> None:
    """Have Celery use these transports."""
    TRANSPORT_ALIASES.update(
        redis=f"{__name__}:Transport", rediss=f"{__name__}:Transport", sentinel=f"{__name__}:SentinelTransport"
    )
