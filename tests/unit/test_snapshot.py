"""A configuration that is kept decides as the one it was made of, and has no secret in it."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import SECRET, article, configuration, endpoint, feed, watch
from tests.unit.test_reference import EXAMPLES
from worker import snapshot
from worker.errors import InputError
from worker.match import Matcher
from worker.model import (
    AgeCondition,
    Analysis,
    EntityCondition,
    Escalation,
    Group,
    ListedName,
    ListEntry,
    NameList,
    NearCondition,
    OwnTopic,
    PhraseCondition,
    RegexCondition,
    Severity,
    SourceFilter,
    WatchTest,
)
from worker.watchlist import load_configuration

ENTRY = ListEntry("sdn", "1", "Norland Arms", "X")
NAMES = NameList("sdn", (ListedName("Norland Arms", ENTRY), ListedName("Doe, John", ENTRY, is_person=True)))
EVERYTHING = Group(
    "all",
    (
        Group("any", (PhraseCondition(("tanks",), is_lemma=True, weight=0.5), RegexCondition("ta.ks"))),
        NearCondition((("tanks",), ("Sudmark", "Süd")), 9, is_ordered=True),
        EntityCondition(lists=(NAMES,), terms=("Norland*",), min_score=0.5),
        AgeCondition(at_most=timedelta(hours=36.5)),
    ),
)


def made():
    watches = (
        watch("w", condition=EVERYTHING, escalate=(Escalation(Severity.CRITICAL, 3, timedelta(hours=6)),),
              tests=(WatchTest("a long test", "of many words"),), weights=(("entity", 2.0),), threshold=1.5,
              sources=SourceFilter(tags=("a",), exclude=(SourceFilter(names=("b",)),)), labels=(("desk", "x"),)),
        watch("v", condition=EntityCondition(lists=(NAMES,))),
    )  # fmt: skip
    own = replace(configuration((feed(tags=("t",)),), watches, (endpoint(url="https://u:p@h.example/?key=1"),)))
    return replace(own, topics=(OwnTopic("mine", "d", (("p", 1.0),), ("yes",), ("no",)),))


def test_what_is_read_is_what_was_written_but_for_addresses_secrets_and_tests():
    before = made()
    kept = snapshot.write(before)
    after = snapshot.read(kept)
    assert snapshot.write(after) == kept
    assert after.topics == before.topics
    assert after.watches[0].escalate == before.watches[0].escalate
    assert after.watches[0].condition.children[:2] == before.watches[0].condition.children[:2]
    assert after.watches[0].tests == ()
    assert [one.name for one in after.endpoints] == ["desk"]
    text = kept.text + "".join(kept.lists.values())
    assert not any(word in text for word in (SECRET, "h.example", "wire.example", "many words"))


def test_a_list_of_names_is_one_object_for_all_watches_and_stands_once():
    kept = snapshot.write(made())
    after = snapshot.read(kept)
    assert len(kept.lists) == 1
    assert after.watches[0].condition.children[2].lists[0] is after.watches[1].condition.lists[0]


def test_both_decide_the_same():
    text = article("Norland Arms ships tanks", "Forty tanks went to Sudmark, John Doe said.")
    for watches in (made().watches, snapshot.read(snapshot.write(made())).watches):
        verdicts = Matcher(watches).evaluate(text, Analysis((), (), ((0, len(text.text)),), "en", "m"))
        found = [(one.watch.id, one.finding.truth, getattr(one, "missing", "")) for one in verdicts]
        assert found == [("w", "unknown", found[0][2]), ("v", "true", "")]


@pytest.mark.parametrize(("section", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_whatever_the_reference_shows_can_be_kept(tmp_path, section, example):
    (tmp_path / "a.yaml").write_text(example, "utf-8")
    loaded = load_configuration(tmp_path, {})
    kept = snapshot.write(loaded)
    again = snapshot.read(kept)
    assert snapshot.write(again) == kept
    assert again.hash == loaded.hash


def test_what_was_changed_or_is_of_another_version_is_refused():
    kept = snapshot.write(made())
    [(sha256, text)] = kept.lists.items()
    with pytest.raises(InputError, match="was changed"):
        snapshot.read(snapshot.Snapshot(kept.text, {sha256: text.replace("Norland", "Sudmark")}))
    told = json.loads(kept.text)
    told["is"] = "Konfiguration"
    with pytest.raises(InputError, match="cannot be read by this version"):
        snapshot.read(snapshot.Snapshot(json.dumps(told), kept.lists))


def test_the_shipped_example_is_kept_in_a_few_kilobytes():
    from importlib.resources import as_file, files

    with as_file(files("worker") / "example") as example:
        loaded = load_configuration(Path(example) / "watchlists")
    assert len(snapshot.write(loaded).text) < 10_000
