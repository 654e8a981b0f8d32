"""A connection to whichever server the Sentinels call the primary.

redis-py asks the Sentinels when a connection is opened by `connect`, but one that was lost is opened again by whoever sends
next, at the address it had (redis-py issue 3874): a frozen primary would be tried again for as long as retries last.
"""

from typing import Any

from redis.sentinel import SentinelManagedConnection


class PrimaryConnection(SentinelManagedConnection):
    """Asks the Sentinels anew whenever it has to be opened."""

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Open the connection first where it is lost, to whoever is the primary now."""
        if not self._sock:
            self.connect()  # type: ignore[no-untyped-call]
        super().send_packed_command(command, check_health=check_health)  # type: ignore[no-untyped-call]
