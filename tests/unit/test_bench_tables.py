"""Figures come into the pages between their marks, and nothing else of the pages changes."""

import shutil
from pathlib import Path

import pytest

from bench import tables
from bench.__main__ import BENCHES, read_json

DOCS = Path(__file__).parents[2] / "docs"
MEASURED = {
    "at": "2026-03-01T12:00:00+00:00", "cores": 2, "load": 0.1, "python": "3.11.7", "spacy": "3.8.18", "quick": False,
}  # fmt: skip
ROUND = {"median": 0.5, "least": 0.25, "most": 1_234.0}


@pytest.fixture
def docs(tmp_path):
    for name in tables.PAGES:
        shutil.copy(DOCS / name, tmp_path / name)
    return tmp_path


def test_figures_stand_between_their_marks_and_are_replaced_by_the_next_ones(docs):
    before = (docs / "scaling.md").read_text("utf-8")
    delivery = {"sender_per_s": ROUND, "bare_per_s": ROUND, "sender_to_bare": ROUND}
    for _ in range(2):
        tables.write(docs, {"delivery": {"result": delivery, "measured": MEASURED}})
    page = (docs / "performance.md").read_text("utf-8")
    assert page.count("| the sender to the loop | 0.5 (0.25–1,234.0) |") == 1
    assert page.count("2026-03-01, 2 cores, load 0.1 at the end") == 1
    tables.write(docs, {})
    assert "the sender to the loop" not in (docs / "performance.md").read_text("utf-8")
    outside = [part.partition("<!-- end of bench")[2] for part in before.split("<!-- bench: ")][1:]
    after = (docs / "scaling.md").read_text("utf-8")
    assert all(part in after for part in outside)


def test_a_bench_that_failed_is_said_to_have_failed(docs):
    tables.write(
        docs, {"idle": {"failed": "Traceback\nAssertionError: the webhook did not come", "measured": MEASURED}}
    )
    assert "The last run failed: AssertionError: the webhook did not come" in (docs / "performance.md").read_text(
        "utf-8"
    )


def test_a_page_without_a_mark_is_refused(docs):
    (docs / "scaling.md").write_text("# How far it goes\n", "utf-8")
    with pytest.raises(ValueError, match=r"scaling\.md: the marks “<!-- bench: growth -->”"):
        tables.write(docs, {})


def test_every_table_has_its_bench():
    assert {name for page in tables.PAGES.values() for name in page} <= set(BENCHES)


@pytest.mark.parametrize(
    ("printed", "read"),
    [
        ('{"a": 1}\n', {"a": 1}),
        ('a warning\n{\n "a": {"b": 2}\n}\n', {"a": {"b": 2}}),
        ('{"n": 1}\n{"n": 2}\n', {"rows": [{"n": 1}, {"n": 2}]}),
    ],
)
def test_what_a_bench_printed_is_read(printed, read):
    assert read_json(printed) == read
