"""The yardstick article, through real processes: two alerts, correctly signed, once, and none for the teaser."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

import pytest

from tests.fakes import rss
from tests.integration.world import eventually

pytestmark = pytest.mark.integration

WATCHES = "watches:\n" + "".join(
    f"  - {{id: {topic}, title: {topic}, severity: high, match: {{topic: {topic}}}}}\n"
    for topic in ("arms-transfer", "sanctions-violation", "organised-crime")
)
EXPECTED = {"arms-transfer", "sanctions-violation"}


def documents(text: str) -> dict[str, tuple[str, str]]:
    teaser, _, rest = text.partition("\n")
    title, _, body = rest.strip().partition("\n")
    content = "".join(f"<p>{escape(line)}</p>" for line in (teaser, *body.split("\n")) if line.strip())
    now = datetime.now(UTC)
    item = {"guid": "1", "title": escape(title), "link": "https://orf.example/1", "description": escape(content)}
    return {
        "rss": (rss(item | {"pubDate": format_datetime(now)}), "application/rss+xml"),
        "atom": (
            (
                f"<feed xmlns='http://www.w3.org/2005/Atom'><id>f</id><title>f</title><entry><id>1</id>"
                f"<title>{escape(title)}</title><link href='https://orf.example/1'/><updated>{now.isoformat()}</updated>"
                f"<content type='html'>{escape(content)}</content></entry></feed>"
            ),
            "application/atom+xml",
        ),
        "json": (
            json.dumps(
                {"version": "https://jsonfeed.org/version/1.1", "title": "f", "items": [
                    {"id": "1", "url": "https://orf.example/1", "title": title, "content_html": content,
                     "date_published": now.isoformat()}]}),
            "application/feed+json",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
def test_two_alerts_once_and_none_for_the_teaser(kind, world, deployment, shared):
    made = documents((shared / "seed" / "article.txt").read_text("utf-8"))
    first = world.serve("/first", *made[kind])
    second = world.serve("/second", made["rss"][0].replace("orf.example/1", "other.example/9"), "application/rss+xml")
    deployment.configure([first, second], WATCHES)
    deployment.start()
    eventually(lambda: len(world.received) >= 2, 60, f"two alerts\n{deployment.logs()}")
    polled = world.polls("/first")
    eventually(lambda: world.polls("/first") >= polled + 3 and world.polls("/second") >= 3, 30, "three more polls")
    world.serve("/first", made[kind][0] + "\n", made[kind][1])  # other bytes, the same article
    polled = len([1 for path, status in world.asked if path == "/first" and status == 200])
    eventually(lambda: len([1 for p, s in world.asked if p == "/first" and s == 200]) > polled, 30, "a full poll")
    eventually(lambda: not deployment.client.zcount("{tocsin}:articles:due", "-inf", "+inf"), 30, "all enriched")
    assert [hook.data["watch"]["id"] for hook in world.received].count("arms-transfer") == 1
    assert {hook.data["watch"]["id"] for hook in world.received} == EXPECTED
    assert len(world.received) == 2
    assert all(hook.is_genuine for hook in world.received)
    for hook in world.received:
        assert "mobsters" not in json.dumps(hook.data["evidence"])


EVENTS = """watches:
  - id: supply
    title: North Korea supplies Russia with weapons
    match:
      event: {type: transfer, supplier: {id: KP}, recipient: {id: RU}, item: {labels: WEAPON}, claimant: {id: US}, modality: alleged}
  - id: breach
    title: North Korea breaks the sanctions of the United Nations
    match: {event: {type: violation, violator: {id: KP}, regime: {id: UN}}}
  - id: other-way
    title: Russia supplies North Korea
    match: {event: {type: transfer, supplier: {id: RU}, recipient: {id: KP}}}
"""


def test_who_supplied_what_to_whom_and_broke_whose_sanctions_reaches_the_hook(world, deployment, shared):
    made = documents((shared / "seed" / "article.txt").read_text("utf-8"))
    deployment.configure([world.serve("/feed", *made["rss"])], EVENTS)
    deployment.start()
    eventually(lambda: len(world.received) >= 2, 60, f"two alerts\n{deployment.logs()}")
    eventually(lambda: not deployment.client.zcount("{tocsin}:articles:due", "-inf", "+inf"), 30, "all enriched")
    assert sorted(hook.data["watch"]["id"] for hook in world.received) == ["breach", "supply"]
    for hook in world.received:
        lines = [event["line"] for event in hook.data["events"]]
        assert any(
            line.startswith("North Korea → Russia: ballistic missile launchers and ballistic missiles")
            for line in lines
        )
        assert any(line.startswith("North Korea breaks sanctions (United Nations)") for line in lines)


def test_the_teaser_alone_raises_nothing(world, deployment, shared):
    teaser = (shared / "seed" / "article.txt").read_text("utf-8").partition("\n")[0]
    now = format_datetime(datetime.now(UTC))
    url = world.serve(
        "/feed", rss({"guid": "1", "title": "Evening overview", "description": escape(teaser), "pubDate": now})
    )
    deployment.configure(
        [url],
        WATCHES.replace("  - {id: organised-crime", "  - {id: other").replace(
            "topic: organised-crime", "topic: terrorism"
        ),
    )
    deployment.start()
    series = 'tocsin_articles_total{outcome="new"}'
    eventually(lambda: deployment.client.hget("{tocsin}:metrics", series), 60, "the article")
    eventually(lambda: not deployment.client.zcard("{tocsin}:articles:due"), 30, "its enrichment")
    assert deployment.client.zcard("{tocsin}:alerts") == 0
