"""The trends as they are stored: one hash of counts for each hour, kept a little over a week."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from worker.model import Configuration
from worker.runtime.counts import numbers
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore


@dataclass(frozen=True, slots=True)
class Trends:
    """Counts by name for each hour, the oldest first; the last hour is the one that runs. `first` is in hours since 1970."""

    first: int
    hours: tuple[dict[str, int], ...]

    def of(self, name: str) -> list[int]:
        """One name's counts, hour by hour."""
        return [hour.get(name, 0) for hour in self.hours]

    def totals(self, prefix: str) -> Counter[str]:
        """The sums of all names with the prefix, without it."""
        found: Counter[str] = Counter()
        for hour in self.hours:
            for name, number in hour.items():
                if name.startswith(prefix):
                    found[name.removeprefix(prefix)] += number
        return found

    def starts(self) -> list[datetime]:
        """When each hour began."""
        return [datetime.fromtimestamp((self.first + i) * 3600, UTC) for i in range(len(self.hours))]


def read_trends(store: RedisStore, hours: int) -> Trends:
    """The newest `hours`, the running one included, by the server's clock."""
    with translated():
        seconds, _ = store.client.time()
        last = int(seconds) // 3600
        pipeline = store.client.pipeline(transaction=False)
        for hour in range(last - hours + 1, last + 1):
            pipeline.hgetall(K + f"trend:{hour}")
        answers: list[dict[str, Any]] = pipeline.execute()
    counts = ({name: int(number) for name, number in numbers(answer).items()} for answer in answers)
    return Trends(last - hours + 1, tuple(counts))


@dataclass(frozen=True, slots=True)
class Budget:
    """What a watch raised in 24 hours, and the most it should."""

    watch: str
    alerts: int
    most: float


def read_budgets(store: RedisStore, configuration: Configuration) -> list[Budget]:
    """The watches that have a budget, in the order of the watchlist."""
    limited = [watch for watch in configuration.watches if watch.max_alerts_per_day is not None]
    if not limited:
        return []
    raised = read_trends(store, 24).totals("watch:")
    return [Budget(watch.id, raised[watch.id], watch.max_alerts_per_day or 1) for watch in limited]


def in_steps(values: list[int], step: int) -> list[int]:
    """Sums of `step` neighbours, aligned at the end: [1, 2, 3, 4, 5] by 2 is [1, 5, 9]."""
    head = len(values) % step
    heads = [sum(values[:head])] if head else []
    return heads + [sum(values[i : i + step]) for i in range(head, len(values), step)]
