"""A hundred thousand feeds and five million articles a day, simulated with recorded rhythms and measured costs.

    python -m bench.growth                 measures the costs at small scale, checks them, simulates a day

What is measured here: processor time of a worker and of the store for a poll that brings nothing and for an article
(poll to webhook, one process over an embedded server, fetching and sending free), and the store's bytes. The check:
the costs of one run predict the next. The simulation goes through the busiest recorded day in steps of ten seconds:
arrivals are drawn (Poisson) around the recorded rhythm, work waits in one queue for each stage, and a stage takes what
its cores can do. The fewest cores are those with which nine of ten steps end with less than `PATIENCE_S` of work
waiting. Prints JSON.
"""

import argparse
import gzip
import json
import time
from collections import Counter
from concurrent.futures import Future
from datetime import UTC, datetime
from statistics import median
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from bench.corpus import shared
from bench.sizing import open_desk, read_articles
from tests.desk import Desk
from tests.fakes import SilentObserver, configuration, done, feed
from worker.match import Matcher
from worker.model import NotModified, PollOutcome
from worker.pipeline import Pipeline
from worker.poll import PollRequest
from worker.runtime.clock import SystemClock
from worker.runtime.redis_store import RedisStore

FEEDS, ARTICLES, POLL_EVERY_S = 100_000, 5_000_000, 900
STEP_S, PATIENCE_S = 10, 60
KEEP_DAYS = 30
WARM, ROUNDS = 100, 5


