"""Which notifications arrive between which moments, on a virtual clock over both stores."""

from datetime import UTC, datetime

import pytest

from tests.collector import WATCHES
from worker.alert import delivery_id

HOUR, DAY = 3_600, 86_400
GROUPED = """
route:
  endpoint: desk
  group_by: [watch]
  group_wait: 30s
  group_interval: 5m
"""


def test_without_grouping_every_alert_comes_alone_and_at_once(newsroom):
    newsroom.open()
    newsroom.publish(0, "Alpha")
    newsroom.publish(3, "Beta", "banks")
    for endpoint in ("desk", "pager"):
        newsroom.expect(endpoint, (0, 0), "Alpha")
        newsroom.expect(endpoint, (3, 3), "Beta")
    newsroom.play(20)


def test_alerts_of_a_group_wait_for_each_other_and_come_in_one_message(newsroom):
    newsroom.open(GROUPED)
    newsroom.publish(0, "Alpha")
    newsroom.publish(10, "Beta")
    newsroom.publish(20, "Gamma", "banks")
    newsroom.expect("desk", (30, 31), "Alpha", "Beta", kind="group")
    newsroom.expect("desk", (50, 51), "Gamma")
    newsroom.play(400)


def test_the_next_message_of_a_group_comes_after_the_interval_and_tells_only_what_is_new(newsroom):
    newsroom.open(GROUPED)
    newsroom.publish(0, "Alpha")
    newsroom.publish(60, "Beta")
    newsroom.publish(100, "Gamma")
    newsroom.publish(900, "Delta")
    newsroom.expect("desk", (30, 31), "Alpha")
    newsroom.expect("desk", (330, 332), "Beta", "Gamma", kind="group")
    newsroom.expect("desk", (930, 931), "Delta")
    newsroom.play(1_500)


def test_a_group_of_one_sends_the_alert_itself_with_its_own_id_and_bytes(newsroom_at):
    told = {}
    for route in ("", GROUPED):
        newsroom = newsroom_at()
        newsroom.made = 0
        newsroom.open(route)
        newsroom.publish(0, "Alpha")
        newsroom.expect("desk", (0, 31), "Alpha")
        if not route:
            newsroom.expect("pager", (0, 0), "Alpha")
        told[route] = next(m for m in newsroom.play(60) if m.endpoint == "desk")
        if hasattr(newsroom.store, "client"):
            newsroom.store.client.flushall()
    plain, grouped = told.values()
    assert grouped.id == plain.id == delivery_id(plain.data["alert_id"], "desk")
    strip = {"config": "", "alert_id": ""}
    assert grouped.data | strip == plain.data | strip
    assert list(grouped.data) == list(plain.data)


def test_more_than_fifty_alerts_come_in_several_messages_that_leave_none_out(newsroom):
    newsroom.open(GROUPED)
    for i in range(60):
        newsroom.publish(0, f"N{i:02d}")
    newsroom.expect("desk", (30, 31), kind="group")
    newsroom.expect("desk", (30, 31), kind="group")
    first, second = newsroom.play(400)
    told = [id_ for m in (first, second) for id_ in [a["alert_id"] for a in m.data["alerts"]] + m.data["others"]]
    assert len(told) == len(set(told)) == 60


def test_what_nobody_acknowledges_is_told_again_and_what_somebody_does_is_not(newsroom):
    newsroom.open(GROUPED + "  repeat_interval: 1h\n")
    newsroom.publish(0, "Alpha")
    newsroom.publish(5, "Beta")
    newsroom.expect("desk", (30, 31), "Alpha", "Beta", kind="group")
    newsroom.acknowledge(60, "Alpha")
    newsroom.expect("desk", (30 + HOUR, 35 + HOUR), "Beta", kind="repeat")
    newsroom.expect("desk", (30 + 2 * HOUR, 40 + 2 * HOUR), "Beta", kind="repeat")
    newsroom.acknowledge(int(2.5 * HOUR), "Beta")
    messages = newsroom.play(6 * HOUR, step=5)
    assert len({message.id for message in messages}) == 3, "a repetition is a message of its own"


NIGHTS = """
time_intervals:
  nights: {times: ["20:00-06:30"], location: Europe/Vienna}
route:
  endpoint: desk
  mute_time_intervals: [nights]
"""


