"""What is handed to other systems is what they read, by their own libraries, and says the same each time."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st
from pymisp import MISPEvent

from tests.fakes import NOW, endpoint, speaking
from tests.unit import test_digest_formats as digests
from tests.unit.test_formats import NASTY, alert_of
from worker.deliver import body as body_of
from worker.deliver import misp, payload, stix, table
from worker.deliver.card import alert_card
from worker.deliver.notice import endpoint_paused
from worker.deliver.shared_alert import SharedAlert
from worker.model import Delivery, Entity, Format
from worker.runtime.sender import request_headers

NAMES = (
    Entity("Germany", "GPE", 0, 7, "DE"),
    Entity("German", "NORP", 0, 6, "DE"),
    Entity("Acme Arms", "ORG", 0, 9),
    Entity("Jane Doe", "PERSON", 0, 8),
    Entity("Baltic Sea", "LOC", 0, 10),
)


def shared(title="Tanks shipped", body="Forty tanks were delivered.", names=NAMES, **kwargs) -> SharedAlert:
    alert = alert_of(title, body, "https://x.example/a")
    alert = replace(alert, analysis=replace(alert.analysis, entities=names))
    return SharedAlert(payload.describe(alert), **kwargs)


def read_stix(bundle) -> dict[str, list]:
    """The bundle as the library reads it, which refuses what the specification does; objects by type."""
    parsed = stix2.parse(json.dumps(bundle), allow_custom=False, version="2.1")
    found: dict[str, list] = {}
    for one in parsed.objects:
        found.setdefault(one.type, []).append(one)
    return found


def test_an_alert_is_a_report_on_what_it_names():
    found = read_stix(stix.bundle([shared()]))
    [report] = found["report"]
    ids = {one.id for row in found.values() for one in row}
    assert set(report.object_refs) <= ids
    assert {one.country for one in found["location"]} == {"DE"}, "a country is there once, however it is called"
    assert {(one.name, one.identity_class) for one in found["identity"]} == {
        ("Tocsin", "system"), ("wire", "organization"), ("Acme Arms", "organization"), ("Jane Doe", "individual"),
    }  # fmt: skip
    assert report.name == "Tanks shipped"
    assert report.published == NOW
    assert "severity:high" in report.labels
    assert {one.get("url") or one.external_id for one in report.external_references} >= {"https://x.example/a"}
    [note] = found["note"]
    assert note.object_refs == [report.id]
    assert "opinion" not in found
    assert "indicator" not in found


@pytest.mark.parametrize(("verdict", "said"), [("true", "strongly-agree"), ("false", "strongly-disagree")])
def test_a_verdict_is_an_opinion(verdict, said):
    at = NOW + timedelta(hours=1)
    [opinion] = read_stix(stix.bundle([shared(verdict=verdict, judged_at=at, reason="an exercise")]))["opinion"]
    assert (opinion.opinion, opinion.explanation, opinion.created) == (said, "an exercise", at)


def test_the_same_alert_is_the_same_objects_and_names_are_shared():
    assert stix.bundle([shared()]) == stix.bundle([shared()])
    both = stix.bundle([shared(), shared("Other tanks shipped")])
    ids = [row["id"] for row in both["objects"]]
    assert len(ids) == len(set(ids))
    assert stix.bundle([shared()])["id"] != both["id"]


def read_misp(event) -> MISPEvent:
    """The event as PyMISP reads it, which refuses types and categories that MISP does not have."""
    read = MISPEvent()
    read.from_dict(**json.loads(json.dumps(event)))
    return read


def test_an_alert_is_a_misp_event():
    event = read_misp(misp.event(shared(verdict="true")))
    assert event.info == "Tanks shipped"
    assert (event.date, event.distribution, event.threat_level_id) == (NOW.date(), 0, 1)
    assert {tag.name for tag in event.tags} >= {'tocsin:severity="high"', 'tocsin:verdict="true"'}
    found = {(one.category, one.type, one.value) for one in event.attributes}
    assert found >= {
        ("External analysis", "link", "https://x.example/a"), ("Person", "full-name", "Jane Doe"),
        ("Other", "text", "Acme Arms"), ("Other", "text", "DE"),
    }  # fmt: skip
    assert len(found) == len(event.attributes), "none twice"
    assert not any(one.to_ids for one in event.attributes), "a name in the news is nothing to detect"
    assert misp.event(shared()) == misp.event(shared())


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=60))
def test_any_text_of_a_publisher_stays_valid(title, body, name):
    alert = shared(title, body, (Entity(name, "ORG", 0, 1), Entity(name, "PERSON", 0, 1)))
    assert read_stix(stix.bundle([alert]))["report"]
    read_misp(misp.event(alert))
    [cells] = csv.reader(io.StringIO(table.line(alert), newline=""))
    assert len(cells) == len(table.COLUMNS)


@pytest.mark.parametrize("wanted", [Format.STIX, Format.MISP])
def test_as_webhooks_they_carry_alerts_and_notices(wanted):
    body, content_type = body_of.render(alert_card(alert_of()), speaking(wanted))
    queued = Delivery("msg_1", "alrt_1", "gone", "{}")
    [notice] = endpoint_paused(queued, 1, "410", [replace(endpoint("desk"), format=wanted)], NOW)
    if wanted is Format.STIX:
        assert content_type == "application/stix+json;version=2.1"
        assert NASTY in read_stix(json.loads(body))["report"][0].name
        assert "tocsin endpoints resume gone" in read_stix(json.loads(notice.body))["note"][0].content
    else:
        assert content_type == "application/json"
        assert read_misp(json.loads(body)).info == NASTY
        assert "is paused" in read_misp(json.loads(notice.body)).info


def test_several_alerts_at_once_are_one_bundle_or_one_event():
    cards = [digests.card_of(number) for number in range(3)]
    assert len(read_stix(digests.body_of(Format.STIX, cards))["report"]) == 3
    event = read_misp(digests.body_of(Format.MISP, cards))
    assert "3" in event.info
    assert len(event.attributes) == 1


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\ufeff=1", "＝1", "x;=1", "x; =1", "x;\t@1")


@pytest.mark.parametrize("text", [f + tail for f in FORMULAS for tail in ("", "|cmd' /C calc'!A0", ',"x')])
def test_no_cell_is_a_formula_however_the_file_is_divided(text):
    line = table.line(shared(text, f"{text} delivered forty tanks.", reason=text))
    for delimiter in (",", ";", "\t"):
        for row in csv.reader(io.StringIO(line, newline=""), delimiter=delimiter):
            for cell in row:
                assert not cell.lstrip(' \ufeff\u200b"').startswith(("=", "+", "-", "@", "\t", "\r", "＝")), cell


@given(st.text(alphabet=st.sampled_from("=+-@\t\r\n;, \"'a\u00a0\ufeff＝")))
def test_no_text_makes_a_formula(text):
    [[cell]] = csv.reader(io.StringIO(table.write_line([text]), newline="")) if table.safe_cell(text) else [[""]]
    for piece in cell.split(";"):
        assert not piece.strip(" \u00a0\ufeff").startswith(("=", "+", "-", "@", "＝"))


def test_a_table_is_rfc_4180():
    line = table.line(shared('A "quoted", title', "Forty tanks were delivered.\nNew line."))
    assert line.endswith("\r\n")
    assert line.count("\n") == 1
    assert '"A ""quoted"", title"' in line
    [header] = csv.reader(io.StringIO(table.header(), newline=""))
    assert tuple(header) == table.COLUMNS


def test_misp_is_given_its_key_and_no_signature():
    key = "Cb9fQ0a1"
    misp_ = replace(endpoint("misp"), format=Format.MISP, secrets=(key,))
    headers = request_headers(Delivery("msg_1", "alrt_1", "misp", "{}"), misp_, NOW)
    assert (headers["Authorization"], headers["Accept"]) == (key, "application/json")
    assert "webhook-signature" not in headers
    assert key not in repr(misp_)
