"""`tocsin alerts export` over a store with news in it: whole, readable by others, the same each time."""

import csv
import io
import json

import pymisp
import pytest
import stix2
from typer.testing import CliRunner

from tests.desk import judged
from worker.cli import app
from worker.runtime import process

pytestmark = pytest.mark.integration
ALERTS = "{tocsin}:alerts"


@pytest.fixture
def export(desk, server, monkeypatch):
    desk.publish_demo(12)
    judged(desk)
    monkeypatch.setenv("TOCSIN_REDIS_URL", server.url)
    process.open_store.cache_clear()

    def run(*arguments):
        result = CliRunner().invoke(app, ["alerts", "export", *arguments])
        return result.exit_code, result.stdout_bytes.decode(), str(result.exception)

    run.store = desk.store
    yield run
    process.open_store().client.close()
    process.open_store.cache_clear()


def loud(store):
    """The alerts of watches that are not shadows."""
    ids = store.client.zrange(ALERTS, 0, -1)
    return [id_ for id_ in ids if store.client.hget("{tocsin}:alert:" + id_, "is_shadow") == "0"]


def test_stix(export):
    code, out, _ = export("--format", "stix")
    bundle = stix2.parse(out, version="2.1")
    reports = [one for one in bundle.objects if one.type == "report"]
    assert code == 0
    assert [one.external_references[0].external_id for one in reports] == loud(export.store)
    assert len(reports) < export.store.client.zcard(ALERTS), "a shadow's are not handed on"
    assert any(one.type == "opinion" for one in bundle.objects)
    known = {one.id for one in bundle.objects}
    assert all(set(one.get("object_refs", ())) <= known for one in bundle.objects)
    assert export("--format", "stix")[1] == out


def test_misp(export):
    events = json.loads(export("--format", "misp")[1])["response"]
    assert len(events) == len(loud(export.store))
    for event in events:
        read = pymisp.MISPEvent()
        read.from_dict(**event)
        assert read.attributes


def test_csv(export):
    rows = list(csv.DictReader(io.StringIO(export("--format", "csv")[1], newline="")))
    assert [row["alert_id"] for row in rows] == export.store.client.zrange(ALERTS, 0, -1)
    assert {row["verdict"] for row in rows} == {"true", "false", ""}
    assert {row["is_shadow"] for row in rows} == {"yes", "no"}


def test_json_lines(export):
    rows = [json.loads(line) for line in export()[1].splitlines()]
    assert [row["data"]["alert_id"] for row in rows] == export.store.client.zrange(ALERTS, 0, -1)
    assert {row["marks"]["verdict"] for row in rows} == {"true", "false", None}
    one = export("--watch", "arms-transfer")[1].splitlines()
    assert 0 < len(one) < len(rows)
    assert export("--since", "1h")[1] == export()[1]


def test_a_file_is_whole_or_not_there_and_is_not_overwritten(export, tmp_path):
    there = tmp_path / "alerts.csv"
    assert export("--format", "csv", "-o", str(there))[0] == 0
    assert there.read_text("utf-8") == export("--format", "csv")[1].replace("\r\n", "\n")
    assert "is already there" in export("--format", "csv", "-o", str(there))[2]
    assert "cannot be written" in export("-o", str(tmp_path / "no" / "x"))[2]
    assert [path.name for path in tmp_path.iterdir()] == ["alerts.csv"]
    assert "a format is stix, misp, csv, jsonl, not xml" in export("--format", "xml")[2]


def test_nothing_to_export_is_still_a_document(redis_store, export):
    redis_store.client.delete(ALERTS)
    assert json.loads(export("--format", "misp")[1]) == {"response": []}
    assert set(json.loads(export("--format", "stix")[1])) == {"type", "id"}, "STIX has no empty lists"
    assert export()[1] == ""
