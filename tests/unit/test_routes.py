"""An alert goes where the tree says, in Alertmanager's words."""

import pytest

from tests.fakes import SECRET
from worker.errors import ConfigError
from worker.matchers import is_match
from worker.model import LabelMatcher, Route
from worker.route import find_endpoints
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
    assert find_endpoints(load(tmp_path, TREE).route, labels) == endpoints, reason


def test_without_a_route_every_endpoint_gets_every_alert(tmp_path):
    assert find_endpoints(load(tmp_path, ENDPOINTS).route, {}) == ("desk", "pager", "chat", "archive")


def test_the_root_takes_what_no_route_takes():
    root = Route(("desk",), routes=(Route(("pager",), (LabelMatcher("severity", "=", "high"),)),))
    assert find_endpoints(root, {"severity": "low"}) == ("desk",)
    assert find_endpoints(root, {"severity": "high"}) == ("pager",)


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
