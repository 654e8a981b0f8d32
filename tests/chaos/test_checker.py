"""The checker finds every kind of fault that is put before it: a suite that cannot fail proves nothing."""

import hashlib
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


def facts_of(hooks: list[Received]) -> list[dict]:
    """What a record says of alerts that were raised and delivered at the first attempt, and a seal over it."""
    lines = [
        line
        for one in hooks
        for line in (
            {"kind": "raised", "alert": one.data["alert_id"], "watch": one.data["watch"]["id"],
             "deliveries": [{"endpoint": "desk", "id": one.id, "sha1": hashlib.sha1(one.body).hexdigest()}]},
            {"kind": "attempted", "delivery": one.id, "alert": one.data["alert_id"], "endpoint": "desk", "number": 1,
             "status": 204, "outcome": "delivered"},
        )
    ]  # fmt: skip
    return [*lines, {"kind": "seal", "from": 1, "to": len(lines)}]


def exported(lines: list[dict], wrong: int = 0) -> bytes:
    """A file as docs/audit.md says; the bytes of line `wrong` are changed after they were chained."""
    rows, bodies, link = [], [], "0" * 40
    for seq, facts in enumerate(lines, 1):
        if facts["kind"] == "seal":
            sealed = {"sha256": hashlib.sha256(b"\n" + b"".join(body + b"\n" for body in bodies)).hexdigest()}
        else:
            sealed = {}
        body = json.dumps({"seq": seq, "at_ms": seq} | facts | sealed, separators=(",", ":")).encode()
        link = hashlib.sha1(link.encode() + b"\n" + body).hexdigest()
        bodies.append(body)
        row = body[:-1] + f',"link":"{link}"}}\n'.encode()
        rows.append(row.replace(b'"at_ms":', b'"at_ms":1') if seq == wrong else row)
    head = {"tocsin_audit": 1, "after_seq": 0, "after_link": "0" * 40, "after_seal": ""}
    before = b"".join([json.dumps(head).encode() + b"\n", *rows])
    closing = {"end_seq": len(rows), "lines": len(rows), "sha256": hashlib.sha256(before).hexdigest()}
    return before + json.dumps(closing).encode() + b"\n"


RECORDED = facts_of(ALL)


def test_a_record_that_says_what_the_receiver_had_has_no_fault():
    assert judge(FIXTURE.expected(), ALL, ALL, exported(RECORDED)).is_clean


def test_a_webhook_that_came_again_because_its_attempt_was_forgotten_is_no_fault():
    assert judge(FIXTURE.expected(), [*ALL, ALL[0]], [*ALL, ALL[0]], exported(RECORDED)).is_clean


@pytest.mark.parametrize(
    ("fault", "lines"),
    [
        ("unrecorded", RECORDED[2:]),
        ("unrecorded", [RECORDED[0], *RECORDED[2:]]),
        ("unrecorded", RECORDED[1:]),
        ("recorded_twice", [*RECORDED, RECORDED[0]]),
        ("recorded_twice", [*RECORDED, RECORDED[1]]),
        ("recorded_only", [*RECORDED, RECORDED[1] | {"delivery": "msg_forged"}]),
        ("recorded_only", [*RECORDED, RECORDED[1] | {"outcome": "retried", "status": 500}]),
        ("other_digest", [RECORDED[0] | {"deliveries": [{"id": ALL[0].id, "sha1": "0" * 40}]}, *RECORDED[1:]]),
    ],
)
def test_each_line_of_the_record_that_is_lost_doubled_or_forged_is_found(fault, lines):
    whole = [line for line in lines if line["kind"] != "seal"]
    assert judge(FIXTURE.expected(), ALL, ALL, exported(whole)).faults[fault] == 1


@pytest.mark.parametrize(
    "export",
    [
        exported(RECORDED, wrong=3),
        exported([*RECORDED[:-1], RECORDED[-1] | {"from": 2}]),
        exported(RECORDED).replace(b'"kind":"seal","from":1', b'"kind":"seal","from":9'),
        b"".join(exported(RECORDED).splitlines(keepends=True)[:-1]),
        b"".join(
            [*exported(RECORDED).splitlines(keepends=True)[:2], *exported(RECORDED).splitlines(keepends=True)[3:]]
        ),
        b"tocsin: there is no audit record yet\n",
        b"",
    ],
)
def test_a_record_whose_chain_does_not_hold_is_a_fault(export):
    assert judge(FIXTURE.expected(), ALL, ALL, export).faults["broken_record"] >= 1
