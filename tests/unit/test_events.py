"""Events in watches, alerts, stories and as lines; how they are read from a text stands in tests/enrich/test_events.py."""

import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest

from tests.fakes import NOW, analysis, article, watch
from worker import events, story
from worker.alert import raise_alerts
from worker.deliver import payload
from worker.errors import ConfigError
from worker.match import Matcher
from worker.model import (
    Event,
    EventCondition,
    Fact,
    Filler,
    Group,
    ListedName,
    ListEntry,
    Match,
    NameList,
    RoleCondition,
    Span,
    TopicCondition,
)
from worker.watchlist import load_configuration

TEXT = "Pyongyang sold missiles to Moscow, Washington said. It also sold shells to Oksana Trading."
ART = article("A report", TEXT, first_seen=NOW)


def filler(role, text, id_=None, label="", name="", nth=0):
    start = -1
    for _ in range(nth + 1):
        start = ART.text.index(text, start + 1)
    return Filler(role, text, start, start + len(text), label, id_, name)


def event(*fillers, type_="transfer", modality="alleged", trigger="sold"):
    start = ART.text.index(trigger)
    return Event(type_, modality, Span(start, start + len(trigger), trigger), fillers)


SALE = event(
    filler("supplier", "Pyongyang", "KP", "GPE", "North Korea"),
    filler("item", "missiles", label="WEAPON"),
    filler("recipient", "Moscow", "RU", "GPE", "Russia"),
    filler("claimant", "Washington", "US", "GPE", "United States"),
)
SECOND = event(
    filler("supplier", "It", "KP", "GPE", "North Korea"),
    filler("item", "shells", label="WEAPON"),
    filler("recipient", "Oksana Trading", None, "ORG"),
    modality="asserted",
)
SEEN = replace(analysis(ART, entities={"Pyongyang": ("GPE", "KP"), "Moscow": ("GPE", "RU")}), events=(SALE, SECOND))
FILE = NameList("parties", (ListedName("Oksana Trading", ListEntry("parties", "7", "Oksana Trading")),))


def asking(*roles, type_="transfer", **kwargs):
    return EventCondition(type_, roles, **kwargs)


def verdict(condition, seen=SEEN, art=ART):
    (found,) = Matcher((watch(condition=condition),)).evaluate(art, seen)
    screened = Matcher((watch(condition=condition),)).screen(art, seen)
    assert any(isinstance(one, Match) for one in screened) == isinstance(found, Match)
    return found


FIRES = {
    "the type alone": asking(),
    "an id": asking(RoleCondition("supplier", ids=("KP",))),
    "a label": asking(RoleCondition("item", labels=("WEAPON",))),
    "a term in the words": asking(RoleCondition("item", terms=("missile*",))),
    "several roles of one event": asking(RoleCondition("supplier", ids=("KP",)), RoleCondition("recipient", ids=("RU",))),
    "a modality": asking(RoleCondition("recipient", ids=("RU",)), modalities=("asserted", "alleged")),
    "a claimant": asking(RoleCondition("claimant", ids=("US",))),
    "the id behind a pronoun": asking(RoleCondition("supplier", ids=("KP",)), RoleCondition("item", terms=("shells",))),
    "a name of a list file": asking(RoleCondition("recipient", lists=(FILE,))),
}  # fmt: skip
QUIET = {
    "another type": asking(type_="sanction"),
    "another id": asking(RoleCondition("supplier", ids=("IR",))),
    "the id in another role": asking(RoleCondition("recipient", ids=("KP",))),
    "roles met by two different events": asking(
        RoleCondition("recipient", ids=("RU",)), RoleCondition("item", terms=("shells",))
    ),
    "another modality": asking(RoleCondition("recipient", ids=("RU",)), modalities=("denied",)),
    "a role that nothing fills": asking(RoleCondition("via", ids=("TR",))),
    "another label": asking(RoleCondition("supplier", labels=("PERSON",))),
}


@pytest.mark.parametrize("condition", FIRES.values(), ids=FIRES)
def test_a_watch_fires_on(condition):
    found = verdict(condition)
    assert isinstance(found, Match)
    assert found.finding.evidence


@pytest.mark.parametrize("condition", QUIET.values(), ids=QUIET)
def test_a_watch_stays_quiet_on_what_is_not_one_event(condition):
    assert not isinstance(verdict(condition), Match)


