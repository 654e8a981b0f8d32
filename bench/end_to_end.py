"""New articles in feeds on loopback become webhooks: Tocsin, the plain design, and the bare language model.

    python -m bench.end_to_end                 200 articles in 12 feeds, two rounds of each side in turn
    python -m bench.end_to_end --articles 5000 --feeds 100 --rounds 1     a burst

Real articles of 150 words or more; 2,000 watched terms, of which some stand in every tenth article. The clock starts
when the feeds offer the articles and ends when the last was analysed and told; the time from fetch to webhook is of
the articles that fire. CPU is that of all processes of a side, the store apart, and the steadier figure on a machine
with other work. Prints JSON.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from statistics import median
from xml.sax.saxutils import escape

from bench.figures import percentiles, spread
from bench.week import shared
from tests.integration.world import Deployment, World, eventually, open_world
from worker.runtime.redis_client import connect
from worker.runtime.valkey import EmbeddedServer

LEAST_WORDS, TERMS = 150, 2_000
LIMIT_S = 900
SYLLABLES = "ba co di fu ge ha in ke lo mo na or pe ra si tu va we xi yo za".split()
CLEAN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Load:
    """Articles, the terms that are watched, and the feeds that carry both."""

    def __init__(self, articles: int, feeds: int) -> None:
        chance = random.Random(7)
        rows = (json.loads(line) for line in (shared() / "topics" / "unlabelled.jsonl").open(encoding="utf-8"))
        texts = [row["text"] for row in rows if len(row["text"].split()) >= LEAST_WORDS]
        self.texts = [texts[i % len(texts)] for i in range(articles)]
        self.fires = [i for i in range(articles) if i % 10 == 0]
        self.names = ["".join(chance.choices(SYLLABLES, k=5)).title() for _ in range(TERMS)]
        self.feeds = feeds

    def documents(self, is_empty: bool = False) -> dict[str, str]:
        made: dict[str, list[str]] = {f"/feed{n}": [] for n in range(self.feeds)}
        for i, text in enumerate(() if is_empty else self.texts):
            title, _, body = text.partition("\n")
            told = f"{body} The report names {self.names[i % TERMS]} again." if i % 10 == 0 else body
            made[f"/feed{i % self.feeds}"].append(item(f"a{i}", f"{title} ({i})", f"Number {i}. {told} ({i})"))
        return {path: document(items) for path, items in made.items()}


def item(guid: str, title: str, body: str) -> str:
    when = format_datetime(datetime.now(UTC))
    return (
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{escape(CLEAN.sub('', title))}</title>"
        f"<link>https://{guid}.example/x</link><pubDate>{when}</pubDate>"
        f"<description>{escape(escape(CLEAN.sub('', body)))}</description></item>"
    )


def document(items: list[str]) -> str:
    return f"<rss version='2.0'><channel><title>bench</title>{''.join(items)}</channel></rss>"


class Clock:
    """When each feed was first asked for in full, and when each webhook came."""

    def __init__(self, world: World) -> None:
        self.world, self.fetched, self.told = world, {}, {}
        self._asked, self._came = len(world.asked), len(world.received)
        self.is_on = True
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while self.is_on:
            now = time.time()
            for path, status in self.world.asked[self._asked :]:
                self._asked += 1
                if status == 200:
                    self.fetched.setdefault(path, now)
            for hook in self.world.received[self._came :]:
                self._came += 1
                told = json.loads(hook.body)
                found = told.get("id") if "hits" in told else told["data"]["article"]["link"].split("/")[2][:-8]
                self.told.setdefault(found, now)
            time.sleep(0.01)

    def waits(self, load: Load) -> list[float]:
        return [self.told[f"a{i}"] - self.fetched[f"/feed{i % load.feeds}"] for i in load.fires if f"a{i}" in self.told]


def cpu_s(groups: list[int]) -> float:
    """Processor seconds so far of all processes in the groups, their ended children with them."""
    total = 0
    for folder in Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split() if folder.name.isdigit() else []
        except OSError:
            continue
        if fields and int(fields[2]) in groups:
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def measure(
    load: Load, world: World, groups: list[int], start: Callable[[], None], is_done: Callable[[], bool]
) -> dict:
    clock, cpu, began = Clock(world), cpu_s(groups), time.time()
    start()
    eventually(is_done, LIMIT_S, "the last article")
    wall, spent = time.time() - began, cpu_s(groups) - cpu
    clock.is_on = False
    waits = clock.waits(load)
    return {
        "articles_per_s": round(len(load.texts) / wall, 2),
        "cpu_ms_per_article": round(spent / len(load.texts) * 1000, 2),
        "told": len(waits),
        "fetch_to_webhook_s": percentiles(waits),
    }


@contextmanager
def fresh(name: str):
    with tempfile.TemporaryDirectory(prefix=name) as directory, open_world() as world:
        server = EmbeddedServer(Path(directory) / "data")
        server.start()
        client = connect(server.url)
        try:
            yield Path(directory), world, server, client
        finally:
            client.close()
            server.stop()


def run_tocsin(load: Load, entities: str) -> dict:
    with fresh("bench") as (directory, world, server, client):
        deployment = Deployment(directory, server, world)
        deployment.environ["TOCSIN_LEASE"] = "90s"
        empty = load.documents(is_empty=True)
        phrases = json.dumps([*load.names, "Warmupword"])
        watches = (
            f"nlp: {{entities: {entities}}}\nwatches:\n  - {{id: named, title: Named, match: {{phrase: {phrases}}}}}\n"
        )
        deployment.configure([world.serve(path, body) for path, body in empty.items()], watches)
        deployment.start()
        try:
            eventually(lambda: all(world.polls(path) > 1 for path in empty), 120, "the first polls")
            warm = item("warm", "Warm-up of the bench", "The Warmupword is said once more in this first text. " * 6)
            world.serve("/feed0", document([warm]))
            eventually(lambda: world.received, 180, "the warm-up")
            full = load.documents()
            groups = [process.pid for process in deployment.processes.values()]

            def is_done() -> bool:
                new = float(client.hget("{tocsin}:metrics", 'tocsin_articles_total{outcome="new"}') or 0)
                waits = client.zcard("{tocsin}:articles:due") + client.zcard("{tocsin}:outbox:desk")
                return new >= len(load.texts) + 1 and not waits

            return measure(load, world, groups, lambda: [world.serve(*pair) for pair in full.items()], is_done)
        finally:
            deployment.stop()


def run_plain(load: Load) -> dict:
    with fresh("plain") as (directory, world, server, client):
        (directory / "terms").write_text("\n".join(load.names), "utf-8")
        environ = dict(os.environ) | {
            "PLAIN_REDIS": server.url, "PLAIN_TERMS": str(directory / "terms"), "PLAIN_HOOK": world.url("/hook"),
            "OMP_NUM_THREADS": "1", "C_FORCE_ROOT": "1", "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        os.environ["PLAIN_REDIS"] = server.url
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "error")
        with (directory / "plain.log").open("ab") as log:
            command = [sys.executable, "-m", "celery", "-q", "-A", "bench.plain", "worker", "-c", "2", *quiet]
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
        from celery import Celery

        app = Celery("sender", broker=server.url.replace("unix://", "redis+socket://"), set_as_current=False)
        try:
            for _ in range(4):
                app.send_task("plain.article", [{"id": "warm", "title": "Warm", "text": "up"}])
            eventually(lambda: int(client.get("plain:done") or 0) >= 4, 180, "the warm-up")
            for path, body in load.documents().items():
                world.serve(path, body)
            wanted = len(load.texts) + 4

            def start() -> None:
                for n in range(load.feeds):
                    app.send_task("plain.poll", [world.url(f"/feed{n}")])

            return measure(load, world, [process.pid], start, lambda: int(client.get("plain:done")) >= wanted)
        finally:
            app.close()
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def run_bare(load: Load) -> dict:
    """One process, one core: tokeniser and tagger over the same texts."""
    from worker.enrich import pipeline

    nlp = pipeline.load()
    nlp.remove_pipe("tocsin_gazetteer")
    list(nlp.pipe(load.texts[:50]))
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in nlp.pipe(load.texts):
        pass
    number = len(load.texts)
    return {
        "articles_per_s": round(number / (time.perf_counter() - wall), 2),
        "cpu_ms_per_article": round((time.process_time() - cpu) / number * 1000, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--feeds", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sides", default="plain,always,when_relevant,bare")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    load = Load(options.articles, options.feeds)
    sides = {
        "plain": lambda: run_plain(load),
        "always": lambda: run_tocsin(load, "always"),
        "when_relevant": lambda: run_tocsin(load, "when_relevant"),
        "bare": lambda: run_bare(load),
    }
    rounds: dict[str, list[dict]] = {name: [] for name in options.sides.split(",")}
    for turn in range(options.rounds):
        for name, found in rounds.items():
            found.append(sides[name]())
            print(f"round {turn + 1}/{options.rounds} {name}: {found[-1]}", file=sys.stderr, flush=True)
    print(json.dumps({"articles": options.articles, "feeds": options.feeds, **compare(rounds)}, indent=2))


def compare(rounds: dict[str, list[dict]]) -> dict:
    """The sides' rounds, and what Tocsin is to the others: by CPU and by wall time, round by round."""
    ratios = {}
    for ours in ("always", "when_relevant"):
        for other in ("plain", "bare"):
            pairs = list(zip(rounds.get(ours, ()), rounds.get(other, ()), strict=False))
            if pairs:
                ratios[f"{ours}_to_{other}"] = {
                    "per_cpu": spread([b["cpu_ms_per_article"] / a["cpu_ms_per_article"] for a, b in pairs]),
                    "per_wall": spread([a["articles_per_s"] / b["articles_per_s"] for a, b in pairs]),
                }
            waits = [(a.get("fetch_to_webhook_s"), b.get("fetch_to_webhook_s")) for a, b in pairs]
            if pairs and all(a and b for a, b in waits):
                for cut in ("p50", "p95"):
                    ratios[f"{ours}_to_{other}"][f"wait_{cut}"] = median(round(a[cut] / b[cut], 4) for a, b in waits)
    return {"rounds": rounds, "ratios": ratios}


if __name__ == "__main__":
    main()
