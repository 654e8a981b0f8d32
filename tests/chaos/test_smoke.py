"""The chaos suite in small: processes and the server killed, the receiver failing; nothing lost, nothing twice."""

import random

import pytest

from tests.chaos.fixture import make
from tests.chaos.rig import open_rig

pytestmark = pytest.mark.integration


def test_nothing_is_lost_when_children_a_worker_and_redis_are_killed(tmp_path):
    with open_rig(tmp_path, make(300, 6), "2s") as rig:
        failing = random.Random(30)
        rig.world.hook_status = lambda: 500 if failing.random() < 0.3 else 204

        def restart_redis():
            rig.server.crash()
            rig.server.start()

        def replace_enricher():
            rig.deployment.kill("enricher")
            rig.deployment.start("enricher")

        blows = iter(
            [
                lambda: rig.deployment.kill_child("enricher"),
                restart_redis,
                lambda: rig.deployment.kill_child("deliverer"),
                replace_enricher,
                lambda: rig.deployment.kill_child("poller"),
            ]
        )

        def blow():
            next(blows)()

        rig.break_while_working(5, blow, 40, pause=0.2)
        judgement = rig.finish(50)
        assert judgement.is_clean, (judgement, rig.figures, rig.deployment.logs())
        assert rig.figures["alerts in store"] == judgement.expected
        assert rig.figures["quarantined"] == 0
