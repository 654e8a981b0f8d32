"""The real time and real chance."""

import random
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock in UTC, and the standard generator."""

    def now(self) -> datetime:
        """Aware, in UTC."""
        return datetime.now(UTC)

    def draw(self) -> float:
        """Uniform in [0, 1)."""
        return random.random()  # noqa: S311 - spreads retries, guards nothing