def rhythm() -> np.ndarray:
    """The share of a day's articles in each of its steps, of the busiest recorded day, smoothed over half an hour."""
    days: dict[object, Counter[int]] = {}
    for path in sorted((shared() / "replay").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                at = datetime.fromisoformat(json.loads(line)["pubDate"]).replace(tzinfo=UTC)
                days.setdefault(at.date(), Counter())[(at.hour * 3600 + at.minute * 60) // STEP_S] += 1
    busiest = max(days.values(), key=lambda counts: counts.total())
    steps = np.zeros(86_400 // STEP_S)
    for step, number in busiest.items():
        steps[step] += number
    width = 1_800 // STEP_S
    wrapped = np.concatenate([steps[-width:], steps, steps[:width]])
    smooth = np.convolve(wrapped, np.ones(width) / width, "same")[width:-width]
    share: npt.NDArray[np.float64] = smooth / smooth.sum()
    return share


class Nothing:
    """A fetcher whose every feed is unchanged."""

    def fetch(self, request: PollRequest) -> Future[PollOutcome]:
        return cast("Future[PollOutcome]", done(NotModified(request.feed.url)))


def store_cpu_s(client: Any) -> float:
    used = client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def measure_polls(store: RedisStore, number: int = 1_000) -> dict[str, float]:
    """Milliseconds a poll that brings nothing takes of a worker and of the store."""
    feeds = tuple(feed(f"p{i}") for i in range(number))
    store.sync_feeds(feeds)
    config = configuration(feeds)
    pipeline = Pipeline(
        store, Nothing(), None, None, SystemClock(), SilentObserver(), config, Matcher(()),  # type: ignore[arg-type]
    )  # fmt: skip
    own, theirs = time.process_time(), store_cpu_s(store.client)
    pipeline.poll_due()
    own, theirs = time.process_time() - own, store_cpu_s(store.client) - theirs
    return {"worker_ms": own / number * 1000, "store_ms": theirs / number * 1000}


def measure_articles(desk: Desk, articles: list[dict[str, str]], name: str) -> dict[str, float]:
    """Milliseconds an article takes of a worker and of the store, and the store's bytes, from poll to webhook."""
    client = desk.store.client
    before = int(client.info("memory")["used_memory"])
    own, theirs = time.process_time(), store_cpu_s(client)
    for i in range(0, len(articles), 25):
        desk.published["Demo Wire"] = []
        desk.publish(*(one | {"guid": f"{name}{one['guid']}"} for one in articles[i : i + 25]))
    own, theirs = time.process_time() - own, store_cpu_s(client) - theirs
    number = len(articles)
    grown = int(client.info("memory")["used_memory"]) - before
    return {"worker_ms": own / number * 1000, "store_ms": theirs / number * 1000, "store_bytes": grown / number}


def simulate(per_step: np.ndarray, cost_s: float, cores: int, chance: np.random.Generator) -> dict[str, float]:
    """One day of a stage: what waits after each step, in seconds of work for its cores."""
    waiting, seen = 0.0, []
    for arrivals in chance.poisson(per_step):
        waiting = max(waiting + arrivals * cost_s - cores * STEP_S, 0.0)
        seen.append(waiting / cores)
    return {"p50_s": float(np.median(seen)), "p90_s": float(np.quantile(seen, 0.9)), "most_s": float(max(seen))}


def fewest_cores(per_step: np.ndarray, cost_s: float, seed: int = 1) -> tuple[int, dict[str, float]]:
    """The fewest cores that keep the stage's queue short, and its queue with them."""
    cores = max(int(per_step.mean() * cost_s / STEP_S), 1)
    while (found := simulate(per_step, cost_s, cores, np.random.default_rng(seed)))["p90_s"] > PATIENCE_S:
        cores += 1
    return cores, {name: round(value, 1) for name, value in found.items()}


def grow(costs: dict[str, dict[str, float]]) -> dict[str, object]:
    """What the day needs."""
    share = rhythm()
    articles, polls = share * ARTICLES, np.full(len(share), FEEDS / POLL_EVERY_S * STEP_S)
    article, poll = costs["article"], costs["poll"]
    workers, article_queue = fewest_cores(articles, article["worker_ms"] / 1000)
    pollers, poll_queue = fewest_cores(polls, poll["worker_ms"] / 1000)
    stored = article["store_bytes"] * ARTICLES * KEEP_DAYS
    busy = {
        name: (articles.mean() * article["store_ms"] + polls.mean() * poll["store_ms"]) / 1000 / STEP_S * factor
        for name, factor in (("mean", 1.0), ("peak", float(share.max() * len(share))))
    }
    return {
        "peak_to_mean": round(float(share.max() * len(share)), 2),
        "article_cores": workers,
        "article_queue": article_queue,
        "poll_cores": pollers,
        "poll_queue": poll_queue,
        "store_busy_cores": {name: round(value, 2) for name, value in busy.items()},
        "store_gb_for_30_days": round(stored / 1e9, 1),
        "store_gb_for_1_day": round(stored / KEEP_DAYS / 1e9, 1),
        "articles_a_day_one_store_bears": round(
            (1 / busy["peak"]) * ARTICLES, -4
        ),
        "two_enricher_hosts": two_hosts(article),
    }  # fmt: skip


def two_hosts(article: dict[str, float]) -> dict[str, float]:
    """How much more two hosts do than one where all wait for the same single-threaded store, by the measured costs."""
    each = 1_000 / (article["worker_ms"] + article["store_ms"])
    store = 1_000 / article["store_ms"]
    return {
        "one_per_s": round(each, 1),
        "two_per_s": round(min(2 * each, store), 1),
        "gain": round(min(2.0, store / each), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=500)
    wanted = parser.parse_args().articles
    with open_desk() as desk:
        polls = measure_polls(desk.store)
        articles = read_articles(WARM + wanted)
        measure_articles(desk, articles[:WARM], "w")
        shares = [articles[WARM + i :: ROUNDS] for i in range(ROUNDS)]
        runs = [measure_articles(desk, share, f"r{i}-") for i, share in enumerate(shares)]
    words = [sum(len(one["html"].split()) for one in share) / len(share) for share in shares]
    article = {name: median(run[name] for run in runs) for name in runs[0]}
    costs = {"article": article, "poll": polls}
    told = {name: {k: round(v, 3) for k, v in row.items()} for name, row in costs.items()}
    check = foretell([run["worker_ms"] for run in runs], words)
    print(json.dumps({"costs": told, "words_each": round(median(words)), "check": check, **grow(costs)}, indent=2))


def foretell(worker_ms: list[float], words: list[float]) -> dict[str, object]:
    """Each run's cost as the median cost of a word in the others predicts it, and how far off that is."""
    per_word = [cost / number for cost, number in zip(worker_ms, words, strict=True)]
    foretold = [median(per_word[:i] + per_word[i + 1 :]) * number for i, number in enumerate(words)]
    off = [abs(said / found - 1) for said, found in zip(foretold, worker_ms, strict=True)]
    return {
        "predicted_worker_ms": [round(one, 2) for one in foretold],
        "measured_worker_ms": [round(one, 2) for one in worker_ms],
        "off": {"median": round(median(off), 3), "most": round(max(off), 3)},
    }


if __name__ == "__main__":
    main()
