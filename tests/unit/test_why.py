"""What the answer to "why" says, a row for each thing that can have stopped an article."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOW, analyse, article, watch
from worker.decision import record_decision
from worker.match import Matcher
from worker.model import Group, PhraseCondition, Source, Story
from worker.why import Case, FeedSeen, Raised, Sent, answer

TANKS = watch("tanks", condition=PhraseCondition(("battle tanks",)))
NEARLY = watch("nearly", condition=Group("all", (PhraseCondition(("Norland",)), PhraseCondition(("submarine",)))))
FAR = watch("far", condition=PhraseCondition(("zeppelin",)))
TEXT = article("Norland ships battle tanks", "They went to Sudmark.", first_seen=NOW)
LATER = NOW + timedelta(minutes=5)


def case(*watches, **changes) -> Case:
    watches = watches or (TANKS, NEARLY, FAR)
    verdicts = Matcher(watches).evaluate(TEXT, analyse(TEXT))
    decided = record_decision(
        TEXT, analyse(TEXT), verdicts, (), Story("art_1"), config_hash="c0ffee", now=NOW, are_zones_changed=False
    )
    fired = tuple(replace(one, alert_id="alrt_1", why_not="") for one in decided.fired)
    return replace(
        Case("art_1", article=TEXT, brought_by=("wire",), state="done", decision=replace(decided, fired=fired),
             verdicts=verdicts, story=Story("art_1", (Source("art_1", "wire", "wire", "", NOW, "art_1"),)),
             alerts=(Raised("alrt_1", "tanks", "high", sent=(Sent("m", "desk", "delivered", 1),)),) if fired else ()),
        **changes,
    )  # fmt: skip


def sent(**kwargs) -> tuple[Raised, ...]:
    values = {"id": "m", "endpoint": "desk", "state": "due", "attempts": 0} | kwargs
    return (Raised("alrt_1", "tanks", "high", sent=(Sent(**values),)),)


ROWS = [
    ("delivered", case(), "1 alert: 1 delivered"),
    ("a near miss is named with what was missing", case(NEARLY, FAR), "the nearest is nearly, missing: the phrase “submarine”"),
    ("nothing came near", case(FAR), "no watch fired, and none came near"),
    ("baseline", case(state="baseline"), "set aside as baseline: its feed was read for the first time"),
    ("stale", case(state="stale"), "more than 30 days old"),
    ("waits to be read", case(state="due", decision=None, alerts=(), due=LATER), "waits to be read, due in 5 min"),
    ("waits for its page", case(state="due", decision=None, alerts=(), awaits_page=True), "its page is being fetched first"),
    ("quarantine", case(quarantined_for="claimed 5 times: KeyError"), "in quarantine: claimed 5 times: KeyError"),
    ("never fetched", Case("https://x.example/1"), "no feed has brought it within 30 days, and none is of its site"),
    ("its feed fails", Case("https://x.example/1", feeds=(FeedSeen("X", "failing", False, None, "took too long"),)),
     "no feed has brought it"),
    ("retried", case(alerts=sent(attempts=2, reason="answered 503", due=LATER)),
     "its delivery to desk is due in 5 min, 2 attempts; the last: answered 503"),
    ("circuit", case(alerts=sent(circuit="open", attempts=5)), "the circuit of desk is open"),
    ("given up", case(alerts=sent(state="dead", attempts=11, reason="answered 404")), "given up for desk after 11 attempts"),
    ("a silence", case(alerts=(Raised("alrt_1", "tanks", "high", held_by=("the silence s1 keeps it back",)),)),
     "the silence s1 keeps it back"),
    ("a shadow", case(alerts=(Raised("alrt_1", "tanks", "high", is_shadow=True),)), "tanks is a shadow watch"),
    ("no route", case(alerts=(Raised("alrt_1", "tanks", "high"),)), "no endpoint takes it"),
    ("another language", case(FAR, is_language_known=False, language="fi"), "no watch fired"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "asked", "said"), ROWS, ids=[row[0] for row in ROWS])
def test_the_summary_names_the_first_thing_that_stopped_it(name, asked, said):
    assert said in answer(asked, NOW).summary


def test_each_watch_says_what_it_missed_first_and_the_nearest_come_first():
    found = answer(case(), NOW)
    assert [(one.watch, one.outcome) for one in found.watches] == [
        ("tanks", "fired"),
        ("nearly", "near"),
        ("far", "silent"),
    ]
    assert found.watches[1].said == "missing: the phrase “submarine”"
    assert found.watches[0].alert == "alrt_1"


def test_one_watch_is_answered_for_alone():
    found = answer(case(), NOW, "nearly")
    assert [one.watch for one in found.watches] == ["nearly"]
    assert found.summary.startswith("No alert: nearly was silent, missing")
    assert "there was no watch none" in answer(case(), NOW, "none").summary


def test_a_match_that_told_nothing_new_says_so():
    decided = case().decision
    quiet = replace(decided, fired=(replace(decided.fired[0], alert_id="", why_not="its story was told before"),))
    assert (
        answer(case(decision=quiet, alerts=()), NOW).summary == "No alert: tanks fired, but its story was told before"
    )


def test_an_address_that_was_recognised_says_by_what():
    said = [step.said for step in answer(case(known_by="c"), NOW).steps if step.name == "seen before"]
    assert said == ["recognised by the words of its text as art_1, which wire had brought before"]


def test_a_feed_of_the_same_site_is_shown_with_what_is_wrong_with_it():
    feeds = (FeedSeen("X", "failing", False, NOW, "x.example took too long"),)
    steps = answer(Case("https://x.example/1", feeds=feeds), NOW).steps
    assert "X is of the same site: failing, last read 2026-03-01T12:00:00Z: x.example took too long" in steps[1].said


def test_the_answer_is_json():
    import json

    shown = json.loads(json.dumps(answer(case(), NOW).to_json()))
    assert set(shown) == {"asked", "article", "title", "summary", "steps", "watches"}
