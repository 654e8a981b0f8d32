"""The readings of events by several people: what most say, and how far they agree beyond chance."""

import json

import pytest

pytest.importorskip("sklearn", reason="make install-train brings it")

from training.evaluate_events import GOLD, UNSEEN, Tally, _score, kappa, majority
from worker.model import Analysis, Event, Filler, Span


@pytest.mark.parametrize(
    ("first", "blind", "expected"),
    [
        ("planned", ["planned", "planned"], "planned"),
        ("planned", ["planned", "alleged"], "planned"),
        ("planned", ["alleged", "planned"], "planned"),
        ("planned", ["alleged", "alleged"], "alleged"),
        ("planned", ["alleged", "denied"], "planned"),
    ],
)
def test_the_majority_of_three_stands_and_the_first_where_all_differ(first, blind, expected):
    assert majority({"modality": first, "blind": blind}) == expected


def test_what_one_reader_read_is_the_first_readers():
    assert majority({"modality": "denied"}) == "denied"


@pytest.mark.parametrize(
    ("both", "one", "other", "neither", "expected"),
    [(20, 5, 10, 15, 0.4), (25, 0, 0, 25, 1.0), (25, 25, 25, 25, 0.0), (0, 25, 25, 0, -1.0)],
)
def test_kappa_is_the_agreement_beyond_that_of_chance(both, one, other, neither, expected):
    pairs = [("y", "y")] * both + [("y", "n")] * one + [("n", "y")] * other + [("n", "n")] * neither
    assert kappa(pairs) == pytest.approx(expected, abs=1e-3)


def test_every_held_out_event_was_read_by_three():
    rows = [json.loads(line) for line in GOLD.read_text("utf-8").splitlines()]
    assert {len(event.get("blind", ())) for row in rows if row["part"] in UNSEEN for event in row["events"]} == {2}
    assert not any("blind" in event for row in rows if row["part"] not in UNSEEN for event in row["events"])


def test_an_event_is_scored_against_the_first_reading_and_against_the_majority():
    text = "Iran may sell drones."
    read = Event("transfer", "planned", Span(9, 13, "sell"), (Filler("supplier", "Iran", 0, 4),))
    gold = {"type": "transfer", "roles": {"supplier": [[[0, 4]]]}, "modality": "hypothetical", "blind": ["planned"] * 2}
    tally = Tally()
    _score(
        {"sentence": [0, len(text)], "events": [gold]},
        text,
        Analysis((), (), ((0, len(text)),), "en", "fake", events=(read,)),
        tally,
    )
    report = tally.report()
    assert report["modality"] == {"accuracy": 0.0, "of": 1}
    assert report["modality by majority"] == {"accuracy": 1.0, "of": 1}
