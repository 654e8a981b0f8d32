"""How right a watch is, as far as its judged alerts can tell."""

from math import sqrt

_Z = 1.959963984540054
"""Two-sided 95 %."""


def wilson_interval(true: int, false: int) -> tuple[float, float]:
    """The 95 % interval of the share true / (true + false), by Wilson's score (1927); (0, 1) where nothing was judged.

    With p the share, n the number and z = 1.96: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n).
    9 of 10 gives 0.596 to 0.982: few verdicts say little, and the interval never leaves 0 to 1.
    """
    n = true + false
    if not n:
        return 0.0, 1.0
    share, square = true / n, _Z * _Z
    middle = share + square / (2 * n)
    width = _Z * sqrt(share * (1 - share) / n + square / (4 * n * n))
    scale = 1 + square / n
    return max((middle - width) / scale, 0.0), min((middle + width) / scale, 1.0)
