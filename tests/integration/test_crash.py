"""Killing a worker in the middle of its work loses no alert and makes no second one."""

import random
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tests.fakes import rss
from tests.integration.world import eventually

pytestmark = pytest.mark.integration

ARTICLES, EVERY = 200, 4
WATCH = "watches:\n  - {id: tanks, title: Tanks, match: {phrase: battle tanks}}\n"


def words(seed: int, number: int) -> str:
    """Invented prose, another for each seed, so that no article is anybody's copy."""
    chance = random.Random(seed)
    return " ".join("".join(chance.choices("abdegiklmnoprstu", k=chance.randint(3, 9))) for _ in range(number))


def items() -> list[dict[str, str]]:
    """200 articles; every fourth mentions what is watched."""
    now = format_datetime(datetime.now(UTC))
    return [
        {"guid": str(i), "title": f"Report on {words(i, 4)}", "pubDate": now, "link": f"https://x.example/{i}",
         "description": f"The {words(i + 1_000, 60)}. " + ("Forty battle tanks came. " if i % EVERY == 0 else "") + f"The {words(i + 2_000, 80)}."}
        for i in range(ARTICLES)
    ]  # fmt: skip


def test_sigkill_of_the_enricher_in_the_middle_of_its_work(world, deployment):
    deployment.configure([world.serve("/feed", rss(*items()))], WATCH)
    deployment.start("poller", "deliverer", "beat")
    eventually(lambda: deployment.client.zcard("{tocsin}:articles:due") == ARTICLES, 60, "all articles stored")
    deployment.start("enricher")
    eventually(lambda: 0 < deployment.client.zcard("{tocsin}:articles:due") < ARTICLES, 60, "the first batch")
    deployment.kill("enricher")
    left = deployment.client.zcard("{tocsin}:articles:due")
    deployment.start("enricher")
    expected = ARTICLES // EVERY
    eventually(
        lambda: len({hook.id for hook in world.received}) == expected, 90, f"{expected} alerts\n{deployment.logs()}"
    )
    eventually(lambda: not deployment.client.zcard("{tocsin}:articles:due"), 30, "an empty queue")
    assert left > 0, "the enricher was killed too late to prove anything"
    ids = [hook.data["alert_id"] for hook in world.received]
    titles = {hook.data["article"]["title"] for hook in world.received}
    assert len(set(ids)) == len(titles) == expected
    assert all(hook.is_genuine for hook in world.received)
    bodies = {}
    for hook in world.received:
        assert bodies.setdefault(hook.id, hook.body) == hook.body
