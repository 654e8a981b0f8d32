"""New articles in feeds on loopback become webhooks: Tocsin, two plain designs, and the bare language model.

    python -m bench.end_to_end                 200 articles in 12 feeds, two rounds of each side in turn
    python -m bench.end_to_end --articles 5000 --feeds 100 --rounds 1     a burst

The sides:

    plain          `plain_baseline.py` of the shared folder as it stands, with spaCy's own design (`bench.plain_model`)
    plain_own      the same design with the tagger and the topics that ship here
    always         Tocsin, names looked for in every article; an enricher for each core
    when_relevant  Tocsin, names looked for where they matter; an enricher for each core
    pipe           one `nlp.pipe` of the pipeline that ships, names and rules, with as many processes as there are cores
    full           the tagger that ships, alone, over every word; a process for each core
    tagger         the same with its gate, which passes over words that no name is near
    enrichment     all that an article is read for, in process, nothing stored; a process for each core

All watch the same 10,000 names, and one article in ten holds one. The clock starts when the feeds offer the articles and are
asked: Tocsin's are made due, as by `tocsin feeds poll`, and the plain designs are sent a task for each. It ends when the last
article was analysed and told. CPU is that of all processes of a side, the store apart, and the steadier figure on a machine
with other work. Prints JSON.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

import redis

from bench import bare
from bench.clock import measure
from bench.corpus import shared
from bench.figures import spread
from bench.load import Load, document, item, warm_texts
from tests.integration.world import Deployment, World, eventually, open_world
from tests.ports import free_port
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer, find_server

ROOT = Path(__file__).parents[1]
SETTLED_S = 3
AT_MOST = 5_000
"""Phrases of one condition."""


@contextmanager
def fresh(name: str) -> Iterator[tuple[Path, World]]:
    """A directory and a world of one's own."""
    with tempfile.TemporaryDirectory(prefix=name) as directory, open_world() as world:
        yield Path(directory), world


@contextmanager
def embedded(directory: Path) -> Iterator[tuple[EmbeddedServer, Any]]:
    """The server that ships, and a client of it."""
    server = EmbeddedServer(directory / "data")
    server.start()
    client = connect(server.url)
    try:
        yield server, client
    finally:
        client.close()
        server.stop()


def run_tocsin(load: Load, entities: str) -> dict[str, Any]:
    """All processes of an installation, an enricher for each core."""
    with fresh("bench") as (directory, world), embedded(directory) as (server, client):
        deployment = Deployment(directory, server, world)
        deployment.environ["TOCSIN_LEASE"] = "90s"
        empty = load.documents(is_empty=True)
        parts = [load.names[i : i + AT_MOST] for i in range(0, len(load.names), AT_MOST)] + [["Warmupword"]]
        matches = ", ".join(f"{{phrase: {json.dumps(part)}}}" for part in parts)
        watches = (
            f"nlp: {{entities: {entities}}}\nwatches:\n  - {{id: named, title: Named, match: {{any: [{matches}]}}}}\n"
        )
        deployment.configure([world.serve(path, body) for path, body in empty.items()], watches)
        deployment.start()
        for n in range(1, os.cpu_count() or 1):
            deployment.start_as(f"enricher{n}", "enricher")
        try:
            eventually(lambda: all(world.polls(path) > 1 for path in empty), 120, "the first polls")
            warm = [item(f"w{i}", f"Warm-up {i}", f"The Warmupword. {text}") for i, text in enumerate(warm_texts())]
            world.serve("/feed0", document(warm))
            eventually(lambda: len(world.received) >= len(warm), 180, "the warm-up")
            time.sleep(SETTLED_S)
            full = load.documents()
            groups, store = {name: process.pid for name, process in deployment.processes.items()}, RedisStore(client)

            def publish() -> None:
                for pair in full.items():
                    world.serve(*pair)
                for feed in client.zrange("{tocsin}:feeds:due", 0, -1):
                    store.steer_feed(feed, "hurry")

            def is_done() -> bool:
                new = float(client.hget("{tocsin}:metrics", 'tocsin_articles_total{outcome="new"}') or 0)
                waits = client.zcard("{tocsin}:articles:due") + client.zcard("{tocsin}:outbox:desk")
                return new >= len(load.rows) + len(warm) and not waits

            return measure(load, world, groups, publish, is_done)
        except AssertionError as error:
            raise AssertionError(f"{error}: {deployment.logs()[-2_000:]}") from error
        finally:
            deployment.stop()


