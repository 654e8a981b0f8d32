"""An alert goes where the tree says, in Alertmanager's words."""

import pytest

from tests.fakes import SECRET
from worker.errors import ConfigError
from worker.matchers import is_match
from worker.model import LabelMatcher, Route
from worker.route import find_routes
from worker.watchlist import load_configuration

ENVIRON = {"URL": "https://x.example/hook", "SECRET": SECRET, "KEY": "pagerduty-key"}
ENDPOINTS = """
endpoints:
  desk: {url: {env: URL}, secret: {env: SECRET}}
  pager: {url: {env: URL}, secret: {env: KEY}, format: pagerduty}
  chat: {url: {env: URL}, format: slack}
  archive: {url: {env: URL}, secret: {env: SECRET}, format: cloudevents}
"""
TREE = (
    ENDPOINTS
    + """
route:
  endpoint: desk
  routes:
    - {matchers: 'watch=~".*"', endpoint: archive, continue: true}
    - matchers: ['severity=~"high|critical"', 'desk!="test"']
      endpoint: [pager, chat]
      routes:
        - {matchers: ['source="Blog"'], endpoint: chat}
    - {matchers: ['desk="test"'], endpoint: chat}
"""
)


def endpoints_of(route, labels):
    return tuple(dict.fromkeys(name for taken in find_routes(route, labels) for name in taken.endpoints))


def load(tmp_path, text):
    (tmp_path / "config.yaml").write_text(text, "utf-8")
    return load_configuration(tmp_path, ENVIRON)


@pytest.mark.parametrize(
    ("reason", "labels", "endpoints"),
    [
        ("continue goes on; nobody else takes it", {"watch": "w", "severity": "low"}, ("archive",)),
        ("the second route by its pattern", {"severity": "high"}, ("archive", "pager", "chat")),
        ("a child takes it from its parent", {"severity": "high", "source": "Blog"}, ("archive", "chat")),
        ("a negative matcher refuses", {"severity": "critical", "desk": "test"}, ("archive", "chat")),
        ("a pattern holds for the whole value", {"severity": "highest"}, ("archive",)),
    ],
)
def test_the_first_route_that_matches_takes_an_alert(tmp_path, reason, labels, endpoints):
    assert endpoints_of(load(tmp_path, TREE).route, labels) == endpoints, reason


def test_without_a_route_every_endpoint_gets_every_alert(tmp_path):
    assert endpoints_of(load(tmp_path, ENDPOINTS).route, {}) == ("desk", "pager", "chat", "archive")


def test_the_root_takes_what_no_route_takes():
    root = Route(("desk",), routes=(Route(("pager",), (LabelMatcher("severity", "=", "high"),)),))
    assert endpoints_of(root, {"severity": "low"}) == ("desk",)
    assert endpoints_of(root, {"severity": "high"}) == ("pager",)


@pytest.mark.parametrize(
    ("operator", "value", "is_true"),
    [("=", "a", True), ("=", "b", False), ("!=", "a", False), ("!=", "b", True), ("=~", "a|b", True), ("=~", "", False),
     ("!~", "a.*", False), ("!~", "b", True)],
)  # fmt: skip
def test_a_matcher_compares_one_label(operator, value, is_true):
    assert is_match(LabelMatcher("x", operator, value), {"x": "a"}) is is_true


def test_a_missing_label_is_an_empty_value():
    assert is_match(LabelMatcher("x", "=", ""), {})
    assert is_match(LabelMatcher("x", "!=", "a"), {})


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ("{endpoint: dsk}", "there is no endpoint `dsk` (did you mean `desk`?)"),
        ("{endpoint: desk, routes: [{matchers: ['severity'], endpoint: desk}]}", "is not a matcher"),
        ("{endpoint: desk, routes: [{matchers: ['a=~\"(?=x)\"'], endpoint: desk}]}", "not one that RE2 takes"),
        ("{endpoint: desk, routes: [{endpoint: chat, routes: [{endpoint: nobody}]}]}", "there is no endpoint `nobody`"),
        ("{endpoint: desk, matchers: ['a=\"b\"']}", "the root, which takes everything"),
        ("{endpoint: desk, contniue: true}", "unknown key `contniue`"),
    ],
)
def test_a_mistake_in_a_route_is_told_with_its_place(tmp_path, route, told):
    with pytest.raises(ConfigError, match=r"config\.yaml:") as error:
        load(tmp_path, ENDPOINTS + f"route: {route}\n")
    assert told in str(error.value)


NIGHTS = """
time_intervals:
  nights:
    - times: ["20:00-06:30", {start_time: "12:00", end_time: "24:00"}]
      weekdays: ["monday:friday", sun]
      months: ["november:february", 7]
      days_of_month: ["1:5", "-3:-1"]
      years: ["2026:2028"]
      location: Europe/Vienna
"""


