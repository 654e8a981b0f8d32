"""What became of the tests in the watches when they were last run, by whichever process ran them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore
from worker.watchtest import TestOutcome

_KEY = K + "tests"
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """A test that failed: its title, its file:line, and the first difference."""

    title: str
    place: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class WatchResult:
    """One watch's tests: how many there were, how many failed, and the first few that did."""

    number: int
    failed: int
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class TestRun:
    """A run of all tests of the configuration with this hash; `watches` by their ids."""

    __test__ = False

    hash: str
    at: datetime
    watches: dict[str, WatchResult]


def summarise(outcomes: Iterable[TestOutcome]) -> dict[str, Any]:
    """The outcomes by watch, as they are stored."""
    watches: dict[str, Any] = {}
    for outcome in outcomes:
        row = watches.setdefault(outcome.watch, {"number": 0, "failed": 0, "failures": []})
        row["number"] += 1
        if outcome.failures:
            row["failed"] += 1
            if len(row["failures"]) < _MOST_SHOWN:
                expected, got = outcome.failures[0]
                row["failures"].append(
                    {"title": outcome.title[:200], "place": outcome.place, "expected": expected, "got": got[:500]}
                )
    return watches


def keep_results(store: RedisStore, config_hash: str, watches: dict[str, Any]) -> None:
    """Store a summary in place of the one before."""
    run = {"hash": config_hash, "at": datetime.now(UTC).isoformat(timespec="seconds"), "watches": watches}
    with translated():
        store.client.set(_KEY, json.dumps(run))


def read_results(store: RedisStore) -> TestRun | None:
    """The last run, if there was one."""
    with translated():
        raw = store.client.get(_KEY)
    if raw is None:
        return None
    run = json.loads(raw)
    watches = {
        name: WatchResult(row["number"], row["failed"], tuple(Failure(**failure) for failure in row["failures"]))
        for name, row in run["watches"].items()
    }
    return TestRun(run["hash"], datetime.fromisoformat(run["at"]), watches)
