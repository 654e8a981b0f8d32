"""Ports for servers that have to be told theirs before they start."""

import socket
import sys

_HELD: list[socket.socket] = []


def free_port() -> int:
    """A port of loopback, free, and given to nobody else until this process ends.

    On Linux it stays bound, without anybody listening: whoever names it may listen there, since servers set SO_REUSEADDR
    too, and the system gives it neither to a connection nor to who asks for any port.
    """
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    port: int = probe.getsockname()[1]
    if sys.platform == "linux":
        _HELD.append(probe)
    else:
        probe.close()
    return port
