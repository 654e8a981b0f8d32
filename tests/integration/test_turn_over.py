"""An article that takes a worker for ever costs turns, not the worker, and no other article its alert."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import ARMS, HARMLESS, rss
from tests.integration.world import eventually
from worker.runtime.redis_store import RedisStore
from worker.runtime.up import celery_command, worker_command

pytestmark = pytest.mark.integration
WATCH = "watches:\n  - {id: tanks, title: Tanks, match: {phrase: battle tanks}}\n"
UNDATED = [{name: text for name, text in item.items() if name != "pubDate"} for item in (HARMLESS, ARMS)]
CUT = 'tocsin_turns_cut_total{stage="enrich"}'


def pool_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def start_all(deployment) -> None:
    """Every process with the application of `stuck_worker`: a doorbell carries the limits of whoever rang."""
    for name in ("enricher", "poller", "deliverer", "beat"):
        command = celery_command("beat", "--loglevel", "warning") if name == "beat" else worker_command(name)
        command = [part.replace("worker.runtime.app", "tests.integration.stuck_worker") for part in command]
        with (deployment.directory / f"{name}.log").open("ab") as log:
            deployment.processes[name] = subprocess.Popen(
                command, env=deployment.environ, stdout=log, stderr=log, start_new_session=True
            )


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the pool in /proc")
def test_an_endless_article_is_set_aside_without_the_worker_dying_once(world, deployment):
    deployment.configure([world.serve("/feed", rss(*UNDATED))], WATCH)
    start_all(deployment)
    enricher = deployment.processes["enricher"].pid
    pool = eventually(lambda: pool_of(enricher), 60, "a pool")
    store = RedisStore(deployment.client)
    [held] = eventually(store.quarantined, 90, "the quarantine")
    assert held.subject == HARMLESS["title"]
    assert "died or ran out of time" in held.reason
    eventually(lambda: world.received, 30, "the other article's alert")
    assert pool_of(enricher) == pool, "the same process all along"
    assert float(deployment.client.hget("{tocsin}:metrics", CUT)) >= 5
