"""Killing a worker in the middle of its work loses no alert and makes no second one."""

from dataclasses import replace

import pytest

from tests.chaos.checker import judge
from tests.chaos.fixture import WATCHES, make
from tests.fakes import rss
from tests.integration.world import eventually

pytestmark = pytest.mark.integration

ARTICLES, ATTEMPTS = 200, 5
"""So many articles an attempt: on a busy machine the enricher may be done with them before it is looked at."""


def test_sigkill_of_the_enricher_in_the_middle_of_its_work(world, deployment):
    fixture = make(ARTICLES * ATTEMPTS, ATTEMPTS)
    feeds = range(ATTEMPTS)
    deployment.configure([world.serve(f"/feed{number}", rss()) for number in feeds], WATCHES)
    deployment.start("poller", "deliverer", "beat")

    def left() -> int:
        return deployment.client.zcard("{tocsin}:articles:due")

    for number in feeds:
        world.serve(f"/feed{number}", fixture.document(number))
        eventually(lambda: left() == ARTICLES, 60, "all articles stored")
        deployment.start("enricher")
        eventually(lambda: left() < ARTICLES, 60, "the first batch")
        deployment.kill("enricher")
        if left():
            break
    else:
        pytest.fail("the enricher was killed too late to prove anything")
    deployment.start("enricher")
    published = tuple(one for one in fixture.articles if one.feed <= number)
    wanted = replace(fixture, articles=published).expected()
    eventually(
        lambda: len({hook.id for hook in world.received}) == len(wanted),
        90, f"{len(wanted)} alerts\n{deployment.logs()}",
    )  # fmt: skip
    eventually(lambda: not left(), 30, "an empty queue")
    judgement = judge(wanted, world.received, world.arrived)
    assert judgement.is_clean, judgement
