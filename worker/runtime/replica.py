"""What has to be on a replica before the world hears of it: behind Sentinels a primary's death forgets what is not.

Redis answers a write before its replicas have it, so the server that takes over may know nothing of an alert whose webhook
is out; the alert would be raised again, under its id, with another timestamp. Where Sentinels are used a deliverer therefore
waits until a replica has what it is about to send.
"""

from typing import Any

from redis.sentinel import SentinelConnectionPool

from worker.errors import StoreUnavailable
from worker.runtime.redis_client import K, translated

_WAIT_MS = 500


def secure(client: Any) -> bool:
    """Wait until a replica has all that was written before; whether one has.

    Where none has it in time, one may not be there: then the Sentinels are asked, and as long as they name this server the
    primary, work goes on. Raises StoreUnavailable where they name another one: this server was deposed, and forgets soon.
    """
    pool = client.connection_pool
    if not isinstance(pool, SentinelConnectionPool):
        return False
    with translated():
        connection = client.connection_pool.get_connection()
        try:
            # WAIT counts from the last write of its own connection: so one is made here.
            connection.send_command("SET", K + "secured", "", "PX", 60_000)
            connection.read_response()
            connection.send_command("WAIT", 1, _WAIT_MS)
            has_replica = bool(connection.read_response())
            here = (connection.host, connection.port)
        except BaseException:
            connection.disconnect()
            raise
        finally:
            pool.release(connection)
        if has_replica or pool.sentinel_manager.discover_master(pool.service_name) == here:
            return has_replica
    pool.disconnect(inuse_connections=False)
    msg = "the Sentinels made another server the primary; this one's last writes are about to be forgotten"
    raise StoreUnavailable(msg)