@cache
def plain_model() -> Path:
    """The model of the plain design, trained once for all rounds."""
    folder = tempfile.TemporaryDirectory(prefix="plain-model")
    _kept.append(folder)
    command = [sys.executable, "-W", "ignore", "-m", "bench.plain_model", folder.name]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return Path(folder.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


@contextmanager
def open_redis(directory: Path) -> Iterator[tuple[str, redis.Redis]]:
    """A Redis on a port, as the plain design expects one; it keeps nothing, which is to its advantage."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(directory)]
    process = subprocess.Popen([find_server(), *options], stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port, retry=None)  # type: ignore[arg-type]
    try:
        eventually(lambda: _answers(client), 20, "the plain design's Redis")
        yield f"redis://127.0.0.1:{port}/0", client
    finally:
        client.close()
        process.terminate()
        process.wait(20)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.exceptions.ConnectionError:
        return False


def run_plain(load: Load, module: str, folder: Path, model: str) -> dict[str, Any]:
    """A Celery worker with two processes, whichever model it loads."""
    from celery import Celery

    with fresh("plain") as (directory, world), open_redis(directory) as (url, client):
        (directory / "terms").write_text("\n".join(load.names), "utf-8")
        environ = dict(os.environ) | {
            "PLAIN_REDIS": url, "PLAIN_TERMS": str(directory / "terms"), "PLAIN_HOOK": world.url("/hook"),
            "PLAIN_MODEL": model, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "C_FORCE_ROOT": "1", "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "error")
        with (directory / "plain.log").open("ab") as log:
            command = [sys.executable, "-m", "celery", "-q", "-A", module, "worker", "-c", str(os.cpu_count()), *quiet]
            process = subprocess.Popen(command, env=environ, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        app = Celery("sender", broker=url, set_as_current=False)
        try:
            warm = [{"id": "warm", "title": "Warm", "text": text} for text in warm_texts()]
            for one in warm:
                app.send_task(f"{module}.article", [one])
            eventually(lambda: int(client.get("plain:done") or 0) >= len(warm), 180, "the warm-up")
            for path, body in load.documents().items():
                world.serve(path, body)
            wanted = len(load.rows) + len(warm)

            def start() -> None:
                for n in range(load.feeds):
                    app.send_task(f"{module}.poll", [world.url(f"/feed{n}")])

            return measure(
                load, world, {"worker": process.pid}, start, lambda: int(client.get("plain:done") or 0) >= wanted
            )
        except AssertionError as error:
            raise AssertionError(f"{error}: {(directory / 'plain.log').read_text()[-2_000:]}") from error
        finally:
            app.close()
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--feeds", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sides", default=",".join(("plain", "plain_own", "always", "when_relevant", *bare.SIDES)))
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    load = Load(options.articles, options.feeds)
    sides: dict[str, Callable[[], dict[str, Any]]] = {
        "plain": lambda: run_plain(load, "plain_baseline", shared().parent / "bench", str(plain_model())),
        "plain_own": lambda: run_plain(load, "bench.plain", ROOT, ""),
        "always": lambda: run_tocsin(load, "always"),
        "when_relevant": lambda: run_tocsin(load, "when_relevant"),
        **{side: partial(bare.run, side, options.articles, options.feeds) for side in bare.SIDES},
    }
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in options.sides.split(",")}
    for turn in range(options.rounds):
        for name, found in rounds.items():
            found.append(sides[name]())
            print(f"round {turn + 1}/{options.rounds} {name}: {found[-1]}", file=sys.stderr, flush=True)
    about = {"articles": options.articles, "words_each": load.words_each(), "feeds": options.feeds}
    print(json.dumps(about | compare(rounds), indent=2))


def compare(rounds: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The sides' rounds, and what Tocsin is to the others: by CPU and by wall time, round by round."""
    ratios: dict[str, Any] = {}
    for ours in ("always", "when_relevant"):
        for other in ("plain", "plain_own", *bare.SIDES):
            if pairs := list(zip(rounds.get(ours, ()), rounds.get(other, ()), strict=False)):
                ratios[f"{ours}_to_{other}"] = _ratios(pairs)
    return {"rounds": rounds, "ratios": ratios}


def _ratios(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "per_cpu": spread([b["cpu_ms_per_article"] / a["cpu_ms_per_article"] for a, b in pairs]),
        "per_wall": spread([a["articles_per_s"] / b["articles_per_s"] for a, b in pairs]),
    }
    for span in ("fetch_to_webhook_s", "offer_to_webhook_s"):
        waits = [(a[span], b[span]) for a, b in pairs if a.get(span) and b.get(span)]
        for cut in ("p50", "p95") if waits else ():
            found[f"{span.removesuffix('_s')}_{cut}"] = round(median(a[cut] / b[cut] for a, b in waits), 4)
    return found


if __name__ == "__main__":
    main()