@pytest.mark.parametrize(
    ("reason", "start", "held", "morning"),
    [
        ("a common night", datetime(2026, 3, 2, 18, tzinfo=UTC), 1 * HOUR, 11.5 * HOUR),
        ("the night that loses an hour", datetime(2026, 3, 28, 18, tzinfo=UTC), 1 * HOUR, 10.5 * HOUR),
        ("the night that gains an hour", datetime(2026, 10, 24, 17, tzinfo=UTC), 1 * HOUR, 12.5 * HOUR),
    ],
)
def test_over_night_alerts_are_held_and_come_together_in_the_morning(newsroom_at, reason, start, held, morning):
    newsroom = newsroom_at(start).open(NIGHTS)
    newsroom.publish(0.5 * HOUR, "Early")
    for i, at in enumerate((held, held + HOUR, held + 5 * HOUR, morning - 60)):
        newsroom.publish(at, f"Night{i}")
    newsroom.publish(morning + HOUR, "Late")
    newsroom.expect("desk", (0.5 * HOUR, 0.5 * HOUR), "Early")
    newsroom.expect("desk", (morning, morning + 30), "Night0", "Night1", "Night2", "Night3", kind="digest")
    newsroom.expect("desk", (morning + HOUR, morning + HOUR), "Late")
    newsroom.play(16 * HOUR, step=30)


def test_outside_its_active_times_a_route_holds_and_another_route_does_not(newsroom_at):
    newsroom = newsroom_at(datetime(2026, 3, 6, 15, tzinfo=UTC))  # a Friday
    newsroom.open("""
time_intervals:
  office: [{weekdays: "monday:friday", times: ["08:00-17:00"], location: Europe/Vienna}]
route:
  endpoint: desk
  routes:
    - {matchers: ['severity="high"'], endpoint: pager, continue: true}
    - {endpoint: desk, active_time_intervals: [office]}
""")
    newsroom.publish(0.5 * HOUR, "Friday", "banks")
    newsroom.publish(30 * HOUR, "Saturday")
    newsroom.publish(50 * HOUR, "Sunday", "banks")
    newsroom.expect("desk", (0.5 * HOUR, 0.5 * HOUR), "Friday")
    newsroom.expect("pager", (30 * HOUR, 30 * HOUR), "Saturday")
    monday = 64 * HOUR
    newsroom.expect("desk", (monday, monday + 60), "Saturday", "Sunday", kind="digest")
    newsroom.play(70 * HOUR, step=60)


DIGEST = """
route:
  endpoint: desk
  digest: {cron: "0 8 * * *", time_zone: Europe/Vienna, top: 2}
"""


def test_a_digest_comes_at_its_moment_with_the_gravest_on_top_and_the_others_counted(newsroom):
    newsroom.open(DIGEST)
    for i in range(3):
        newsroom.publish(i * HOUR, f"Low{i}", "banks")
    newsroom.publish(3 * HOUR, "Grave")
    newsroom.publish(25 * HOUR, "Next")
    eight = 19 * HOUR
    newsroom.expect("desk", (eight, eight + 60), "Grave", "Low2", kind="digest", total=4)
    newsroom.expect("desk", (eight + DAY, eight + DAY + 60), "Next")
    digest, _ = newsroom.play(3 * DAY, step=60)
    assert len(digest.data["others"]) == 2
    assert digest.data["by_severity"] == {"high": 1, "low": 3}
    assert digest.data["truncated"]["alerts"] == 2


def test_a_digest_that_nobody_was_there_to_send_comes_when_somebody_is(newsroom):
    newsroom.open(DIGEST)
    newsroom.publish(0, "Alpha")
    newsroom.publish(1, "Beta")
    newsroom.script.append((10, lambda: newsroom.clock.advance(days=2)))
    newsroom.expect("desk", (2 * DAY, 2 * DAY + 20), "Alpha", "Beta", kind="digest")
    newsroom.play(2 * DAY + 60)


RATED = WATCHES.replace("severity: high,", "severity: high, rate: 2/h,")


def test_what_is_beyond_a_watchs_rate_comes_in_one_digest(newsroom):
    newsroom.open("route: {endpoint: desk}\n", RATED)
    for i in range(6):
        newsroom.publish(i * 60, f"T{i}")
    newsroom.publish(400, "Other", "banks")
    newsroom.expect("desk", (0, 0), "T0")
    newsroom.expect("desk", (60, 60), "T1")
    newsroom.expect("desk", (400, 405), "Other")
    newsroom.expect("desk", (120 + HOUR, 130 + HOUR), "T2", "T3", "T4", "T5", kind="digest")
    newsroom.publish(3 * HOUR, "Later")
    newsroom.expect("desk", (3 * HOUR, 3 * HOUR), "Later")
    newsroom.play(4 * HOUR, step=5)


