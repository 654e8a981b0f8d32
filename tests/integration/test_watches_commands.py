"""`tocsin watches` and `tocsin watches learn` over alerts of real articles."""

import json

import pytest
from typer.testing import CliRunner

from tests.integration.test_why import CHOIR, WAR, poll
from tests.newsroom import opened
from worker.cli import app
from worker.runtime.gauges import gauges
from worker.runtime.past import all_decided
from worker.watchlist import load_configuration
from worker.watchtest import run_tests

HEAD = "# what the desk watches; ask Ada before you change it\n"


@pytest.fixture
def room(redis_store, tmp_path, server, monkeypatch):
    with opened(redis_store, tmp_path, server, monkeypatch) as room:
        (tmp_path / "watches.yaml").write_text(HEAD + (tmp_path / "watches.yaml").read_text())
        poll(room, WAR | {"link": "https://wire.example/war"}, CHOIR)
        room.pipeline.enrich_due()
        room.alerts = {
            fired.watch_id: fired.alert_id for one in all_decided(redis_store) for fired in one.decision.fired
        }
        yield room


def tocsin(*arguments):
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout, f"{result.stderr}{result.exception or ''}"


def judge(room, watch, mark, *options):
    code, _, error = tocsin("alerts", "mark", room.alerts[watch], mark, *options)
    assert code == 0, error


def test_precision_stands_beside_each_watch_with_its_interval(room):
    rows = json.loads(tocsin("watches", "--json")[1])["watches"]
    assert {row["id"]: row["precision"] for row in rows}["parties"] is None
    judge(room, "parties", "false")
    judge(room, "conflict", "true")
    rows = {row["id"]: row for row in json.loads(tocsin("watches", "--json")[1])["watches"]}
    assert (rows["parties"]["precision"], rows["parties"]["precision_interval"]) == (0.0, [0.0, 0.793])
    assert (rows["conflict"]["precision"], rows["conflict"]["precision_interval"]) == (1.0, [0.207, 1.0])
    shown = tocsin("watches")[1]
    assert "21%–100%" in shown
    samples = {
        (sample.labels["watch"], sample.labels["bound"]): round(sample.value, 3)
        for family in gauges(room.store, room.pipeline.configuration)
        if family.name == "tocsin_watch_precision"
        for sample in family.samples
    }
    assert samples == {
        ("parties", "low"): 0.0, ("parties", "value"): 0.0, ("parties", "high"): 0.793,
        ("conflict", "low"): 0.207, ("conflict", "value"): 1.0, ("conflict", "high"): 1.0,
    }  # fmt: skip


def test_a_false_alert_becomes_a_test_of_its_watch_and_nothing_else_changes(room):
    judge(room, "parties", "false", "--reason", "a film,\nnot a war # really", "--by", "ada")
    file = room.directory / "watches.yaml"
    before = file.read_text()
    code, out, error = tocsin("watches", "learn", room.alerts["parties"])
    assert code == 0, error
    assert "tocsin test -w parties" in out
    after = file.read_text()
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    kept = after
    for line in added:
        kept = kept.replace(line + "\n", "", 1)
    assert kept == before, "comments, order and layout"
    assert f"# {room.alerts['parties']} was judged false on" in after
    assert "by ada: a film, not a war # really" in after
    loaded = load_configuration(room.directory)
    [test] = next(watch for watch in loaded.watches if watch.id == "parties").tests
    assert (test.title, test.fires, test.source) == (WAR["title"], False, "wire")
    [outcome] = run_tests(loaded, room.pipeline.enricher)
    assert outcome.failures, "until the watch is mended it fires on it still"


def test_a_true_alert_becomes_a_test_that_passes(room):
    judge(room, "conflict", "true")
    assert tocsin("watches", "learn", room.alerts["conflict"], "--json")[0] == 0
    [outcome] = run_tests(load_configuration(room.directory), room.pipeline.enricher)
    assert (outcome.watch, outcome.failures) == ("conflict", ())


def test_a_dry_run_shows_the_place_and_writes_nothing(room):
    judge(room, "parties", "false")
    file = room.directory / "watches.yaml"
    before = file.read_bytes()
    code, out, _ = tocsin("watches", "learn", room.alerts["parties"], "--dry-run", "--json")
    said = json.loads(out)
    assert (code, said["written"], said["fires"], file.read_bytes()) == (0, False, False, before)
    assert said["file"] == str(file)


def test_the_same_lesson_is_not_written_twice(room):
    judge(room, "parties", "false")
    assert tocsin("watches", "learn", room.alerts["parties"])[0] == 0
    before = (room.directory / "watches.yaml").read_bytes()
    assert "has this very test already" in tocsin("watches", "learn", room.alerts["parties"])[2]
    assert (room.directory / "watches.yaml").read_bytes() == before


def test_what_was_not_judged_or_is_not_there_teaches_nothing(room):
    assert "was not judged" in tocsin("watches", "learn", room.alerts["parties"])[2]
    judge(room, "parties", "acknowledged")
    assert "was not judged" in tocsin("watches", "learn", room.alerts["parties"])[2]
    assert "no alert alrt_none" in tocsin("watches", "learn", "alrt_none")[2]
