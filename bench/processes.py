"""The memory of each process of an installation, and what sharing the language model by fork would save. Prints JSON.

    python -m bench.processes --articles 200

Memory is what the kernel charges a worker with its pool: PSS (shared pages divided among those who share) and RSS of the
largest process. `fork` compares two enrichers that load for themselves with two that are forked of a parent which had
loaded before (and whose objects were frozen out of garbage collection); all read the same articles first.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.end_to_end import embedded, fresh
from bench.load import Load, document, item
from tests.integration.world import Deployment, eventually
from worker.runtime.garbage import settle

WATCHES = "watches:\n  - {id: arms, title: Arms, match: {topic: arms-transfer}}\n"
MIB = 1024


def memory_mb(pid: int) -> dict[str, float]:
    """PSS and RSS of a process in MiB."""
    rows = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    kib = {row[0].rstrip(":"): int(row[1]) for row in rows}
    return {"pss": kib["Pss"] / MIB, "rss": kib["Rss"] / MIB}


def group_mb(group: int) -> dict[str, float]:
    """The same of a process group: PSS added up, RSS of the largest, and how many processes there are."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and os.getpgid(int(folder.name)) == group:
                found.append(memory_mb(int(folder.name)))
        except (OSError, KeyError):
            continue
    return {
        "pss_mb": round(sum(one["pss"] for one in found)),
        "largest_rss_mb": round(max(one["rss"] for one in found)),
        "processes": len(found),
    }


def installation(load: Load) -> dict[str, Any]:
    """All processes after they have done some work."""
    with fresh("memory") as (directory, world), embedded(directory) as (server, client):
        deployment = Deployment(directory, server, world)
        deployment.environ |= {"TOCSIN_LEASE": "90s", "TOCSIN_WEB_PORT": "0"}
        deployment.configure([world.serve("/feed", document([]))], WATCHES)
        deployment.start()
        web = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "web"], env=deployment.environ,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            eventually(lambda: world.polls("/feed") > 1, 180, "the first polls")
            world.serve("/feed", document([item(f"a{i}", *row) for i, row in enumerate(load.rows)]))
            name = 'tocsin_articles_total{outcome="new"}'

            def is_done() -> bool:
                new = float(client.hget("{tocsin}:metrics", name) or 0)
                return new >= len(load.rows) and not client.zcard("{tocsin}:articles:due")

            eventually(is_done, 600, "the last article")
            groups = {name: process.pid for name, process in deployment.processes.items()} | {"web": web.pid}
            return {name: group_mb(pid) for name, pid in groups.items()}
        finally:
            web.terminate()
            web.wait(20)
            deployment.stop()


def forked(load: Load, *, is_shared: bool) -> dict[str, float]:
    """Two readers, forked before or after the model was loaded; the PSS of both, and of their parent."""
    code = f"from bench.processes import read_forked; read_forked({len(load.rows)}, {is_shared})"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True, timeout=900
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def read_forked(articles: int, is_shared: bool) -> None:
    """In a process of its own: fork two readers, let them read, tell what all weigh."""
    from bench.enrichment import as_article

    texts = Load(articles, 1).texts
    read = _loaded() if is_shared else None
    settle()
    children = []
    for share in (texts[::2], texts[1::2]):
        (out, told), (wait, go_on) = os.pipe(), os.pipe()
        if (pid := os.fork()) == 0:
            (read or _loaded())([as_article(text) for text in share])
            os.write(told, b"done")
            os.read(wait, 1)
            os._exit(0)
        children.append((pid, out, go_on))
    for _, out, _ in children:
        os.read(out, 4)
    weights = [memory_mb(pid)["pss"] for pid, _, _ in children]
    parent = memory_mb(os.getpid())["pss"]
    for pid, _, go_on in children:
        os.write(go_on, b".")
        os.waitpid(pid, 0)
    total = round(sum(weights) + parent)
    print(
        json.dumps({"children_pss_mb": [round(one) for one in weights], "parent_pss_mb": round(parent), "all": total})
    )


def _loaded() -> Callable[[list[Any]], object]:
    from worker.enrich.enricher import load

    enricher = load()
    return lambda articles: [enricher.enrich(articles[i : i + 32]) for i in range(0, len(articles), 32)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=200)
    load = Load(parser.parse_args().articles, 1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    alone, shared = forked(load, is_shared=False), forked(load, is_shared=True)
    saved = {"alone": alone, "shared": shared, "saved_mb": alone["all"] - shared["all"]}
    print(json.dumps({"articles": len(load.rows), "processes": installation(load), "fork": saved}, indent=2))


if __name__ == "__main__":
    main()
