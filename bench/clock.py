"""How long articles wait from feed to webhook, and what processor time went into them."""

import json
import os
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from bench.figures import percentiles
from bench.load import Load
from tests.integration.world import World, eventually

LIMIT_S = 1_200


class Clock:
    """When each feed was first asked for in full, and when each webhook came."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fetched: dict[str, float] = {}
        self.told: dict[str, float] = {}
        self._asked, self._came = len(world.asked), len(world.received)
        self.is_on = True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look a last time."""
        self.is_on = False
        self._thread.join()

    def _watch(self) -> None:
        while self.is_on:
            self._look()
            time.sleep(0.01)
        self._look()

    def _look(self) -> None:
        now = time.time()
        for path, status in self.world.asked[self._asked :]:
            self._asked += 1
            if status == 200:
                self.fetched.setdefault(path, now)
        for hook in self.world.received[self._came :]:
            self._came += 1
            self.told.setdefault(_guid(json.loads(hook.body)), now)


def _guid(told: dict[str, Any]) -> str:
    if "hits" in told:
        return str(told["id"])
    return str(told["data"]["article"]["link"]).split("/")[2].removesuffix(".example")


def cpu_s(groups: Collection[int]) -> float:
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
    load: Load, world: World, groups: dict[str, int], start: Callable[[], None], is_done: Callable[[], bool]
) -> dict[str, Any]:
    """Articles a second from `start` until `is_done`, the groups' processor time, and what was told how late."""
    clock, began = Clock(world), time.time()
    before = {name: cpu_s([group]) for name, group in groups.items()}
    start()
    eventually(is_done, LIMIT_S, "the last article")
    wall, number = time.time() - began, len(load.rows)
    spent = {name: cpu_s([group]) - before[name] for name, group in groups.items()}
    clock.stop()
    due = {f"a{i}": load.path(i) for i in load.fires}
    told = {guid: at for guid, at in clock.told.items() if guid in due}
    return {
        "articles_per_s": round(number / wall, 2),
        "cpu_ms_per_article": round(sum(spent.values()) / number * 1000, 2),
        "cpu_ms_per_article_by_process": {name: round(s / number * 1000, 2) for name, s in spent.items()},
        "told": len(told),
        "missed": len(due) - len(told),
        "told_wrongly": len(clock.told) - len(told),
        "fetch_to_webhook_s": percentiles([at - clock.fetched[due[guid]] for guid, at in told.items()]),
        "offer_to_webhook_s": percentiles([at - began for at in told.values()]),
    }
