"""Running workers take a changed watchlist, refuse a wrong one, and answer SIGHUP, without restart and without repeats."""

import os
import signal
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tests.fakes import ARMS, rss
from tests.integration.world import eventually
from worker.runtime.redis_store import RedisStore

pytestmark = pytest.mark.integration

WATCH = "watches:\n  - {id: %s, title: t, match: {phrase: %s}}\n"


def test_workers_follow_the_watchlist(world, deployment):
    fresh = ARMS | {"pubDate": format_datetime(datetime.now(UTC))}
    world.serve("/feed", rss(fresh))
    deployment.configure([world.url("/feed")], WATCH % ("tanks", "battle tanks"))
    deployment.start()
    store = RedisStore(deployment.client)

    def hooks(watch):
        return [hook for hook in world.received if hook.data["watch"]["id"] == watch]

    def publish(number):
        item = fresh | {"guid": str(number), "link": f"https://wire.example/{number}", "title": f"Report {number} {'abcdef'[number] * 7}",
                       "description": f"Number {number} of {'ghijkl'[number] * 9}: frigates were sold to {'mnopqr'[number] * 8}."}  # fmt: skip
        world.serve("/feed", rss(fresh, item))

    eventually(lambda: hooks("tanks"), 60, f"the first alert\n{deployment.logs()}")
    watches = deployment.config / "watches.yaml"
    watches.write_text("watches:\n  - {id: x, title: t, match: {topik: y}}\n", "utf-8")
    eventually(
        lambda: len(states := store.configuration_states()) >= 3 and not any(s.is_ok for s in states.values()),
        30, f"the refusal\n{deployment.logs()}",
    )  # fmt: skip
    assert "unknown key `topik`" in store.configuration_states()["enrich"].reason
    watches.write_text(WATCH % ("frigates", "frigates"), "utf-8")
    eventually(lambda: all(state.is_ok for state in store.configuration_states().values()), 30, "the mended one")
    publish(1)
    eventually(lambda: hooks("frigates"), 60, f"the new watch's alert\n{deployment.logs()}")
    stages = ("poller", "enricher", "deliverer", "beat")
    for stage in stages:
        os.kill(deployment.processes[stage].pid, signal.SIGHUP)
    eventually(lambda: store.reloads_asked() == len(stages), 60, "SIGHUP heard by each stage")
    publish(2)
    eventually(lambda: len({hook.id for hook in hooks("frigates")}) == 2, 60, f"work after SIGHUP\n{deployment.logs()}")
    assert len({hook.data["alert_id"] for hook in hooks("tanks")}) == 1, "no alert was made twice"
    assert all(process.poll() is None for process in deployment.processes.values())
