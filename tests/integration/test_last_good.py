"""A real worker whose pool is killed while the configuration on disk is wrong comes back and goes on with the last good one."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tests.fakes import ARMS, rss
from tests.integration.test_reload import WATCH
from tests.integration.world import eventually, tocsin
from worker.runtime.redis_store import RedisStore

pytestmark = pytest.mark.integration


def test_a_killed_child_comes_back_while_the_configuration_is_wrong(world, deployment):
    fresh = ARMS | {"pubDate": format_datetime(datetime.now(UTC))}
    world.serve("/feed", rss(fresh))
    deployment.configure([world.url("/feed")], WATCH % ("tanks", "battle tanks"))
    deployment.start()
    store = RedisStore(deployment.client)
    eventually(lambda: world.received, 60, f"the first alert\n{deployment.logs()}")
    (deployment.config / "watches.yaml").write_text("watches:\n  - {id: x, title: t, match: {topik: y}}\n", "utf-8")
    eventually(lambda: not any(s.is_ok for s in store.configuration_states().values()), 30, "the refusal")
    eventually(lambda: deployment.kill_child("enricher"), 20, "a child to kill")
    eventually(lambda: deployment.kill_child("deliverer"), 20, "a child to kill")
    other = fresh | {"guid": "2", "link": "https://wire.example/2", "title": "Westland buys forty battle tanks from a broker",
                     "description": "The cabinet of Westland has approved the purchase of battle tanks, a spokesman told reporters."}  # fmt: skip
    world.serve("/feed", rss(fresh, other))
    eventually(lambda: len(world.received) == 2, 60, f"the second alert, under the last good one\n{deployment.logs()}")
    doctor = tocsin("doctor", "--json", env=deployment.environ)
    assert '"name": "reload"' in doctor.stdout
    assert "deliver, enrich, poll: the last reload was refused" in doctor.stdout
    assert "stays in force: watches.yaml:2" in doctor.stdout
    assert "unknown key `topik`" in doctor.stdout


def test_a_worker_whose_watches_fail_their_tests_does_not_start_the_first_time(world, deployment):
    failing = (
        "watches:\n  - {id: t, title: t, match: {phrase: tanks}, tests: [{title: A ship, expect: {fires: true}}]}\n"
    )
    deployment.configure([], failing)
    (deployment.config / "feeds.yaml").unlink()
    deployment.start("enricher")
    assert deployment.processes["enricher"].wait(60) == 78
    assert "the test “A ship” of watch t fails: expected an alert, got silence" in deployment.logs()
