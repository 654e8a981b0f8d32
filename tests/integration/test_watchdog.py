"""A worker that has work and completes none ends itself and its pool; `tocsin up` starts it again."""

import os
import sys
import time
from pathlib import Path

import pytest

from tests.fakes import ARMS, SECRET, feed, rss
from tests.integration.world import eventually
from worker.runtime.children import Child, Family
from worker.runtime.redis_store import RedisStore
from worker.runtime.vigil import EXIT_STALLED, EndpointNames, look
from worker.watchlist import load_configuration

pytestmark = pytest.mark.integration
WATCH = "watches:\n  - {id: tanks, title: Tanks, match: {phrase: battle tanks}}\n"


def pool_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may end between the opening and the reading
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the pool in /proc")
def test_a_worker_that_nobody_wakes_ends_with_70_and_leaves_no_child(world, deployment):
    deployment.environ["TOCSIN_WATCHDOG"] = "4s"
    deployment.configure([world.serve("/feed", rss(ARMS))], WATCH)
    deployment.start("poller")  # and no beat: its feed is due, and no doorbell ever rings
    process = deployment.processes["poller"]
    pool = eventually(lambda: pool_of(process.pid), 30, "a pool")
    assert process.wait(60) == EXIT_STALLED, deployment.logs()
    assert "work is due and none was completed for 4 s" in deployment.logs()
    eventually(lambda: not any(map(is_there, pool)), 5, "the end of the pool")


def test_a_worker_without_due_work_stays(world, deployment):
    deployment.environ["TOCSIN_WATCHDOG"] = "1s"
    deployment.configure([world.serve("/feed", rss(ARMS))], WATCH)
    deployment.start("deliverer")
    log = deployment.directory / "deliverer.log"
    eventually(lambda: pool_of(deployment.processes["deliverer"].pid), 30, "a pool")
    time.sleep(3)  # three limits: the absence of an event has no other proof
    assert deployment.processes["deliverer"].poll() is None, log.read_text("utf-8")


def test_the_family_starts_again_who_ended_stalled(tmp_path):
    marks = tmp_path / "marks"
    command = [sys.executable, "-c", f"open({str(marks)!r}, 'a').write('x'); raise SystemExit({EXIT_STALLED})"]
    family = Family([Child("worker", command, os.environ)])
    family.start()
    eventually(lambda: family.tend() or (marks.exists() and len(marks.read_text()) >= 2), 15, "a second start")
    family.stop()


def test_deliveries_wait_for_a_closed_circuit_and_are_no_reason_to_end(redis_store: RedisStore):
    client = redis_store.client
    client.zadd("{tocsin}:outbox:desk", {"msg_1": 1})
    assert look(redis_store, "deliver", ["desk"]).is_due
    assert not look(redis_store, "deliver", ["other"]).is_due, "the endpoint left the configuration"
    client.hset("{tocsin}:endpoint:desk", "circuit", "open")
    assert not look(redis_store, "deliver", ["desk"]).is_due


def test_what_is_lent_is_not_due(redis_store: RedisStore):
    wire = feed()
    redis_store.sync_feeds([wire])
    assert look(redis_store, "poll", []).is_due
    redis_store.client.zadd("{tocsin}:feeds:due", {wire.id: 2**45})
    assert not look(redis_store, "poll", []).is_due


def test_the_watchdog_knows_endpoints_that_came_after_its_start(tmp_path):
    file = tmp_path / "endpoints.yaml"
    one = "endpoints:\n  desk: {url: {env: HOOK}, secret: {env: SECRET}}\n"
    environ = {"HOOK": "https://desk.example/", "SECRET": SECRET}
    file.write_text(one, "utf-8")
    names = EndpointNames(
        tmp_path, load_configuration(tmp_path, environ), lambda path: load_configuration(path, environ)
    )
    assert names() == ["desk"]
    file.write_text(one + one.partition("\n")[2].replace("desk", "archive"), "utf-8")
    assert names() == ["desk", "archive"]
    file.write_text("endpoints: [", "utf-8")
    assert names() == ["desk", "archive"], "a mistake changes nothing"
    file.write_text(one, "utf-8")
    assert names() == ["desk"]
