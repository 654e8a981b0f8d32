"""The checker finds every kind of fault that is put before it: a suite that cannot fail proves nothing."""

import json

import pytest

from tests.chaos.checker import judge
from tests.chaos.fixture import PHRASES, make
from tests.integration.world import Received

FIXTURE = make(40, 4)


def hook(
    watch: str, link: str, alert: str = "", delivery: str = "", is_genuine: bool = True, note: str = ""
) -> Received:
    alert = alert or f"alrt_{watch}_{link}"
    data = {"alert_id": alert, "watch": {"id": watch}, "article": {"link": link}, "note": note}
    return Received(delivery or f"msg_{alert}", json.dumps({"data": data}).encode(), is_genuine)


ALL = [hook(*pair) for pair in sorted(FIXTURE.expected())]
WATCH, LINK = min(FIXTURE.expected())


def test_what_is_right_has_no_fault():
    assert judge(FIXTURE.expected(), ALL).is_clean
    assert judge(FIXTURE.expected(), ALL).received == len(ALL) > 5


def test_a_repeat_with_its_id_and_bytes_is_no_fault():
    judgement = judge(FIXTURE.expected(), [*ALL, ALL[0]], ALL)
    assert judgement.is_clean
    assert judgement.repeats == 1


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        ("lost", ALL[1:]),
        ("unexpected", [*ALL, hook("falcon", "https://feed0.example/none")]),
        ("second_ids", [*ALL, hook(WATCH, LINK, alert="alrt_other")]),
        ("second_ids", [*ALL, hook(WATCH, LINK, delivery="msg_other")]),
        ("second_ids", [*ALL[1:], hook(WATCH, LINK, alert="a", delivery="m"), hook("x", "y", alert="a", delivery="m")]),
        ("changed_bytes", [*ALL, hook(WATCH, LINK, note="changed")]),
        ("forged", [*ALL[1:], hook(WATCH, LINK, is_genuine=False)]),
    ],
)
def test_each_fault_is_found(fault, accepted):
    assert judge(FIXTURE.expected(), accepted).faults[fault] == 1


def test_bytes_are_compared_over_failed_attempts_too():
    assert judge(FIXTURE.expected(), ALL, [hook(WATCH, LINK, note="changed")]).faults["changed_bytes"] == 1


def test_the_fixture_watches_a_quarter_and_repeats_no_text():
    fixture = make(300, 6)
    assert 50 < len(fixture.expected()) < 110
    assert len({one.text for one in fixture.articles}) == 300
    assert {watch for watch, _ in fixture.expected()} == set(PHRASES)
