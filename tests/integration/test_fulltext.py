"""Summaries with their pages through the real processes: what only the page says is alerted on; what fails is not lost."""

import json

import pytest

from tests import pages
from tests.fakes import ARMS, rss
from tests.integration.world import Deployment, eventually

pytestmark = pytest.mark.integration

WATCHES = """
watches:
  - {id: escort, title: Escort, match: {phrase: naval escort}}
  - {id: tanks, title: Tanks, match: {phrase: forty battle tanks}}
"""


def entry(world, guid: str, page: str | None) -> dict[str, str]:
    path = f"/story/{guid}"
    if page is not None:
        world.serve(path, page, "text/html; charset=utf-8")
    title = pages.TITLE if guid == "whole" else f"{guid}: Sudmark gets tanks"
    return ARMS | {"guid": guid, "title": title, "link": world.url(path), "description": f"{pages.SUMMARY} {guid}"}


def test_a_summary_is_read_on_its_page_and_an_article_whose_page_fails_is_analysed_as_it_stands(
    world, server, redis_store, tmp_path
):
    run = Deployment(tmp_path, server, world)
    run.fulltext = "auto"
    good = world.serve("/good", rss(entry(world, "whole", pages.story()), title="Good"))
    bad = world.serve("/bad", rss(entry(world, "missing", None) | {"pubDate": ARMS["pubDate"]}, title="Bad"))
    world.serve("/robots.txt", "User-agent: *\nDisallow: /story/shut\n", "text/plain")
    shut = world.serve("/shut", rss(entry(world, "shut", pages.story()), title="Shut"))
    run.configure([good, bad, shut], WATCHES)
    for file in (run.config / "feeds.yaml",):
        file.write_text(file.read_text("utf-8").replace("interval: 1s", "interval: 1s, backfill: 365d"), "utf-8")
    run.start("poller", "reader", "enricher", "deliverer", "beat")
    try:
        eventually(lambda: {r.data["watch"]["id"] for r in world.received} >= {"escort", "tanks"}, 40, "both alerts")
        escort = next(r.data for r in world.received if r.data["watch"]["id"] == "escort")
        assert escort["article"]["text_from"] == "page"
        assert "the page" in escort["article"]["text_reason"]
        eventually(lambda: redis_store.client.zcard("{tocsin}:articles:due") == 0, 20, "all articles")
        records = [
            json.loads(redis_store.client.hget(k, "record"))
            for k in redis_store.client.keys("{tocsin}:article:art_*")
            if not k.endswith("feeds")
        ]
        said = [record["text_reason"] for record in records if record["text_from"] == "feed"]
        assert any("404" in reason for reason in said)
        assert any("its robots.txt keeps us out (Disallow: /story/shut)" in reason for reason in said)
        assert world.polls("/story/shut") == 0
        assert world.polls("/robots.txt") == 1, "by all feeds together"
        assert world.polls("/story/whole") == 1, "the page is fetched once, however often the feed is polled"
    finally:
        run.stop()