def test_time_intervals_are_read_in_alertmanagers_words(tmp_path):
    tree = "route: {endpoint: desk, mute_time_intervals: [nights], active_time_intervals: [nights]}\n"
    timing = load(tmp_path, ENDPOINTS + NIGHTS + tree).route.timing
    [interval] = timing.mute
    assert timing.active == timing.mute
    assert interval.times == ((1_200, 390), (720, 1_440))
    assert interval.weekdays == (0, 1, 2, 3, 4, 6)
    assert interval.months == (1, 2, 7, 11, 12)
    assert (interval.days_of_month, interval.years) == (((1, 5), (-3, -1)), ((2026, 2028),))
    assert interval.zone == "Europe/Vienna"


def test_a_route_inherits_how_to_group_and_not_when_to_be_silent(tmp_path):
    tree = """
route:
  endpoint: desk
  group_by: [watch, story]
  group_wait: 10s
  repeat_interval: 2h
  mute_time_intervals: [nights]
  routes:
    - {matchers: ['a="1"'], group_interval: 1m}
    - {matchers: ['a="2"'], group_by: ["..."]}
    - {matchers: ['a="3"'], digest: {cron: "0 8 * * *", time_zone: Europe/Vienna}}
    - {matchers: ['a="3"'], digest: {cron: "0 9 * * *"}, group_by: [watch]}
"""
    root = load(tmp_path, ENDPOINTS + NIGHTS + tree).route
    grouped, alone, digest, by_watch = (route.timing for route in root.routes)
    assert (grouped.group_by, grouped.group_wait.seconds, grouped.group_interval.seconds) == (
        ("watch", "story"),
        10,
        60,
    )
    assert (grouped.mute, root.timing.mute == ()) == ((), False)
    assert alone.group_by is None
    assert (digest.digest.zone, digest.digest.top, digest.group_by, by_watch.group_by) == (
        "Europe/Vienna", 10, (), ("watch",),
    )  # fmt: skip
    keys = [route.key for route in root.routes]
    assert keys == ['root/a="1"', 'root/a="2"', 'root/a="3"', 'root/a="3"#2'], "each has a name that outlives a reload"


@pytest.mark.parametrize(
    ("text", "read"), [("10/h", (10, 3_600)), ("5/30m", (5, 1_800)), ("{max: 3, per: 1d}", (3, 86_400))]
)
def test_a_rate_cap_is_read(tmp_path, text, read):
    watch = f"watches: [{{id: w, title: W, rate: {text}, match: {{phrase: tanks}}}}]\n"
    rate = load(tmp_path, watch).watches[0].rate
    assert (rate.most, rate.per.total_seconds()) == read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time_intervals: {n: {times: ['25:00-26:00']}}", "is not a time of day"),
        ("time_intervals: {n: {times: ['08:00-08:00']}}", "is no span of time"),
        ("time_intervals: {n: {weekdays: [someday]}}", "is none of monday"),
        ("time_intervals: {n: {months: [13]}}", "is none of january"),
        ("time_intervals: {n: {days_of_month: ['0:5']}}", "is not a range of days"),
        ("time_intervals: {n: {years: ['2028:2026']}}", "is not a range of years"),
        ("time_intervals: {n: {location: Mars/Base}}", "is not a time zone"),
        ("route: {endpoint: desk, mute_time_intervals: [nigths]}" + NIGHTS, "did you mean `nights`"),
        ("route: {endpoint: desk, digest: {cron: 'every day'}}", "is not a cron expression"),
        ("route: {endpoint: desk, digest: {cron: '0 8 30 2 *'}}", "is not a cron expression that ever comes true"),
        ("route: {endpoint: desk, digest: {cron: '0 8 * * *', top: 99}}", "can be at most 50"),
        ("route: {endpoint: desk, group_by: ['a b']}", "group_by"),
        ("watches: [{id: w, title: W, rate: many, match: {phrase: tanks}}]", "is not a rate"),
    ],
)
def test_a_mistake_in_when_is_told_with_its_place(tmp_path, text, told):
    with pytest.raises(ConfigError, match=r"config\.yaml:") as error:
        load(tmp_path, ENDPOINTS + text + "\n")
    assert told in str(error.value)


def test_only_messengers_need_no_secret(tmp_path):
    with pytest.raises(ConfigError, match="`secret` is missing"):
        load(tmp_path, "endpoints:\n  desk: {url: {env: URL}, format: cloudevents}\n")


def test_an_escalation_is_read(tmp_path):
    watch = """
watches:
  - id: w
    title: W
    match: {phrase: tanks}
    escalate: [{to: critical, when: {independent_sources: 5, within: 2h}}]
"""
    [step] = load(tmp_path, watch).watches[0].escalate
    assert (step.to.value, step.independent_sources, step.within.total_seconds()) == ("critical", 5, 7_200)
