"""The third held-out part: nothing of it is taught, and what two readers say of an event is what counts."""

import json

import pytest

pytest.importorskip("sklearn", reason="make install-train brings it")

from training.evaluate_events import GOLD, TRIGGERS
from training.evaluate_modality import HELD, agreement, gold_of, judged
from worker.model import Analysis, Event, Span


def rows_of(file):
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def row(place, *readings):
    return {"article": "a", "trigger": [place, place + 4], "type": "transfer", "publisher": "p", "readings": readings}


def analysis(**modalities):
    events = tuple(
        Event("transfer", modality, Span(int(place[1:]), int(place[1:]) + 4, "sell"), ())
        for place, modality in modalities.items()
    )
    return Analysis((), (), ((0, 99),), "en", "fake", events=events)


def test_no_article_of_it_is_labelled_elsewhere():
    held = {row["article"] for row in rows_of(HELD)}
    assert len(held) > 200
    assert not held & {row["article"] for file in (GOLD, TRIGGERS) for row in rows_of(file)}


def test_every_row_was_read_by_two_and_by_a_third_where_they_differ():
    for one in rows_of(HELD):
        assert len(one["readings"]) == (2 if one["readings"][0] == one["readings"][1] else 3)


@pytest.mark.parametrize(
    ("readings", "gold"),
    [
        (("planned", "planned"), "planned"),
        ((None, None), "none"),
        (("planned", "alleged", "alleged"), "alleged"),
        (("planned", None, None), "none"),
        (("planned", "alleged", "denied"), None),
    ],
)
def test_what_two_readers_say_is_the_gold(readings, gold):
    assert gold_of(row(0, *readings)) == gold


def test_an_event_that_was_dropped_counts_as_wrong_and_a_drop_of_what_tells_none_is_counted():
    rows = [
        row(0, "planned", "planned"),
        row(10, "planned", "planned"),
        row(20, "alleged", "alleged"),
        row(30, None, None),
        row(40, "planned", "alleged", "denied"),
    ]
    report = judged(rows, {"a": analysis(_0="planned", _20="asserted", _40="planned")})
    assert (report["accuracy"], report["of"]) == (0.333, 3)
    assert report["dropped"] == 1
    assert report["no event"] == {"dropped": 1, "of": 1}
    assert report["by modality"] == {"planned": {"accuracy": 0.5, "of": 2}, "alleged": {"accuracy": 0.0, "of": 1}}


def test_agreement_is_told_over_all_and_where_both_see_an_event():
    rows = [row(0, "planned", "planned"), row(10, "planned", "alleged", "denied"), row(20, None, "alleged", None)]
    told = agreement(rows)
    assert (told["agree"]["accuracy"], told["agree"]["of"]) == (0.333, 3)
    assert (told["agree on modality"]["accuracy"], told["agree on modality"]["of"]) == (0.5, 2)
    assert told["unsettled"] == 1
