"""A watchlist is measured on the past before it is let loose, and a change shows what it adds and takes."""

import json

import pytest
from typer.testing import CliRunner

from tests.fakes import ARMS, HARMLESS, PhraseEnricher, analyse, article, watch
from worker import backtest
from worker.cli import app
from worker.match import Matcher
from worker.model import PhraseCondition

OLD = "watches:\n  - {id: tanks, title: t, match: {phrase: tanks}}\n  - {id: choir, title: t, match: {phrase: choir}}\n"
NEW = "watches:\n  - {id: tanks, title: t, match: {phrase: ['tanks', prize]}}\n"
LINES = [
    {"title": ARMS["title"], "text": ARMS["description"], "source": "wire", "published": "2026-03-01T10:00:00Z"},
    {"title": HARMLESS["title"], "text": HARMLESS["description"], "source": "herald", "published": "2026-03-04T10:00:00Z"},
]  # fmt: skip


@pytest.fixture
def past(tmp_path):
    file = tmp_path / "past.jsonl"
    file.write_text("\n".join(map(json.dumps, LINES)) + "\n", "utf-8")
    for name, text in (("old", OLD), ("new", NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(text, "utf-8")
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    return result.exit_code, json.loads(result.stdout) if result.stdout else result.exception


def test_a_backtest_tells_alerts_by_day_source_and_example(past):
    code, told = run("backtest", "-c", past / "old", "--articles", past / "past.jsonl")
    assert (code, told["articles"], told["days"]) == (0, 2, 4)
    assert told["watches"][0] == {
        "watch": "choir", "alerts": 1, "alerts_per_day": 0.25, "share": 0.5, "sources": ["herald"],
        "examples": [HARMLESS["title"]],
    }  # fmt: skip


def test_a_backtest_goes_on_where_it_stopped(past):
    whole = run("backtest", "-c", past / "old", "--articles", past / "past.jsonl")
    (past / "part.jsonl").write_text(json.dumps(LINES[0]) + "\n", "utf-8")
    arguments = ("backtest", "-c", past / "old", "--articles", past / "part.jsonl", "--resume", past / "state")
    assert run(*arguments)[1]["articles"] == 1
    (past / "part.jsonl").write_text((past / "past.jsonl").read_text("utf-8"), "utf-8")
    assert run(*arguments) == whole
    assert run("backtest", "-c", past / "new", *arguments[3:])[0] != 0, "another watchlist's state is refused"


def test_a_diff_shows_what_comes_and_goes(past):
    code, told = run("diff", past / "old", past / "new", "--articles", past / "past.jsonl")
    assert code == 0
    assert [(hit["watch"], hit["title"]) for hit in told["gained"]] == [("tanks", HARMLESS["title"])]
    assert [(hit["watch"], hit["title"]) for hit in told["lost"]] == [("choir", HARMLESS["title"])]


@pytest.mark.parametrize(("budget", "code"), [(0.5, 0), (0.4, 1)])
def test_a_budget_fails_the_diff(past, budget, code):
    arguments = ("--articles", past / "past.jsonl", "--max-alerts-per-day", budget)
    assert run("diff", past / "old", past / "new", *arguments)[0] == code


def test_a_bad_line_is_named(past):
    (past / "bad.jsonl").write_text(json.dumps(LINES[0]) + "\n[]\n", "utf-8")
    _, error = run("backtest", "-c", past / "old", "--articles", past / "bad.jsonl")
    assert "bad.jsonl:2 is not an article" in str(error)


def test_kept_analyses_are_used_again_where_the_model_is_the_same():
    art = article(ARMS["title"], ARMS["description"])
    kept = [backtest.PastArticle("1", art, analyse(art)), backtest.PastArticle("2", art)]
    asked = []

    class Counting(PhraseEnricher):
        def enrich(self, articles):
            asked.append(len(articles))
            return super().enrich(articles)

    assert [reused for _, _, reused in backtest.with_analyses(kept, Counting(), "fake")] == [True, False]
    assert [reused for _, _, reused in backtest.with_analyses(kept, Counting(), "other")] == [False, False]
    assert asked == [1, 2]


def test_a_tally_survives_being_written_down():
    art = article(ARMS["title"], ARMS["description"], source="wire")
    tally = backtest.Tally()
    past_article = backtest.PastArticle("1", art)
    matcher = Matcher((watch(condition=PhraseCondition(("tanks",))),))
    tally.add(past_article, backtest.find_hits(past_article, analyse(art), matcher), is_reused=True)
    assert backtest.Tally.from_json(json.loads(json.dumps(tally.to_json()))) == tally