def test_what_a_silence_matches_is_stored_and_counted_and_never_told(newsroom):
    newsroom.open(GROUPED)
    newsroom.publish(0, "Held")  # in its group when the silence comes
    newsroom.silence(5, 'desk="arms"', 600)
    newsroom.publish(10, "Silent")
    newsroom.publish(20, "Heard", "banks")
    newsroom.publish(700, "After")
    newsroom.expect("desk", (50, 51), "Heard")
    newsroom.expect("desk", (730, 731), "After")
    newsroom.play(1_200)
    [made] = newsroom.silences.silences()
    assert made.suppressed == 2


def test_more_sources_raise_the_severity_and_with_it_the_route(newsroom):
    newsroom.open(
        """
route:
  endpoint: desk
  group_by: [watch]
  group_wait: 1m
  routes:
    - {matchers: ['severity="critical"'], endpoint: pager, group_by: ["..."]}
""",
        WATCHES.replace("severity: high,", "severity: high, escalate: [{to: critical, when: {independent_sources: 3, within: 2h}}],"),
    )  # fmt: skip
    story = {"title": "Norland sends tanks over the river to Sudmark"}
    bodies = {
        "wire": "A column crossed the bridge at dawn while Norland and Sudmark officials traded accusations in the press.",
        "herald": "Witnesses in Sudmark saw armour from Norland on the southern road, a reporter of this paper wrote today.",
        "courier": "The ministry in Sudmark confirmed the movement; Norland spoke of an exercise that was long announced.",
    }
    for at, (feed, body) in zip((0, 600, 1_200), bodies.items(), strict=True):
        newsroom.publish(at, "x", feed=feed, **story, description=body)
    newsroom.expect("desk", (60, 62), "Norland")
    newsroom.expect("pager", (1_200, 1_202), "Norland")
    first, risen = newsroom.play(2_400, step=2)
    assert (risen.data["severity"], risen.data["independent_sources"]) == ("critical", 3)
    assert risen.data["story"]["follows"] == first.data["alert_id"]


def test_a_reload_in_the_middle_loses_nothing_and_the_new_times_hold(newsroom):
    newsroom.open(GROUPED)
    newsroom.publish(0, "Alpha")
    newsroom.publish(5, "Beta")
    newsroom.reload(10, GROUPED.replace("30s", "2m"))
    newsroom.expect("desk", (120, 122), "Alpha", "Beta", kind="group")
    newsroom.publish(600, "Gamma")
    newsroom.reload(605, "route: {endpoint: desk}\n")
    newsroom.expect("desk", (605, 722), "Gamma")
    newsroom.play(1_000)


def test_what_waits_for_a_route_that_a_reload_removes_is_told(newsroom):
    tree = "route:\n  endpoint: pager\n  routes: [{matchers: ['desk=\"arms\"'], endpoint: desk, group_by: [], group_wait: 1h}]\n"
    newsroom.open(tree)
    newsroom.publish(0, "Alpha")
    newsroom.publish(1, "Beta")
    newsroom.reload(60, "route: {endpoint: pager}\n")
    newsroom.expect("desk", (60, 70), "Alpha", "Beta", kind="group")
    newsroom.play(2 * HOUR, step=5)


def test_an_endpoint_that_is_down_for_two_days_gets_everything_once_it_is_back(newsroom):
    newsroom.open(GROUPED)
    back = 2 * DAY
    newsroom.outage("desk", 0, back)
    for hour in range(0, 48, 4):
        newsroom.publish(hour * HOUR, f"A{hour}")
        newsroom.publish(hour * HOUR + 5, f"B{hour}")
        newsroom.expect("desk", (back, back + 180), f"A{hour}", f"B{hour}", kind="group")
    messages = newsroom.play(back + 600, step=30)
    tried = {message.id for message in newsroom.attempts}
    assert tried == {message.id for message in messages}, "0 lost, 0 second ids"
    bodies = {(message.id, message.body) for message in newsroom.attempts}
    assert len(bodies) == len(tried), "the same bytes for an id"


def test_an_endpoint_gets_an_alert_at_once_and_in_the_digest_of_another_route(newsroom):
    newsroom.open("""
route:
  endpoint: desk
  routes:
    - {endpoint: desk, continue: true}
    - {endpoint: desk, digest: {cron: "0 13 * * *"}}
""")
    newsroom.publish(0, "Alpha")
    newsroom.publish(5, "Beta")
    newsroom.expect("desk", (0, 0), "Alpha")
    newsroom.expect("desk", (5, 5), "Beta")
    newsroom.expect("desk", (HOUR, HOUR + 5), "Alpha", "Beta", kind="digest")
    newsroom.play(2 * HOUR, step=5)
