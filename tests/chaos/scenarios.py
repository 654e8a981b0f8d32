"""The scenarios: each breaks one thing while articles become alerts. A docstring is the line of the report."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import redis

from tests.chaos.fixture import WATCHES
from tests.chaos.hostile import start_hostile
from tests.chaos.rig import Rig, shifted
from tests.chaos.sentinels import SentinelledServers
from tests.integration.world import eventually

WORKERS = ("poller", "enricher", "deliverer")
LIMIT_S = 240
INTERVAL_S = 5


def c1_children(rig: Rig) -> None:
    """20 SIGKILLs of pool processes"""

    def blow() -> None:
        if rig.deployment.kill_child(rig.drawn.choice(WORKERS)):
            rig.count("child kills")

    rig.break_while_working(20, blow, LIMIT_S, pause=0.5)


def c2_workers(rig: Rig) -> None:
    """20 SIGKILLs of whole workers, each started again at once"""

    def blow() -> None:
        name = rig.drawn.choice(WORKERS)
        rig.deployment.kill(name)
        rig.deployment.start(name)
        rig.count("worker kills")

    rig.break_while_working(20, blow, LIMIT_S, pause=2)


def c3_redis(rig: Rig) -> None:
    """3 SIGTERMs, 3 SIGKILLs and 4 power cuts of the server, which keep what an fsync had secured"""

    def terminate() -> None:
        rig.server.stop()
        rig.count("server SIGTERMs")

    def kill() -> None:
        rig.server.crash()
        rig.count("server SIGKILLs")

    def lose_power() -> None:
        rig.figures["bytes cut off"] = rig.figures.get("bytes cut off", 0) + rig.server.lose_power()
        rig.count("power cuts")

    blows = iter([terminate, kill, lose_power, lose_power] * 2 + [terminate, kill])

    def blow() -> None:
        next(blows)()
        rig.server.start()

    rig.break_while_working(10, blow, LIMIT_S)


def c3_redis_7_0(rig: Rig) -> None:
    """The same over Redis 7.0"""
    c3_redis(rig)


def c3_everysec(rig: Rig) -> None:
    """The same with `appendfsync everysec`, as the server of one's own may be set"""
    rig.client.config_set("appendfsync", "everysec")
    start = rig.server.start

    def start_lax() -> None:
        start()
        rig.client.config_set("appendfsync", "everysec")

    rig.server.start = start_lax
    c3_redis(rig)


def c4_connections(rig: Rig) -> None:
    """2,000 connections to Redis killed by the server"""
    client = rig.client

    def blow() -> None:
        for row in client.client_list():
            with suppress(redis.exceptions.ResponseError):
                if str(row["id"]) != str(client.client_id()) and client.client_kill_filter(_id=row["id"]):
                    rig.count("connections killed")

    def is_enough() -> bool:
        blow()
        return rig.figures.get("connections killed", 0) >= 2_000

    rig.run_until(is_enough, LIMIT_S)


def c5_frozen(rig: Rig) -> None:
    """6 workers frozen past their lease and thawed, 4 frozen and killed"""

    def blow() -> None:
        name = rig.drawn.choice(("enricher", "deliverer"))
        rig.deployment.signal(name, signal.SIGSTOP)
        rig.count("workers frozen")
        if rig.figures["workers frozen"] % 5 in (0, 3):
            rig.deployment.kill(name)
            rig.deployment.start(name)
        else:
            helper = name + " beside"
            rig.deployment.start_as(helper, name)
            rig.run_until(lambda: False, 6)
            rig.deployment.signal(name, signal.SIGCONT)
            rig.run_until(lambda: False, 1)
            rig.deployment.kill(helper)

    rig.break_while_working(10, blow, LIMIT_S, pause=0.5)


