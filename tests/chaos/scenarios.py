"""The scenarios: each breaks one thing while articles become alerts. A docstring is the line of the report."""

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import redis

from tests.chaos.rig import Rig
from tests.integration.world import eventually

WORKERS = ("poller", "enricher", "deliverer")
LIMIT_S = 240


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


SCENARIOS: dict[str, tuple[Callable[[Rig], None], int, int]] = {
    "C1": (c1_children, 2_000, 40),
    "C2": (c2_workers, 2_000, 40),
    "C3": (c3_redis, 1_500, 30),
    "C3 on Redis 7.0": (c3_redis_7_0, 1_500, 30),
    "C3 everysec": (c3_everysec, 1_500, 30),
    "C5": (c5_frozen, 1_500, 30),
    "C6": (c6_receiver, 240, 10),
    "C4": (c4_connections, 1_500, 30),
    "C7": (c7_beats, 800, 20),
    "C9": (c9_memory, 800, 20),
}
"""Each with its number of articles and of feeds."""
ALLOWED = {"C3 everysec": {"changed_bytes"}}
"""Faults that a server which answers before it is on disk does not let us prevent; see docs/reliability.md."""
