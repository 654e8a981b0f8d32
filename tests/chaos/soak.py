"""`python -m tests.chaos.soak [--minutes 10]`: steady news for a while; does any process's memory grow? Prints JSON.

Every second a feed publishes new articles (about 20 a second, a quarter of them watched for) and drops its oldest. Memory is
that of a worker and its pool. The first third of the time is for warming up: whatever a worker remembers of words (at most
60,000 of them) is full by then, since every word is new. After that words are from a lexicon, and one in twenty is new. The
slope is a least-squares line over the other two thirds.
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.chaos.checker import judge
from tests.chaos.fixture import Fixture, make
from tests.chaos.rig import Rig, open_rig
from worker.runtime.redis_client import K

FEEDS, BATCH, KEPT = 10, 20, 200
"""A feed keeps its articles for 100 s: on a busy machine too, a poller has read them before they are gone."""
MOST_MB_A_MINUTE = 1.0
LEXICON = 30_000
"""As many different words as a newspaper has in months."""


def soak(minutes: float) -> dict[str, object]:
    """The figures of a run."""
    number, warm_s = int(minutes * 60 * BATCH) + BATCH, minutes * 60 / 3
    whole = make(number, FEEDS, seed=60, lexicon=LEXICON, strange=int(warm_s * BATCH))
    with (
        tempfile.TemporaryDirectory() as directory,
        open_rig(Path(directory), Fixture(whole.articles[:BATCH], FEEDS), "2s") as rig,
    ):
        said = [[one for one in whole.articles if one.feed == feed] for feed in range(FEEDS)]
        samples: list[tuple[float, dict[str, int]]] = []
        started = time.monotonic()
        for turn in itertools.count(1):
            passed = time.monotonic() - started
            if passed > minutes * 60:
                break
            upto = min(int(passed * BATCH / FEEDS) + 2, len(said[0]))
            feed = turn % FEEDS
            shown = tuple(said[feed][max(upto - KEPT, 0) : upto])
            rig.world.serve(f"/feed{feed}", Fixture(shown, FEEDS).document(feed))
            rig.revive()
            if turn % 5 == 0:
                samples.append((passed, {name: rig.memory_mb(name) for name in ("poller", "enricher", "deliverer")}))
                _show(passed, minutes, rig, samples[-1][1])
            time.sleep(1)
        published = {one for feed in said for one in feed[:upto]}
        expected = Fixture(tuple(published), FEEDS).expected()
        for feed in range(FEEDS):
            rig.world.serve(
                f"/feed{feed}", Fixture(tuple(said[feed][max(upto - KEPT, 0) : upto]), FEEDS).document(feed)
            )
        rig.run_until(lambda: rig.accepted() >= len(expected), 180)
        judgement = judge(expected, rig.world.received, rig.world.arrived)
        warm = [(at, row) for at, row in samples if at > warm_s]
        slopes = {
            name: round(float(np.polyfit([at / 60 for at, _ in warm], [row[name] for _, row in warm], 1)[0]), 3)
            for name in warm[0][1]
        }
        return {
            "minutes": minutes, "articles": len(published), "articles_read": rig.client.zcard(K + "articles"), "alerts": len(expected), **judgement.faults,
            "memory_warm_mb": warm[0][1], "memory_mb": warm[-1][1], "slope_mb_a_minute": slopes,
            "redis_mb": round(rig.client.info("memory")["used_memory"] / 1e6, 1),
            "passed": judgement.is_clean and max(slopes.values()) < MOST_MB_A_MINUTE,
        }  # fmt: skip


def _show(passed: float, minutes: float, rig: Rig, memory: dict[str, int]) -> None:
    if sys.stderr.isatty():
        print(f"\r{passed:5.0f} of {minutes * 60:.0f} s, {rig.accepted()} alerts, MB {memory}", end="", file=sys.stderr)


def main() -> None:
    """Run, print, and exit with 1 where something was lost or memory grows."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    figures = soak(parser.parse_args().minutes)
    print(json.dumps(figures))
    sys.exit(not figures["passed"])


if __name__ == "__main__":
    main()
