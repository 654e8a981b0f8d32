"""A message on several alerts is what its reader documents, small, and nothing an article says is interpreted."""

import json
import re
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW, analysis, article, speaking, watch
from worker.alert import raise_alerts
from worker.deliver import body, digest
from worker.deliver.card import alert_card, freeze, thaw
from worker.match import Matcher
from worker.model import Format, Severity, Story

NASTY = (
    "<!channel> <@U123> <https://evil.example|click> @everyone @here @channel @all <@&42> [x](https://evil.example) "
    "**bold** `code` # head > quote | cell ~~s~~ <script>alert(1)</script> {{7*7}} \\"
)
SCHEMA = json.loads((files("worker.deliver") / "digest.schema.json").read_text("utf-8"))


def card_of(number=0, title=NASTY, severity=Severity.HIGH, link='https://x.example/a|b>c d"e<f)'):
    art = article(title, NASTY, id=f"art_{number}", link=link, first_seen=NOW)
    seen = analysis(art, {"arms-transfer": 0.9})
    verdicts = Matcher((watch(severity=severity),)).evaluate(art, seen)
    (alert,), _ = raise_alerts(verdicts, art, seen, Story(art.id), config_hash="h", now=NOW)
    return alert_card(alert)


def composed(cards, top=50, kind="group"):
    return digest.compose(
        "ntf_" + "a" * 32, "grp_x", kind, cards, top=top, labels=(("watch", "arms-transfer"),), now=NOW
    )


def body_of(format_, cards=None, **kwargs):
    text, _ = body.render(composed(cards or [card_of(i) for i in range(3)], **kwargs), speaking(format_))
    return json.loads(text)


def test_a_card_comes_back_as_it_was_frozen():
    card = card_of()
    record = json.dumps(card.payload, ensure_ascii=False, separators=(",", ":"))
    for format_ in Format:
        assert body.render(thaw(freeze(card), record), speaking(format_)) == body.render(card, speaking(format_))


@pytest.mark.parametrize("kind", ["group", "digest", "repeat"])
def test_the_native_body_is_that_of_its_schema(kind):
    cards = [card_of(i, severity=list(Severity)[i % 5]) for i in range(9)]
    said = body_of(Format.STANDARD, cards, top=4, kind=kind)
    jsonschema.validate(said, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert [alert["severity"] for alert in said["data"]["alerts"]] == ["critical", "high", "high", "medium"]
    assert (said["data"]["total"], len(said["data"]["others"])) == (9, 5)


def test_slack_reads_no_markup_and_rings_nobody():
    said = body_of(Format.SLACK)
    assert not set("<>") & set(said["text"])
    kinds = set(re.findall(r'"type": "(\w+)"', json.dumps(said)))
    assert kinds <= {"header", "plain_text", "rich_text", "rich_text_list", "rich_text_section", "text", "link"}
    links = [one["url"] for one in said["blocks"][1]["elements"][0]["elements"][0]["elements"] if one["type"] == "link"]
    assert links == ["https://x.example/a%7Cb%3Ec%20d%22e%3Cf%29"]


def test_teams_gets_text_runs_that_read_no_markdown():
    content = body_of(Format.TEAMS)["attachments"][0]["content"]
    assert {block["type"] for block in content["body"]} == {"RichTextBlock"}
    assert content["body"][1]["inlines"][1]["text"].startswith("<!channel>")


def test_discord_rings_nobody_and_every_link_is_the_articles():
    said = body_of(Format.DISCORD)
    assert said["allowed_mentions"] == {"parse": []}
    text = said["embeds"][0]["description"]
    assert len(text) <= 4_096
    unescaped = re.findall(r"(?<!\\)\]\((.*?)\)", text)
    assert unescaped == ["<https://x.example/a%7Cb%3Ec%20d%22e%3Cf%29>"] * 3


def test_mattermost_shows_ten_and_counts_the_others():
    said = body_of(Format.MATTERMOST, [card_of(i) for i in range(14)])
    assert len(said["attachments"]) == 11
    assert "and 4 more" in said["attachments"][-1]["text"]
    assert not re.search(r"@(?!\u200b)", json.dumps(said, ensure_ascii=False))


def test_alertmanager_receivers_get_every_alert_and_what_they_have_in_common():
    said = body_of(Format.ALERTMANAGER, [card_of(i) for i in range(4)], top=3)
    assert (said["version"], len(said["alerts"]), said["truncatedAlerts"]) == ("4", 3, 1)
    assert said["groupLabels"] == {"watch": "arms-transfer"}
    assert said["commonLabels"]["severity"] == "high"
    assert "story" not in said["commonLabels"]


def test_pagerduty_makes_one_incident_of_a_group_as_grave_as_its_gravest():
    said = body_of(Format.PAGERDUTY, [card_of(0), card_of(1, severity=Severity.CRITICAL)])
    assert (said["dedup_key"], said["payload"]["severity"]) == ("grp_x", "critical")
    assert "routing_key" not in said


def test_cloudevents_are_named_after_the_message():
    said = body_of(Format.CLOUDEVENTS)
    assert (said["id"], said["type"]) == ("ntf_" + "a" * 32, "news.alert.digest.v1")


@given(st.sampled_from(list(Format)), st.text(max_size=3_000), st.integers(1, 80), st.integers(1, 50))
def test_any_articles_make_a_small_json_body_that_counts_every_alert(format_, title, number, top):
    one = card_of(0, title)
    cards = [
        one.__class__(**{name: getattr(one, name) for name in one.__slots__} | {"id": f"a{i}"}) for i in range(number)
    ]
    made = composed(cards, top=top)
    text, _ = body.render(made, speaking(format_))
    assert isinstance(json.loads(text), dict)
    assert len(text.encode()) < 28_000
    data = made.payload["data"]
    told = len(data["alerts"]) + len(data["others"]) + data["truncated"]["others"]
    assert told == made.total == number


def test_the_native_body_stays_under_twenty_kilobytes():
    cards = [card_of(i, "ж" * 3_000, link="https://x.example/" + "y" * 900) for i in range(80)]
    text, _ = body.render(composed(cards, top=50), speaking(Format.STANDARD))
    assert len(text.encode()) < 20_000
