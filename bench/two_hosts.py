"""Two enricher hosts against one Redis do how much more than one? Each in a network namespace of its own. Prints JSON.

    python -m bench.two_hosts --articles 1000 --rounds 2        as root, on Linux with `ip` and `taskset`

A host is a namespace with one link to the server's machine and one core that its enricher is pinned to; the server listens
on the links. The articles are stored while the enrichers stand still; the clock runs from when they are let go until
nothing is due. The server runs on the same two cores, so two hosts have less than two cores to themselves: its share of
processor time is stated, and `gain_beside_store` is what two would do by it on machines of their own.
"""

import argparse
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench.clock import cpu_s
from bench.end_to_end import embedded, fresh
from bench.figures import spread
from bench.growth import store_cpu_s
from bench.load import Load, document, warm_texts
from tests.desk import CONFIGURATION, Desk
from tests.integration.world import Deployment, eventually
from worker.runtime.redis_store import RedisStore
from worker.runtime.up import worker_command

PORT, LIMIT_S = 6_390, 600
DUE = "{tocsin}:articles:due"


def ip(*arguments: str) -> None:
    """Run `ip`. Raises CalledProcessError."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextmanager
def namespaces(number: int) -> Iterator[list[tuple[str, str]]]:
    """Names of so many namespaces, each with the address by which it sees this machine."""
    prefix, made = f"tb{os.getpid() % 10_000}", []
    try:
        for i in range(number):
            name, near, subnet = f"{prefix}n{i}", f"{prefix}v{i}", f"10.231.{i + 1}"
            ip("netns", "add", name)
            made.append((name, f"{subnet}.1"))
            ip("link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("addr", "add", f"{subnet}.1/24", "dev", near)
            ip("link", "set", near, "up")
            ip("-n", name, "addr", "add", f"{subnet}.2/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        yield made
    finally:
        for name, _ in made:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


class Hosts:
    """Enrichers, one for each namespace and core, that wait to be let go."""

    def __init__(self, deployment: Deployment, places: Sequence[tuple[str, str]]) -> None:
        self.processes = []
        for core, (name, address) in enumerate(places):
            environ = deployment.environ | {"TOCSIN_REDIS_URL": f"redis://{address}:{PORT}/0"}
            environ |= {"TOCSIN_WATCHDOG": "0s", "OPENBLAS_NUM_THREADS": "1"}
            command = ["ip", "netns", "exec", name, "taskset", "-c", str(core), *worker_command("enricher")]
            with (deployment.directory / f"host{core}.log").open("ab") as log:
                self.processes.append(
                    subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
                )

    def signal(self, number: signal.Signals, which: int) -> None:
        """A signal to the first so many hosts."""
        for process in self.processes[:which]:
            os.killpg(process.pid, number)

    def stop(self) -> None:
        self.signal(signal.SIGCONT, len(self.processes))
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def store_articles(desk: Desk, rows: Sequence[tuple[str, str]], name: str) -> None:
    """Put articles where enrichers find them."""
    for i in range(0, len(rows), 25):
        desk.published["Demo Wire"] = [
            {"guid": f"{name}{i + n}", "title": title, "html": body.replace("<", "&lt;"), "at": time.strftime("%FT%TZ")}
            for n, (title, body) in enumerate(rows[i : i + 25])
        ]
        desk.store.client.delete("{tocsin}:feeds:due")
        desk.store.sync_feeds(CONFIGURATION.feeds)
        desk.pipeline.poll_due()


def drain(hosts: Hosts, client: Any, number: int, articles: int) -> dict[str, float]:
    """Let so many hosts go until nothing is due."""
    groups = [process.pid for process in hosts.processes[:number]]
    began, cpu, store = time.perf_counter(), cpu_s(groups), store_cpu_s(client)
    hosts.signal(signal.SIGCONT, number)
    eventually(lambda: not client.zcard(DUE), LIMIT_S, "the last article")
    wall = time.perf_counter() - began
    hosts.signal(signal.SIGSTOP, number)
    return {
        "articles_per_s": articles / wall,
        "host_cpu_ms": (cpu_s(groups) - cpu) / articles * 1000,
        "store_cpu_ms": (store_cpu_s(client) - store) / articles * 1000,
    }


def measure(articles: int, rounds: int) -> dict[str, Any]:
    """One host and two in turn."""
    cores = min(os.cpu_count() or 1, 2)
    rows = Load(articles * rounds * cores, 1).rows
    found: dict[int, list[dict[str, float]]] = {number: [] for number in range(1, cores + 1)}
    with fresh("hosts") as (directory, world), embedded(directory) as (server, client), namespaces(cores) as places:
        client.config_set("protected-mode", "no")
        client.config_set("bind", " ".join(address for _, address in places))
        client.config_set("port", str(PORT))
        desk, deployment = Desk(RedisStore(client)), Deployment(directory, server, world)
        deployment.environ["TOCSIN_LEASE"] = "90s"
        deployment.configure(
            [world.serve("/feed", document([]))],
            "watches:\n  - {id: arms, title: Arms, match: {topic: arms-transfer}}\n",
        )
        deployment.start("beat")
        hosts = Hosts(deployment, places)
        try:
            warm = [(text[:60], text) for text in warm_texts()]
            for part in range(cores):  # each learns its common words
                store_articles(desk, warm[part::cores], f"w{part}-")
                eventually(lambda: not client.zcard(DUE), 240, "the warm-up")
            hosts.signal(signal.SIGSTOP, cores)
            for turn in range(rounds):
                for number, runs in found.items():
                    start = (turn * cores + number - 1) * articles
                    store_articles(desk, rows[start : start + articles], f"r{turn}-{number}-")
                    runs.append(drain(hosts, client, number, articles))
        except AssertionError as error:
            raise AssertionError(f"{error}: {deployment.logs()[-2_000:]}") from error
        finally:
            hosts.stop()
            deployment.stop()
    return report(found, articles)


def report(found: dict[int, list[dict[str, float]]], articles: int) -> dict[str, Any]:
    """What each number of hosts did, and the gain of two."""
    told = {f"{n} hosts": {k: spread([run[k] for run in runs]) for k in runs[0]} for n, runs in found.items()}
    gains, beside = [], []
    for one, two in zip(found[1], found.get(2, ()), strict=False):
        gains.append(two["articles_per_s"] / one["articles_per_s"])
        share = two["store_cpu_ms"] / (two["store_cpu_ms"] + two["host_cpu_ms"])
        beside.append(min(gains[-1] / (1 - share), 2 * one["host_cpu_ms"] / two["host_cpu_ms"]))
    gain = {"gain": spread(gains), "gain_beside_store": spread(beside)} if gains else {}
    return {"articles": articles, **told, **gain}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    print(json.dumps(measure(options.articles, options.rounds), indent=2))


if __name__ == "__main__":
    main()
