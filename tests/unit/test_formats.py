"""Each format is what its reader documents, and nothing an article says is interpreted on the way."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW, analysis, article, endpoint, speaking, watch
from worker.alert import raise_alerts
from worker.deliver import body
from worker.deliver.card import alert_card
from worker.deliver.notice import endpoint_paused
from worker.match import Matcher
from worker.model import Delivery, Format, ListEntry, Listing, Story
from worker.onward import deliveries

NASTY = (
    "<!channel> <@U123> <https://evil.example|click> @everyone @here @channel @all <@&42> [x](https://evil.example) "
    "**bold** `code` # head > quote | cell ~~s~~ <script>alert(1)</script> {{7*7}} \\"
)


def alert_of(title=NASTY, body=NASTY, link='https://x.example/a|b>c d"e<f'):
    art = article(title, body, link=link, first_seen=NOW)
    seen = analysis(art, {"arms-transfer": 0.9})
    (alert,), _ = raise_alerts(
        Matcher((watch(),)).evaluate(art, seen), art, seen, Story(art.id), config_hash="h", now=NOW
    )
    return alert


def body_of(format_, **kwargs):
    text, content_type = body.render(alert_card(alert_of(**kwargs)), speaking(format_))
    return json.loads(text), content_type


@pytest.mark.parametrize("format_", [Format.STIX, Format.MISP])
def test_a_newly_listed_alert_is_shared_like_any_other(format_):
    alert = alert_of()
    listed = replace(alert, listing=Listing(ListEntry("sdn", "1", "IVAN, A"), 1, 1, 1))
    said = [json.loads(body.render(alert_card(one), speaking(format_))[0]) for one in (alert, listed)]
    shapes = [_shape(one) for one in said]
    assert shapes[0] == shapes[1]


def _shape(said):
    return [one["type"] for one in said["objects"]] if "objects" in said else sorted(said["Event"])


def test_slack_gets_plain_text_blocks_and_an_escaped_fall_back():
    said, _ = body_of(Format.SLACK)
    assert not set("<>") & set(said["text"])
    assert "&lt;!channel&gt;" in said["text"]
    texts = [said["blocks"][0]["text"], said["blocks"][2]["text"], *said["blocks"][1]["fields"]]
    assert {text["type"] for text in texts} == {"plain_text"}
    assert len(said["blocks"][0]["text"]["text"]) <= 150


def test_teams_gets_an_adaptive_card_of_text_runs():
    said, _ = body_of(Format.TEAMS)
    card = said["attachments"][0]["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}, "a TextBlock would read markdown"
    assert card["body"][0]["inlines"][0]["text"].startswith("<!channel>")


def test_discord_rings_nobody_and_shows_no_forged_link():
    said, _ = body_of(Format.DISCORD)
    assert said["allowed_mentions"] == {"parse": []}
    assert "content" not in said
    assert "](" not in said["embeds"][0]["description"]
    assert len(said["embeds"][0]["title"]) <= 256


def test_mattermost_rings_nobody():
    said, _ = body_of(Format.MATTERMOST)
    shown = json.dumps(said["attachments"], ensure_ascii=False)
    for name in ("everyone", "here", "channel", "all"):
        assert f"@{name}" not in shown
    assert "](" not in said["attachments"][0]["text"]


def test_cloudevents_are_structured_and_named_after_the_alert():
    said, content_type = body_of(Format.CLOUDEVENTS)
    assert content_type.startswith("application/cloudevents+json")
    assert (said["specversion"], said["id"]) == ("1.0", alert_of().id)
    assert said["data"]["alert_id"] == said["id"]
    assert all(name.isalnum() and name.islower() for name in said), "attribute names of the specification"


def test_alertmanager_receivers_get_a_version_4_group():
    said, _ = body_of(Format.ALERTMANAGER)
    assert (said["version"], said["status"], said["receiver"]) == ("4", "firing", "desk")
    [one] = said["alerts"]
    assert one["labels"]["severity"] == "high"
    assert all(isinstance(value, str) for value in one["labels"].values())
    assert one["startsAt"] == "2026-03-01T12:00:00Z"


def test_pagerduty_groups_a_story_and_carries_no_key():
    said, _ = body_of(Format.PAGERDUTY)
    assert said["event_action"] == "trigger"
    assert said["dedup_key"] == "arms-transfer/art_1"
    assert said["payload"]["severity"] == "error"
    assert "routing_key" not in said, "it goes in a header, so that no key is stored"


@pytest.mark.parametrize("format_", [Format.SLACK, Format.TEAMS, Format.DISCORD, Format.MATTERMOST, Format.PAGERDUTY])
def test_a_link_cannot_end_early(format_):
    text, _ = body.render(alert_card(alert_of()), speaking(format_))
    assert "https://x.example/a%7Cb%3Ec%20d%22e%3Cf" in text


@given(st.sampled_from(list(Format)), st.text(max_size=5_000), st.text(max_size=5_000))
def test_any_article_makes_a_small_json_body(format_, title, text):
    art = article(title, text, first_seen=NOW)
    card = alert_card(alert_of(title, text, link=""))
    text, _ = body.render(card, speaking(format_))
    assert isinstance(json.loads(text), dict)
    assert len(text.encode()) < 28_000
    assert art.title == title


def test_each_endpoint_gets_its_own_format_with_its_own_id():
    one, other = deliveries(alert_of(), [endpoint("desk"), endpoint("chat", format=Format.SLACK)])
    assert json.loads(one.body)["type"] == "news.alert.matched.v1"
    assert "blocks" in json.loads(other.body)
    assert one.id != other.id


@pytest.mark.parametrize("format_", list(Format))
def test_the_notice_of_a_paused_endpoint_is_told_in_every_format(format_):
    gone = Delivery("msg_1", "alrt_1", "desk", "{}")
    [notice] = endpoint_paused(gone, 1, "answered 410 Gone", [speaking(format_, "chat")], NOW)
    assert "desk" in notice.body
    assert "resume" in notice.body
    assert notice.endpoint == "chat"
