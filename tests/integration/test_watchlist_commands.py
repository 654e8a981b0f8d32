"""`check`, `test`, `try`, `backtest`, `diff` and `lists` over a real store, as an analyst runs them."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from tests.fakes import ARMS, PhraseEnricher, feed, rss
from tests.polls import finish_poll
from worker import dedupe
from worker.backtest import find_hits
from worker.cli import app
from worker.enrich.enricher import load
from worker.model import FeedState, Fetched, LanguageModel, Story
from worker.parse import parse
from worker.poll import PollDecision
from worker.ports import Kinship, StoryStep, Told
from worker.runtime import process
from worker.runtime.archive import count_articles, stored_articles
from worker.story import sign

LEASE = timedelta(seconds=60)
LISTS = """
lists:
  parties: {file: parties.csv, format: csv}
watches:
  - {id: listed, title: A listed party, match: {entity: {list: parties}}}
  - id: scored
    title: Enough signs
    match: {any: [{phrase: tanks, weight: 2}, {phrase: shells, weight: 3}]}
    score: {threshold: 4}
"""
PARTIES = 'id,name,programme,type\n7,"KOWALENKO, Igor",CYBER2,person\n'


@pytest.fixture
def tocsin(tmp_path, redis_store, server, monkeypatch):
    monkeypatch.setenv("TOCSIN_REDIS_URL", server.url)
    monkeypatch.setenv("TOCSIN_CONFIG", str(tmp_path))
    process.open_store.cache_clear()

    def run(*arguments, **kwargs):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], **kwargs)
        return result.exit_code, result.stdout, result.exception

    run.store, run.folder = redis_store, tmp_path
    yield run
    process.open_store().client.close()
    process.open_store.cache_clear()


def fill(store, number, *, enricher=None, text="Norland has delivered battle tanks to Sudmark, number {}."):
    """Articles as a poll and an enricher leave them; without an enricher they are not read yet."""
    items = [ARMS | {"guid": f"g{n}", "link": f"https://w.example/{n}", "title": f"Report {n}", "description": text.format(n)}
             for n in range(number)]  # fmt: skip
    store.sync_feeds([feed()])
    store.steer_feed(feed().id, "hurry")
    [claim] = store.claim_feeds(1, LEASE)
    document = parse(Fetched(rss(*items).encode(), feed().url))
    drafts = dedupe.identify(feed(), FeedState(is_baselined=True), document, datetime(2026, 3, 1, 12, tzinfo=UTC))
    finish_poll(store, claim, PollDecision(FeedState(is_baselined=True), LEASE, "fetched"), drafts)
    if enricher is None:
        return
    while claims := store.claim_articles(64, LEASE):
        for claim, seen in zip(claims, enricher.enrich([claim.article for claim in claims]), strict=True):
            step = StoryStep(Story(claim.article.id), 0, sign(claim.article, seen), Kinship().seen)
            step = StoryStep(step.story, 0, type(step.signature)((), b"", 0, *[frozenset()] * 3), "")
            assert store.finish_articles([Told(claim, seen, step)]) == [0]


def test_stored_articles_come_in_order_with_their_analyses_from_a_position_on(redis_store):
    fill(redis_store, 5, enricher=PhraseEnricher())
    fill(redis_store, 7)
    every = list(stored_articles(redis_store))
    assert len(every) == count_articles(redis_store) == 7
    assert [past.position for past in every] == sorted(past.article.id for past in every)
    assert sum(past.analysis is not None for past in every) == 5
    assert [past.position for past in stored_articles(redis_store, after=every[2].position)] == [
        past.position for past in every[3:]
    ]
    assert list(stored_articles(redis_store, since=datetime.now(UTC) - timedelta(minutes=5))) == every
    assert list(stored_articles(redis_store, since=datetime.now(UTC) + timedelta(minutes=5))) == []


def test_check_warns_of_what_is_hardly_meant(tocsin):
    (tocsin.folder / "a.yaml").write_text("lists: {l: {aliases: [x y]}}\n", "utf-8")
    code, out, _ = tocsin("check", "--json")
    messages = [warning["message"] for warning in json.loads(out)["warnings"]]
    assert code == 0
    assert [message.split(",")[0].split(":")[0] for message in messages] == [
        "there is no feed", "there is no watch", "there is no endpoint",
    ]  # fmt: skip


def test_check_measures_a_broad_watch_on_what_is_stored(tocsin):
    fill(tocsin.store, 60, enricher=PhraseEnricher())
    (tocsin.folder / "a.yaml").write_text(
        "watches:\n  - {id: all, title: t, match: {none: [{phrase: zebra}]}}\n"
        "  - {id: most, title: t, match: {phrase: tanks}}\n  - {id: one, title: t, match: {phrase: number 7}}\n", "utf-8",
    )  # fmt: skip
    warnings = {w["watch"]: w for w in json.loads(tocsin("check", "--json")[1])["warnings"] if "watch" in w}
    assert set(warnings) == {"all", "most"}
    assert warnings["all"]["share"] == warnings["most"]["share"] == 1.0
    assert "matches everything" in warnings["all"]["message"]
    assert "100% of 60 stored articles" in warnings["most"]["message"]
    code, out, _ = tocsin("check")
    assert (code, "warning: watch all" in out) == (0, True)


def test_check_asks_no_store_that_is_away(tocsin, monkeypatch):
    monkeypatch.setenv("TOCSIN_REDIS_URL", "redis://127.0.0.1:9/0")
    process.open_store.cache_clear()
    (tocsin.folder / "a.yaml").write_text("watches: [{id: a, title: t, match: {phrase: tanks}}]\n", "utf-8")
    assert tocsin("check")[0] == 0


def test_try_shows_contributions_and_the_list_entry(tocsin):
    (tocsin.folder / "a.yaml").write_text(LISTS, "utf-8")
    (tocsin.folder / "parties.csv").write_text(PARTIES, "utf-8")
    article = tocsin.folder / "article.txt"
    article.write_text("Report\nIgor Kowalenko sold tanks and shells.\n", "utf-8")
    code, out, _ = tocsin("try", article)
    assert code == 0
    assert "on parties: KOWALENKO, Igor (id 7, CYBER2)" in out
    assert "adds 2" in out
    assert "adds 3" in out


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_try_says_that_a_file_is_empty(tocsin, text):
    (tocsin.folder / "a.yaml").write_text("watches: []\n", "utf-8")
    file = tocsin.folder / "empty.txt"
    file.write_text(text, "utf-8")
    code, _, error = tocsin("try", file)
    assert code != 0
    assert "empty.txt is empty" in str(error)


def test_backtest_goes_on_where_it_broke_off_and_uses_kept_analyses(tocsin, monkeypatch):
    fill(tocsin.store, 40, enricher=load(LanguageModel()))
    (tocsin.folder / "a.yaml").write_text(
        "watches: [{id: a, title: t, max_alerts_per_day: 5, match: {phrase: tanks}}]\n", "utf-8"
    )
    state = tocsin.folder / "state.json"
    real, calls = find_hits, []
    monkeypatch.setattr("worker.backtest.TOGETHER", 8)

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 17:
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr("worker.backtest.find_hits", interrupted)
        tocsin("backtest", "--resume", state)
    kept = json.loads(state.read_text("utf-8"))["tally"]["articles"]
    assert kept == 16
    said = json.loads(tocsin("backtest", "--resume", state, "--json")[1])
    assert (said["articles"], said["reused"], said["watches"][0]["alerts"]) == (40, 40, 40)
    assert said["over_budget"] == [{"watch": "a", "alerts_per_day": 40.0, "max_alerts_per_day": 5.0}]


def test_diff_fails_over_the_budget_of_the_watch_and_can_be_resumed(tocsin):
    fill(tocsin.store, 12, enricher=load(LanguageModel()))
    for name, text in (("old", "phrase: zebra"), ("new", "phrase: tanks")):
        (tocsin.folder / name).mkdir()
        (tocsin.folder / name / "a.yaml").write_text(
            f"watches: [{{id: a, title: t, max_alerts_per_day: 11, match: {{{text}}}}}]\n", "utf-8"
        )
    state = tocsin.folder / "state.json"
    for _ in range(2):
        code, out, _ = tocsin("diff", tocsin.folder / "old", tocsin.folder / "new", "--json", "--resume", state)
        said = json.loads(out)
        assert (code, len(said["gained"]), len(said["lost"]), said["articles"]) == (1, 12, 0, 12)
        assert said["over_budget"] == [{"watch": "a", "alerts_per_day": 12.0, "max_alerts_per_day": 11.0}]
    code, _, error = tocsin("diff", tocsin.folder / "new", tocsin.folder / "old", "--resume", state)
    assert (code != 0, "the state of another run" in str(error)) == (True, True)


def test_a_watch_over_its_budget_is_a_warning_of_doctor_and_a_metric(tocsin):
    (tocsin.folder / "a.yaml").write_text(
        "watches: [{id: a, title: t, max_alerts_per_day: 5, match: {phrase: tanks}}]\n", "utf-8"
    )
    hour = int(time.time()) // 3600
    tocsin.store.client.hset(f"{{tocsin}}:trend:{hour}", "watch:a", 10)
    checks = json.loads(tocsin("doctor", "--json")[1])["checks"]
    [told] = [check for check in checks if check["name"] == "watch a"]
    assert (told["status"], "raised 10 alerts in 24 h" in told["message"]) == ("warning", True)
    from prometheus_client import CollectorRegistry, generate_latest

    from worker.runtime.metrics import StoreCollector
    from worker.watchlist import load_configuration

    registry = CollectorRegistry()
    registry.register(StoreCollector(tocsin.store, lambda: load_configuration(tocsin.folder)))
    assert b'tocsin_watch_budget_used_ratio{watch="a"} 2.0' in generate_latest(registry)


def test_parties_are_found_by_hand_and_told_with_alert(tocsin):
    (tocsin.folder / "a.yaml").write_text(LISTS, "utf-8")
    (tocsin.folder / "parties.csv").write_text(PARTIES, "utf-8")
    fill(tocsin.store, 3, enricher=load(LanguageModel()), text="Igor Kowalenko opened office {}.")
    [row] = json.loads(tocsin("lists", "show", "--json")[1])["lists"]
    assert (row["list"], row["parties"], row["names"]) == ("parties", 1, 1)
    assert "no list has grown" in tocsin("lists", "status")[1]
    said = json.loads(tocsin("lists", "screen", "--json")[1])
    assert said["articles"] == 3
    assert [(row["party"], row["stories"], row["articles"]) for row in said["found"]] == [("KOWALENKO, Igor", 3, 3)]
    assert tocsin.store.client.zcard("{tocsin}:alerts") == 0, "only looked at"
    told = json.loads(tocsin("lists", "screen", "--party", "kowal", "--alert", "--json")[1])
    assert (told["phase"], told["found"], told["raised"]) == ("idle", 3, 3)
    again = json.loads(tocsin("lists", "screen", "--alert", "--json")[1])
    assert (again["found"], again["raised"]) == (3, 0)
    assert tocsin.store.client.zcard("{tocsin}:alerts") == 3
    assert "3 mentions found, 0 alerts" in tocsin("lists", "status")[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("lists", "screen", "--list", "partys"), "did you mean `parties`?"),
        (("lists", "screen", "--party", "zzz"), "no party on any list has “zzz” in its name"),
    ],
)
def test_what_is_on_no_list_is_one_message(tocsin, arguments, told):
    (tocsin.folder / "a.yaml").write_text(LISTS, "utf-8")
    (tocsin.folder / "parties.csv").write_text(PARTIES, "utf-8")
    code, _, error = tocsin(*arguments)
    assert code != 0
    assert told in str(error)


@pytest.mark.parametrize(
    "arguments", [("alerts", "list"), ("alerts", "show", "x"), ("alerts", "mark", "x", "true"), ("quarantine", "list")]
)
def test_every_command_takes_the_configuration_directory(tocsin, arguments):
    assert "No such option" not in str(tocsin(*arguments, "-c", tocsin.folder)[2])
    assert tocsin(*arguments, "-c", tocsin.folder)[0] != 2
