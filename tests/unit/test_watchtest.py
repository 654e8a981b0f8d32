"""Tests in a watchlist pass when the watch does what they expect, and say what it did where it does not."""

import json
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from tests.fakes import PhraseEnricher
from worker.cli import app
from worker.watchlist import load_configuration
from worker.watchtest import run_tests, to_junit

WATCHES = """
watches:
  - id: shells
    title: Shells delivered
    severity: high
    match: {all: [{phrase: ["artillery shell*"]}], none: [{phrase: museum}]}
    tests:
"""
TEST = "      - {title: Norland delivers, text: 'Forty artillery shells went to Sudmark.', expect: %s}\n"


def outcomes(tmp_path, *tests):
    (tmp_path / "a.yaml").write_text(WATCHES + "".join(tests), "utf-8")
    return list(run_tests(load_configuration(tmp_path, {}), PhraseEnricher()))


@pytest.mark.parametrize(
    ("expect", "failures"),
    [
        ("{}", []),
        ("{fires: true, severity: high, evidence: {lead: ['artillery shells']}}", []),
        ("{fires: false}", [("silence", "an alert because of “artillery shells”")]),
        ("{severity: low}", [("severity low", "severity high")]),
        ("{entities: [KP]}", [("the entity KP", "none")]),
        ("{topics: [terrorism]}", [("the topic terrorism", "none")]),
        ("{evidence: {title: [shells]}}", [("“shells” as evidence in the title", "“artillery shells” (lead)")]),
    ],
)
def test_each_expectation_is_compared(tmp_path, expect, failures):
    [outcome] = outcomes(tmp_path, TEST % expect)
    assert list(outcome.failures) == failures
    assert outcome.place == "a.yaml:8"


def test_a_watch_that_stays_silent_says_what_is_missing(tmp_path):
    [outcome] = outcomes(tmp_path, "      - {title: Shells in a museum, expect: {fires: true}}\n")
    assert outcome.failures == (("an alert", "silence: would fire if there were the phrase “artillery shell*”"),)


def test_an_article_may_stand_in_a_file(tmp_path):
    (tmp_path / "story.txt").write_text("Norland delivers\nForty artillery shells went to Sudmark.", "utf-8")
    [outcome] = outcomes(tmp_path, "      - {file: story.txt, expect: {evidence: {lead: [artillery]}}}\n")
    assert not outcome.failures


def test_junit_names_watch_test_and_difference(tmp_path):
    root = ET.fromstring(to_junit(outcomes(tmp_path, TEST % "{}", TEST % "{fires: false}")))
    [suite] = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("shells", "2", "1")
    assert "+ got      an alert" in suite[1][0].text
    assert (suite[1].get("file"), suite[1].get("line")) == ("a.yaml", "9")


@pytest.mark.parametrize(("expect", "code"), [("{}", 0), ("{fires: false}", 1)])
def test_the_command_exits_by_the_outcome(tmp_path, expect, code):
    (tmp_path / "a.yaml").write_text(WATCHES + TEST % expect, "utf-8")
    result = CliRunner().invoke(app, ["test", "-c", str(tmp_path), "--json", "--junit", str(tmp_path / "j.xml")])
    assert result.exit_code == code
    assert json.loads(result.stdout)["failed"] == code
    assert ET.parse(tmp_path / "j.xml").getroot()[0].get("failures") == str(code)
