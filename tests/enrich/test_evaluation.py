"""The unattended evaluation: what happens when a part cannot be measured."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="make install-train brings it")

from training.evaluate import Part, parts_of, run_part, write_report


def measured(name: str) -> Part:
    return Part(name, name.title(), lambda: {"f1": 0.9}, lambda report: f"## {name.title()}\n\nF1 {report['f1']}\n")


def without_corpus() -> dict[str, Any]:
    return json.loads(Path("nowhere/dev.jsonl").read_text("utf-8"))  # type: ignore[no-any-return]


def broken() -> dict[str, Any]:
    message = "a figure that cannot be computed"
    raise ZeroDivisionError(message)


def test_a_part_without_its_corpus_names_the_file_and_the_others_go_on(tmp_path: Path) -> None:
    parts = (Part("events", "Events", without_corpus, str), measured("topics"))
    assert write_report(parts, tmp_path)
    text = (tmp_path / "quality.md").read_text("utf-8")
    assert "## Events\n\nNot measured in this run: dev.jsonl cannot be read." in text
    assert "F1 0.9" in text
    assert json.loads((tmp_path / "quality.json").read_text("utf-8")) == {"events": None, "topics": {"f1": 0.9}}


def test_a_part_that_breaks_is_told_and_the_others_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not write_report((Part("events", "Events", broken, str), measured("topics")), tmp_path)
    assert "Not measured in this run: it ended with ZeroDivisionError." in (tmp_path / "quality.md").read_text("utf-8")
    assert "F1 0.9" in (tmp_path / "quality.md").read_text("utf-8")
    assert "ZeroDivisionError: a figure that cannot be computed" in capsys.readouterr().err


def test_a_part_alone_is_measured_and_the_others_stay(tmp_path: Path) -> None:
    assert write_report((measured("topics"), measured("events")), tmp_path)
    before = (tmp_path / "quality.md").read_text("utf-8")
    again = Part("topics", "Topics", lambda: {"f1": 0.5}, measured("topics").describe)
    assert write_report((again, Part("events", "Events", broken, measured("events").describe)), tmp_path, ["topics"])
    assert (tmp_path / "quality.md").read_text("utf-8") == before.replace("F1 0.9", "F1 0.5", 1)
    assert json.loads((tmp_path / "quality.json").read_text("utf-8")) == {"topics": {"f1": 0.5}, "events": {"f1": 0.9}}


def test_a_section_that_cannot_be_written_counts_as_broken() -> None:
    part = Part("topics", "Topics", dict, lambda report: str(report["model"]))
    assert run_part(part).is_broken


def test_every_part_outlives_an_empty_data_folder(tmp_path: Path) -> None:
    outcomes = [run_part(part) for part in parts_of(tmp_path)]
    assert [outcome.is_broken for outcome in outcomes] == [False] * len(outcomes)
    assert all("Not measured in this run:" in outcome.section for outcome in outcomes)