def c6_receiver(rig: Rig) -> None:
    """Half of all answers 500, a reset, silence for 20 s or a close; then an outage of 20 s"""
    faults = random.Random(6)
    kinds = [""] * 11 + ["status"] * 4 + ["reset"] * 4 + ["close"] * 4 + ["slow"]
    drawn = {"kind": ""}
    outage = {"until": 0.0}

    def fault(_path: str) -> str:
        if time.monotonic() < outage["until"]:
            return "reset"
        drawn["kind"] = faults.choice(kinds)
        if drawn["kind"]:
            rig.count(f"answers {drawn['kind']}")
        return drawn["kind"]

    rig.world.hook_fault = fault
    rig.world.hook_status = lambda: 500 if drawn["kind"] == "status" else 204
    total = len(rig.fixture.expected())
    rig.run_until(lambda: rig.accepted() > total // 2, LIMIT_S)
    outage["until"] = time.monotonic() + 20
    rig.run_until(lambda: time.monotonic() > outage["until"], 30)


def c7_beats(rig: Rig) -> None:
    """Three beats instead of one, two of them killed"""
    for name in ("second beat", "third beat"):
        rig.deployment.start_as(name, "beat")
    total = len(rig.fixture.expected())
    for goal, name in ((total // 4, "beat"), (total // 2, "third beat")):
        rig.run_until(lambda goal=goal: rig.accepted() > goal, LIMIT_S)
        rig.deployment.kill(name)
        rig.count("beats killed")


def c7_clocks(rig: Rig) -> None:
    """All workers' and the beat's clocks jump an hour ahead, an hour back, and home; the receiver refuses wrong times"""
    rig.world.is_strict = True
    rig.deployment.environ |= shifted(rig.deployment.directory, 0)
    for name in list(rig.deployment.processes):
        rig.deployment.kill(name)
        rig.deployment.start(name)
    started, before = time.monotonic(), len(rig.world.asked)
    total = len(rig.fixture.expected())
    rig.run_until(lambda: rig.accepted() > total // 5, LIMIT_S)
    for seconds in (3_600, -3_600, 0):
        Path(rig.deployment.environ["CLOCK_SHIFT"]).write_text(str(seconds))
        rig.count("jumps")
        rig.run_until(lambda: False, 12 if seconds else 0)
    rig.run_until(lambda: rig.accepted() >= total, LIMIT_S)
    polls = Counter(path for path, _ in rig.world.asked[before:])
    rounds = (time.monotonic() - started) / INTERVAL_S
    rig.figures["most polls of one feed"] = max(polls.values())
    rig.figures["intervals"] = round(rounds, 1)
    rig.require(max(polls.values()) <= rounds + 2, "a feed is polled once in its interval")


def c8_hostile(rig: Rig) -> None:
    """One feed in twenty is hostile: bombs, drips, endless bodies, quadratic documents, resets"""
    hostile = start_hostile()
    number = max(rig.fixture.feeds // 20, 23)
    feeds = [f"http://127.0.0.1:{hostile.port}/{index}" for index in range(number)]
    good = [rig.world.url(f"/feed{index}") for index in range(rig.fixture.feeds)]
    rig.deployment.configure([*feeds, *good], WATCHES)
    rig.figures["hostile feeds"] = number
    most = {"mb": 0}
    total = len(rig.fixture.expected())

    def is_done() -> bool:
        most["mb"] = max(most["mb"], rig.memory_mb("poller"))
        asked = {talk.path for talk in hostile.asked}
        return rig.accepted() >= total and len(asked) >= number

    rig.run_until(is_done, LIMIT_S)
    rig.run_until(lambda: is_done() and False, 20)
    rig.figures["hostile feeds asked"] = len({talk.path for talk in hostile.asked})
    rig.figures["poller MB at most"] = most["mb"]
    rig.require(rig.figures["hostile feeds asked"] == number, "every hostile feed was asked")
    rig.require(most["mb"] < 700, "the poller stays under 700 MB")
    rig.require(not any(name.startswith("ended") for name in rig.figures), "no process ends")
    hostile.stop()


def c9_disk(rig: Rig) -> None:
    """The disk of Redis is full for 10 s: writes refused, readiness 503, then room again"""
    total = len(rig.fixture.expected())
    rig.run_until(lambda: rig.accepted() > total // 3, LIMIT_S)
    limit = rig.server.fill_disk()
    before = rig.accepted()
    rig.run_until(lambda: False, 10, hurried=False)
    rig.figures["alerts while full"] = rig.accepted() - before
    rig.require(not rig.is_ready(), "/readyz says no while the disk is full")
    limit()
    rig.run_until(lambda: rig.accepted() >= total, LIMIT_S)
    rig.require(rig.is_ready(), "/readyz says yes when there is room")


def c10_upgrade(rig: Rig) -> None:
    """An upgrade amid the work: this release goes on from what 0.1 left, half told, half waiting, half unread"""
    rig.figures["told by 0.1"] = rig.accepted()
    rig.run_until(lambda: rig.accepted() >= len(rig.fixture.expected()), LIMIT_S)
    rig.run_until(lambda: False, 10)  # whatever it might tell again has been polled by then


def c11_reload(rig: Rig) -> None:
    """20 reloads under load: watches added, titles changed, every fourth file wrong, SIGHUPs"""
    watches = rig.deployment.config / "watches.yaml"

    def blow() -> None:
        number = rig.figures.get("reloads", 0)
        rig.count("reloads")
        added = f"  - {{id: extra-{number}, title: extra {number}, match: {{phrase: never said {number}}}}}\n"
        wrong = "  - {id: wrong, titel: x}\n" if number % 4 == 3 else ""
        watches.write_text(WATCHES + added + wrong, "utf-8")
        for name in ("poller", "enricher", "deliverer"):
            os.kill(rig.deployment.processes[name].pid, signal.SIGHUP)

    rig.break_while_working(20, blow, LIMIT_S, pause=1)
    watches.write_text(WATCHES, "utf-8")


def c9_memory(rig: Rig) -> None:
    """Redis at its memory limit for 10 s: writes refused, then raised again"""
    total = len(rig.fixture.expected())
    rig.run_until(lambda: rig.accepted() > total // 3, LIMIT_S)
    client = rig.client
    client.config_set("maxmemory", client.info("memory")["used_memory"] // 2)
    before = rig.accepted()
    rig.run_until(lambda: False, 10, hurried=False)
    rig.figures["alerts while full"] = rig.accepted() - before
    client.config_set("maxmemory", 0)
    eventually(client.ping, 10, "an answer")


def c12_sentinel(rig: Rig) -> None:
    """Sentinel: 3 SIGKILLs of the primary, 2 SIGSTOPs of it for 20 s; each time the other server takes over, and it comes back"""
    ways = iter(["kill", "freeze", "kill", "freeze", "kill"])

    def blow() -> None:
        rig.server.await_replica()
        former, way = rig.server.primary(), next(ways)
        getattr(former, way)()
        rig.count({"kill": "primary SIGKILLs", "freeze": "primary SIGSTOPs"}[way])
        lasted = rig.server.await_failover(former)
        rig.figures["longest failover s"] = round(max(rig.figures.get("longest failover s", 0), lasted), 1)
        rig.run_until(lambda: False, 4 if way == "kill" else 20 - lasted, hurried=False)
        if way == "kill":
            former.start()  # it takes itself for the primary until the Sentinels see it
        else:
            former.thaw()

    rig.break_while_working(5, blow, LIMIT_S)


def c12_redis_7_0(rig: Rig) -> None:
    """The same over Redis 7.0"""
    c12_sentinel(rig)


SCENARIOS: dict[str, tuple[Callable[[Rig], None], int, int]] = {
    "C1": (c1_children, 10_000, 200),
    "C2": (c2_workers, 10_000, 200),
    "C3": (c3_redis, 1_500, 30),
    "C3 on Redis 7.0": (c3_redis_7_0, 1_500, 30),
    "C3 everysec": (c3_everysec, 1_500, 30),
    "C5": (c5_frozen, 1_500, 30),
    "C6": (c6_receiver, 240, 10),
    "C4": (c4_connections, 1_500, 30),
    "C7": (c7_beats, 800, 20),
    "C7 clocks": (c7_clocks, 800, 20),
    "C8": (c8_hostile, 1_000, 400),
    "C9": (c9_memory, 800, 20),
    "C9 disk": (c9_disk, 800, 20),
    "C10": (c10_upgrade, 150, 3),
    "C11": (c11_reload, 1_500, 30),
    "C12": (c12_sentinel, 1_500, 30),
    "C12 on Redis 7.0": (c12_redis_7_0, 1_500, 30),
}
"""Each with its number of articles and of feeds."""
ALLOWED = {"C3 everysec": {"changed_bytes"}, "C7 clocks": {"forged"}, "C10": {"forged", "unrecorded"}}
"""Faults that cannot be prevented: of a server that answers before it is on disk, of a clock that is an hour off, of what was
told by a release that kept no record."""
RELEASES = {"C10": "0.1"}
"""The recorded states that scenarios begin with."""
SERVERS = {"C12": SentinelledServers, "C12 on Redis 7.0": SentinelledServers}
"""What stands where there is usually one server."""