def test_main_salience_asks_for_title_or_lead():
    long = article("A report", "First. " * 200 + "\n\nPyongyang sold missiles to Moscow.", first_seen=NOW)
    start = long.text.index("Pyongyang")
    late = Event(
        "transfer",
        "asserted",
        Span(start + 10, start + 14, "sold"),
        (Filler("supplier", "Pyongyang", start, start + 9, "GPE", "KP"),),
    )
    seen = replace(analysis(long), events=(late,))
    assert isinstance(verdict(asking(), seen, long), Match)
    assert not isinstance(verdict(asking(salience="main"), seen, long), Match)


def test_the_explanation_names_what_is_asked_and_shows_the_words():
    condition = asking(RoleCondition("supplier", ids=("KP",), name="KP"), modalities=("alleged",))
    (evidence,) = verdict(condition).finding.evidence
    assert verdict(condition).finding.asks == "a transfer with supplier KP, alleged"
    assert evidence.text == "Pyongyang sold missiles to Moscow"


def test_an_event_that_meets_half_of_what_is_asked_is_a_near_miss():
    miss = verdict(asking(RoleCondition("supplier", ids=("KP",)), RoleCondition("recipient", ids=("IR",))))
    assert miss.is_near
    assert "scored 0.50" in miss.missing
    assert not verdict(asking(RoleCondition("supplier", ids=("IR",)), RoleCondition("recipient", ids=("SY",)))).is_near


def test_a_language_that_is_not_spoken_leaves_events_unknown():
    foreign = replace(SEEN, events=(), is_language_known=False)
    assert verdict(asking(), foreign).finding.truth == "unknown"


# --- lines and facts ---------------------------------------------------------------------------------------

LINES = [
    (SALE, "North Korea → Russia: missiles · alleged by the United States"),
    (replace(SALE, modality="planned"), "North Korea → Russia: missiles · planned, says the United States"),
    (SECOND, "North Korea → Oksana Trading: shells"),
    (event(filler("item", "missiles"), modality="denied"), "? → ?: missiles · denied"),
    (event(filler("imposer", "Washington", "US", name="United States"), filler("target", "Moscow", "RU", name="Russia"),
           type_="sanction", modality="planned"), "United States against Russia: sanctions · planned"),
    (event(filler("violator", "Pyongyang", "KP", name="North Korea"), filler("regime", "Moscow", name="United Nations"),
           type_="violation", modality="asserted"), "North Korea breaks sanctions (United Nations)"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "expected"), LINES)
def test_an_event_is_one_readable_line(told, expected):
    assert events.line(told) == expected


def test_a_fact_is_the_same_in_other_words():
    again = replace(SALE, modality="asserted", fillers=SALE.fillers[:3])
    assert events.fact(again) == events.fact(SALE)


def test_a_report_with_fewer_roles_is_not_new_and_one_with_more_is():
    less = replace(SALE, fillers=SALE.fillers[:2])
    assert not events.is_new(events.fact(less), [events.fact(SALE)])
    assert events.is_new(events.fact(SALE), [events.fact(less)])


def test_what_was_planned_and_now_happened_is_new():
    assert events.is_new(events.fact(SALE), [events.fact(replace(SALE, modality="planned"))])


# --- stories and alerts ------------------------------------------------------------------------------------


def tell(known, id_, told, condition=asking(RoleCondition("supplier", ids=("KP",)))):  # noqa: B008
    art = replace(ART, id=id_)
    seen = replace(SEEN, events=told)
    grown = story.learn(story.grow(known, art, None, is_copy=False, now=NOW), art, seen)
    verdicts = Matcher((watch(condition=condition),)).evaluate(art, seen)
    return raise_alerts(verdicts, art, seen, grown, config_hash="h", now=NOW)


def test_a_story_keeps_the_union_of_its_events():
    _, after = tell(None, "a", (SALE,))
    _, later = tell(after, "b", (SALE, SECOND))
    assert [(one.line, one.article_id) for one in later.events] == [
        ("North Korea → Russia: missiles · alleged by the United States", "a"),
        ("North Korea → Oksana Trading: shells", "b"),
    ]


