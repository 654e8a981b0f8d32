"""How long to wait before trying again. Pure: randomness is an argument."""

from datetime import timedelta


def exponential(failures: int, *, base: timedelta, cap: timedelta) -> timedelta:
    """`base · 2^(failures-1)`, at most `cap`: with 15 min and 24 h 15 m, 30 m, 1 h, 2 h … 24 h."""
    exponent = min(max(failures - 1, 0), 32)
    return min(base * float(2**exponent), cap)


def jittered(delay: timedelta, draw: float, *, spread: float = 0.1) -> timedelta:
    """`delay` lengthened by up to `spread` of itself; `draw` is uniform in [0, 1)."""
    return delay * (1 + spread * draw)
