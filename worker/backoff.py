"""How long to wait before trying again. Pure: randomness is an argument."""

from datetime import timedelta


def jittered(delay: timedelta, draw: float, *, spread: float = 0.1) -> timedelta:
    """`delay` lengthened by up to `spread` of itself; `draw` is uniform in [0, 1)."""
    return delay * (1 + spread * draw)