def test_only_a_new_event_fires_again_and_is_named():
    (first,), after = tell(None, "a", (SALE,))
    assert first.new == ()
    quiet, after = tell(after, "b", (replace(SALE, fillers=SALE.fillers[:3]),))
    assert quiet == ()
    (second,), after = tell(after, "c", (SALE, SECOND))
    assert second.new == (Fact("event", "North Korea → Oksana Trading: shells"),)
    assert second.follows == first.id
    assert tell(after, "d", (SECOND,))[0] == ()


def test_events_no_condition_asks_for_do_not_fire_again():
    topic = TopicCondition("arms-transfer", min_score=0.5)
    seen = replace(analysis(ART, {"arms-transfer": 0.9}), events=(SALE,))
    verdicts = Matcher((watch(condition=topic),)).evaluate(ART, seen)
    _, after = raise_alerts(verdicts, ART, seen, story.Story(ART.id), config_hash="h", now=NOW)
    more = replace(seen, events=(SALE, SECOND))
    assert raise_alerts(verdicts, ART, more, after, config_hash="h", now=NOW)[0] == ()


def test_the_payload_holds_the_events_those_asked_for_first():
    condition = Group("all", (asking(RoleCondition("recipient", terms=("Oksana Trading",))),))
    (alert,), _ = tell(None, "a", (SALE, SECOND), condition)
    body = json.loads(payload.build(alert))
    schema = json.loads((files("worker.deliver") / "alert.schema.json").read_text("utf-8"))
    jsonschema.validate(body, schema)
    first, second = body["data"]["events"]
    assert first["line"] == "North Korea → Oksana Trading: shells"
    assert {"role": "recipient", "id": "RU", "name": "Russia"}.items() <= second["roles"][2].items()
    assert body["data"]["evidence"][0]["condition"] == "event"


def test_the_payload_says_how_sure_a_learnt_modality_is():
    (alert,), _ = tell(None, "a", (replace(SALE, learnt=0.871), SECOND))
    body = json.loads(payload.build(alert))
    schema = json.loads((files("worker.deliver") / "alert.schema.json").read_text("utf-8"))
    jsonschema.validate(body, schema)
    assert [event["learnt"] for event in body["data"]["events"]] == [0.87, None]


def test_a_hundred_events_leave_the_payload_small():
    (alert,), _ = tell(None, "a", (SALE, *(SECOND for _ in range(100))))
    body = payload.build(alert)
    assert len(body.encode()) < 20_000
    assert json.loads(body)["data"]["truncated"]["events"] == 96


# --- the watchlist -----------------------------------------------------------------------------------------

WRONG = [
    ("{type: gift}", "it can be transfer, sanction or violation"),
    ("{type: transfer, violator: dprk}", "a transfer has no violator"),
    ("{type: transfer, supplier: {list: nobody}}", "nobody"),
    ("{type: transfer, item: {label: WEAPONS}}", "WEAPON"),
    ("{type: transfer, modality: [sure]}", "asserted"),
    ("{type: transfer, supplier: {}}", "an empty role"),
]


@pytest.mark.parametrize(("written", "told"), WRONG)
def test_a_wrong_event_condition_is_refused_with_its_reason(tmp_path, written, told):
    (tmp_path / "a.yaml").write_text(
        f"lists: {{dprk: {{ids: [KP]}}}}\nwatches: [{{id: w, title: W, match: {{event: {written}}}}}]\n", "utf-8"
    )
    with pytest.raises(ConfigError, match=told):
        load_configuration(tmp_path, {})


def test_an_event_condition_is_read_with_lists_shorthands_and_aliases(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "lists: {dprk: {ids: [KP], aliases: [Pyongyang]}}\n"
        "watches:\n"
        "  - id: w\n    title: W\n"
        "    match:\n"
        "      event: {type: transfer, supplier: dprk, item: {label: WEAPON}, modality: asserted}\n"
        "  - {id: v, title: V, match: {event: violation}}\n",
        "utf-8",
    )
    full, short = (one.condition for one in load_configuration(tmp_path, {}).watches)
    supplier, item = full.roles
    assert (supplier.ids, supplier.terms, item.labels, full.modalities) == (
        ("KP",),
        ("Pyongyang",),
        ("WEAPON",),
        ("asserted",),
    )
    assert short == EventCondition("violation")
