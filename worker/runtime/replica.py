"""What has to be on a replica before the world hears of it: behind Sentinels a primary's death forgets what is not.

Redis answers a write before its replicas have it, so the server that takes over may know nothing of an alert whose webhook
is out; the alert would be raised again, under its id, with another timestamp. Where Sentinels are used a deliverer therefore
waits until a replica has what it is about to send.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from redis.sentinel import SentinelConnectionPool

from worker.errors import StoreUnavailable
from worker.runtime.redis_client import K, translated

_WAIT_MS = 500
_ALONE = "\nconnected_slaves:0\r"


def secure(client: Any, delivery: str = "", fence: str = "") -> bool:
    """Wait until a replica has all that was written before, such as a claim of `delivery` under `fence`; whether one has.

    Where none has it in time, or none is connected, the Sentinels are asked, and as long as they name this server the
    primary, work goes on. Raises StoreUnavailable where they name another one: this server was deposed, and forgets soon;
    and where the server that answers now is not the one that lent the delivery.
    """
    pool = client.connection_pool
    if not isinstance(pool, SentinelConnectionPool):
        return False
    with translated():
        connection = client.connection_pool.get_connection()
        try:
            is_known = not delivery or _ask(connection, "HGET", K + f"delivery:{delivery}", "fence") == fence
            has_replica = is_known and _replicate(connection)
            here = (connection.host, connection.port)
        except BaseException:
            connection.disconnect()
            raise
        finally:
            pool.release(connection)
        if has_replica or (is_known and pool.sentinel_manager.discover_master(pool.service_name) == here):
            return has_replica
    pool.disconnect(inuse_connections=False)
    msg = "the Sentinels made another server the primary; the former's last writes are about to be forgotten"
    raise StoreUnavailable(msg)


def secure_lent(client: Any, run: Callable[..., Any], endpoint: str, rows: Sequence[Any]) -> None:
    """Go on with what `claim_deliveries` lent only if it outlives this server; else give it back, due at once.

    Kept, it would fill its endpoint's room until its lease ends, and be suspect though nobody sent it.
    """
    if not rows:
        return
    id_, fence, is_probe, *_ = rows[0]
    try:
        secure(client, id_, fence)
    except StoreUnavailable:
        with suppress(StoreUnavailable):  # then its lease brings it back
            run("give_back_deliveries", endpoint, is_probe, *(part for row in rows for part in row[:2]))
        raise


def _replicate(connection: Any) -> bool:
    """Wait for a replica; one that is not connected is not waited for."""
    if _ALONE in _ask(connection, "INFO", "replication"):
        return False
    # WAIT counts from the last write of its own connection: so one is made here.
    _ask(connection, "SET", K + "secured", "", "PX", 60_000)
    return bool(_ask(connection, "WAIT", 1, _WAIT_MS))


def _ask(connection: Any, *command: str | int) -> Any:
    connection.send_command(*command)
    return connection.read_response()
