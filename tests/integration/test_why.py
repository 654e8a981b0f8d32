"""`tocsin why` over a real store, for articles that went every way an article can go."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from tests.fakes import rss
from tests.newsroom import opened
from tests.polls import finish_poll
from worker.cli import app
from worker.dedupe import identify
from worker.match import Matcher
from worker.model import FeedState, Fetched
from worker.parse import parse
from worker.poll import PollDecision
from worker.runtime import case

WAR = {
    "guid": "1",
    "title": "Russian missiles strike Ukrainian city",
    "link": "https://www.wire.example/war?utm_source=rss",
    "description": "Russian missiles struck the Ukrainian city overnight and killed nine people, the army said on Sunday.",
}
CHOIR = {
    "guid": "2",
    "title": "Village choir wins a prize",
    "link": "https://wire.example/choir",
    "description": "The choir of the village took first place at the regional festival on Sunday evening in the hall.",
}


@pytest.fixture
def room(redis_store, tmp_path, server, monkeypatch):
    with opened(redis_store, tmp_path, server, monkeypatch) as room:
        yield room


def poll(room, *items, state=None):
    feed = room.pipeline.configuration.feeds[0]
    state = state or FeedState(is_baselined=True)
    drafts = identify(feed, state, parse(Fetched(rss(*items).encode(), feed.url)), room.pipeline.clock.now())
    room.store.steer_feed(feed.id, "hurry")
    [claim] = room.store.claim_feeds(1, timedelta(minutes=1))
    finish_poll(room.store, claim, PollDecision(state, timedelta(minutes=1), "fetched"), drafts)
    return [draft.article.id for draft in drafts]


def why(*arguments):
    result = CliRunner().invoke(app, ["why", *arguments, "--json"])
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_an_article_is_found_by_its_address_however_it_is_written(room):
    [war, _] = poll(room, WAR, CHOIR)
    for address in ("https://www.wire.example/war?utm_source=rss", "http://wire.example/war#top", war):
        found = why(address)
        assert (found["article"], found["title"]) == (war, WAR["title"])
        assert "waits to be read" in found["summary"]


def test_the_whole_way_of_an_article_that_was_told(room):
    poll(room, WAR)
    room.pipeline.enrich_due()
    waiting = why(WAR["link"])
    assert "its delivery to desk is due now" in waiting["summary"]
    room.pipeline.deliver_due()
    found = why(WAR["link"])
    fired = {one["watch"]: one for one in found["watches"] if one["outcome"] == "fired"}
    assert found["summary"] == f"{len(fired)} alerts: {len(fired)} delivered"
    assert fired["parties"]["alert"].startswith("alrt_")
    assert why(fired["parties"]["alert"])["article"] == found["article"]
    names = [step["name"] for step in found["steps"]]
    assert names[:5] == ["fetched", "seen before", "read", "story", "matched"]


def test_watches_are_compiled_once_for_all_who_ask(room, monkeypatch):
    poll(room, WAR)
    room.pipeline.enrich_due()
    compiled = []

    class Counted(Matcher):
        def __init__(self, watches) -> None:
            compiled.append(watches)
            super().__init__(watches)

    monkeypatch.setattr(case, "Matcher", Counted)
    case._matcher.cache_clear()
    configuration = room.pipeline.configuration
    first, second = (case.find_case(room.store, configuration, WAR["link"]) for _ in range(2))
    assert first.verdicts == second.verdicts
    assert len(compiled) == 1
    room.store.client.delete(f"{{tocsin}}:configuration:{configuration.hash}")
    fewer = replace(
        configuration, watches=configuration.watches[:1]
    )  # under the same hash, which decides nothing alone
    assert len(case.find_case(room.store, fewer, WAR["link"]).verdicts) == 1
    for number in range(9):
        case.find_case(room.store, replace(fewer, hash=f"hash{number}"), WAR["link"])
    assert len(compiled) == 11
    assert case._matcher.cache_info().currsize <= 3, "a few stay in memory"


def test_a_receiver_that_fails_is_what_a_delivery_waits_for(room):
    room.hook_status = 503
    poll(room, WAR)
    room.pipeline.enrich_due()
    room.pipeline.deliver_due()
    assert "the last: answered 503" in why(WAR["link"])["summary"]


def test_a_silent_watch_says_what_it_missed(room):
    poll(room, CHOIR)
    room.pipeline.enrich_due()
    found = why(CHOIR["link"], "--watch", "arms")
    assert found["summary"].startswith("No alert: arms was silent, missing: topic arms-transfer")
    assert {one["watch"] for one in why(CHOIR["link"])["watches"]} >= {"arms", "conflict", "parties", "weighted"}


def test_the_same_words_under_another_address_are_told_as_seen_before(room):
    [war] = poll(room, WAR)
    poll(room, WAR | {"guid": "9", "link": "https://wire.example/copy-of-war"})
    found = why("https://wire.example/copy-of-war")
    assert found["article"] == war
    assert any("recognised by the words of its text" in step["said"] for step in found["steps"])


def test_what_a_first_poll_set_aside_says_so(room):
    poll(room, WAR | {"pubDate": "Sun, 01 Feb 2026 11:00:00 GMT"}, state=FeedState())
    assert "set aside as baseline" in why(WAR["link"])["summary"]


def test_an_address_that_no_feed_brought_says_which_feed_could_have(room):
    found = why("https://wire.example/never")
    assert found["summary"].startswith("No alert: no feed has brought it")
    assert "wire is of the same site: waiting, never read" in found["steps"][1]["said"]
    assert "none is of its site" in why("https://elsewhere.example/x")["summary"]


def test_a_person_reads_one_answer(room):
    poll(room, WAR)
    room.pipeline.enrich_due()
    shown = CliRunner().invoke(app, ["why", WAR["link"]]).stdout
    assert WAR["title"] in shown
    assert "seen before: it was new" in shown
    assert "silent    arms: missing: topic arms-transfer" in shown


@pytest.mark.parametrize(("asked", "said"), [("art_none", "nothing is kept"), ("alrt_none", "no alert alrt_none")])
def test_what_is_not_kept_is_said_so(room, asked, said):
    assert said in str(CliRunner().invoke(app, ["why", asked]).exception)


def test_a_misspelt_watch_is_corrected(room):
    assert "did you mean `parties`" in str(CliRunner().invoke(app, ["why", "art_x", "--watch", "partes"]).exception)


def test_it_answers_where_the_secrets_of_the_configuration_are_not_known(room, monkeypatch):
    [war] = poll(room, WAR)
    monkeypatch.delenv("SECRET")
    assert why(WAR["link"])["article"] == war
