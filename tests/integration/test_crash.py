"""Killing a worker in the middle of its work loses no alert and makes no second one."""

import pytest

from tests.chaos.checker import judge
from tests.chaos.fixture import WATCHES, make
from tests.integration.world import eventually

pytestmark = pytest.mark.integration

ARTICLES = 200


def test_sigkill_of_the_enricher_in_the_middle_of_its_work(world, deployment):
    fixture = make(ARTICLES, 1)
    deployment.configure([world.serve("/feed", fixture.document(0))], WATCHES)
    deployment.start("poller", "deliverer", "beat")
    eventually(lambda: deployment.client.zcard("{tocsin}:articles:due") == ARTICLES, 60, "all articles stored")
    deployment.start("enricher")
    eventually(lambda: 0 < deployment.client.zcard("{tocsin}:articles:due") < ARTICLES, 60, "the first batch")
    deployment.kill("enricher")
    left = deployment.client.zcard("{tocsin}:articles:due")
    deployment.start("enricher")
    expected = len(fixture.expected())
    eventually(
        lambda: len({hook.id for hook in world.received}) == expected, 90, f"{expected} alerts\n{deployment.logs()}"
    )
    eventually(lambda: not deployment.client.zcard("{tocsin}:articles:due"), 30, "an empty queue")
    assert left > 0, "the enricher was killed too late to prove anything"
    judgement = judge(fixture.expected(), world.received, world.arrived)
    assert judgement.is_clean, judgement
