"""Stored decisions on real news made again: all identical, and what has changed is told."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from tests.newsroom import WATCHES, news, opened
from worker.cli import app
from worker.runtime.audit_store import AuditStore
from worker.runtime.past import all_decided

DECISIONS = 1_000


@pytest.fixture
def room(redis_store, tmp_path, server, monkeypatch):
    with opened(redis_store, tmp_path, server, monkeypatch) as room:
        yield room


def tocsin(*arguments):
    result = CliRunner().invoke(app, arguments)
    said = json.loads(result.stdout) if "--json" in arguments and result.stdout else result.stdout
    return result.exit_code, said, str(result.exception or "")


def fired(room, watch="conflict"):
    return next(
        (one.article.id, fired.alert_id)
        for one in all_decided(room.store)
        for fired in one.decision.fired
        if fired.watch_id == watch and fired.alert_id
    )


def test_a_thousand_decisions_on_real_news_come_out_identical(room, shared):
    drafts = list(news(shared, DECISIONS))
    for start in range(0, DECISIONS, 100):
        room.take_in(drafts[start : start + 100])
    code, said, error = tocsin("replay", "--since", "1d", "--json")
    assert (code, said["decisions"], said["identical"]) == (0, DECISIONS, DECISIONS), (said, error)
    decisions = list(all_decided(room.store))
    raised = sum(bool(fired.alert_id) for one in decisions for fired in one.decision.fired)
    assert raised > DECISIONS / 10, "many of them raised alerts"
    assert len({fired.watch_id for one in decisions for fired in one.decision.fired}) >= 5


def test_decisions_for_which_names_were_not_looked_for_come_out_identical(room, shared):
    room.configure(room.directory, WATCHES + "nlp: {entities: when_relevant}\n")
    room.take_in(list(news(shared, 60)))
    assert any(one.analysis.pending for one in all_decided(room.store))
    code, said, error = tocsin("replay", "--since", "1d", "--json")
    assert (code, said["decisions"], said["identical"]) == (0, 60, 60), (said, error)


def test_one_alert_is_replayed_by_its_id(room, shared):
    room.take_in(list(news(shared, 80)))
    article, alert = fired(room, "parties")
    code, said, error = tocsin("replay", alert, "--json")
    assert code == 0, (said, error)
    [row] = said["replayed"]
    assert (row["identical"], row["article"], row["analysis"]) == (True, article, "anew")
    assert tocsin("replay", article)[1].startswith("identical")


def test_what_would_happen_today_is_told_beside_what_happened(room, shared):
    room.take_in(list(news(shared, 80)))
    alert = fired(room, "parties")[1]
    changed = WATCHES.replace(
        "severity: low\n    match: {all: [{entity: {list: parties}}]",
        "severity: low\n    match: {all: [{phrase: [zeppelin]}]",
    )
    assert changed != WATCHES
    room.configure(room.directory, changed)
    code, said, _ = tocsin("replay", alert, "--json")
    assert (code, said["identical"]) == (0, 1), "as it was decided"
    code, said, _ = tocsin("replay", alert, "--with", "current", "--json")
    assert code == 1
    differences = {one["what"]: one for one in said["replayed"][0]["differences"]}
    assert differences["watch parties"]["then"] == f"raised {alert}"
    assert "zeppelin" in differences["watch parties"]["now"]


def test_a_decision_of_another_model_is_matched_over_the_kept_analysis_and_says_so(room, shared):
    room.pipeline.enricher.model = "en_other-9.9"
    room.take_in(list(news(shared, 20)))
    room.pipeline.enricher.model = "x"
    code, said, error = tocsin("replay", "--since", "1d", "--json")
    assert (code, said["decisions"], said["identical"]) == (0, 20, 20), (said, error)
    [row] = tocsin("replay", "art_3", "--json")[1]["replayed"]
    assert row["analysis"] == "kept"
    assert "en_other-9.9 decided" in row["notes"][0]


@pytest.mark.parametrize(("field", "what"), [("record", "the stored text"), ("decision", "watch porties")])
def test_a_record_that_was_changed_since_is_told(room, shared, field, what):
    room.take_in(list(news(shared, 80)))
    article, _ = fired(room, "parties")
    key = f"{{tocsin}}:article:{article}"
    kept = json.loads(room.store.client.hget(key, field))
    if field == "record":
        kept["text"] += " Nothing of it is true."
    else:
        kept["fired"] = [one | {"watch_id": one["watch_id"].replace("parties", "porties")} for one in kept["fired"]]
    room.store.client.hset(key, field, json.dumps(kept))
    code, said, _ = tocsin("replay", article, "--stored-analysis", "--json")
    assert code == 1
    assert what in [one["what"] for one in said["replayed"][0]["differences"]]


def test_an_alert_of_an_edited_article_is_replayed_from_the_text_that_raised_it(room, shared):
    drafts = list(news(shared, 60))
    room.take_in(drafts)
    article, alert = fired(room, "parties")
    draft = next(one for one in drafts if one.article.id == article)
    text = draft.article.text + " It was denied later."
    room.take_in([replace(draft, article=replace(draft.article, text=text), content="edited")])
    code, said, error = tocsin("replay", alert, "--json")
    assert (code, said["replayed"][0]["revision"]) == (0, 0), (said, error)
    assert tocsin("replay", article, "--json")[1]["replayed"][0]["revision"] == 1


def test_what_cannot_be_replayed_says_why(room):
    assert "no decision on an article" in tocsin("replay", "art_none")[2]
    assert "no alert alrt_none" in tocsin("replay", "alrt_none")[2]
    assert "--since" in tocsin("replay")[2]


def test_a_configuration_is_told_in_the_record_once_while_it_is_in_force(room):
    room.configure(room.directory, WATCHES)
    room.configure(room.directory, WATCHES.replace("title: Arms", "title: Weapons"))
    lines = [line.facts() for line in AuditStore(room.store).read()]
    told = [line for line in lines if line["kind"] == "in_force"]
    assert len(told) == 2
    assert told[0]["config"] != told[1]["config"]
    kept = room.store.client
    assert kept.ttl(f"{{tocsin}}:configuration:{told[0]['config']}") > 80 * 86_400
    assert kept.ttl(f"{{tocsin}}:configuration:{told[1]['config']}") == -1
