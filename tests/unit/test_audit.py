"""The audit record's files: whatever is done to the bytes of one is found, and the line is named."""

import random
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.audit import Anchor, Line, check_file, check_lines, joined, link_of, read_line, seal_of, write_file

GENESIS = Anchor(0, "0" * 40)


@cache
def chain(number: int = 60, every: int = 12) -> tuple[Line, ...]:
    """A record with seals, as the server writes it."""
    lines: list[Line] = []
    link, seal, sealed = GENESIS.link, "", 0
    for seq in range(1, number + 1):
        facts = f'"kind":"decided","article":"art_{seq * 7919}","fired":[{{"watch":"w","alert":"a\\/b"}}]'
        if seq > 1 and seq % every == 0:
            bodies = [line.body for line in lines[sealed : seq - 2]]
            seal = seal_of(seal, bodies)
            facts = f'"kind":"seal","from":{sealed + 1},"to":{seq - 2},"sha256":"{seal}"'
            sealed = seq - 2
        body = f'{{"seq":{seq},"at_ms":{1_700_000_000_000 + seq * 31},{facts}}}'.encode()
        link = link_of(link, body)
        lines.append(Line(body, link))
    return tuple(lines)


@cache
def rows() -> tuple[bytes, ...]:
    return tuple(write_file(chain(), GENESIS))


def faults(raw) -> str:
    return "; ".join(map(str, check_file(raw).faults))


def test_a_file_that_nobody_touched_is_whole():
    check = check_file(rows())
    assert (check.faults, check.lines, check.seals, check.end) == ([], 60, 5, Anchor(60, chain()[-1].link))


def test_a_line_is_read_as_it_was_written():
    assert all(read_line(line.write()) == line for line in chain())


@given(place=st.integers(0, 61), data=st.data())
def test_one_changed_byte_is_found_and_its_line_is_named(place, data):
    row = rows()[place]
    at = data.draw(st.integers(0, len(row) - 1))
    changed = row[:at] + bytes([row[at] ^ data.draw(st.integers(1, 255))]) + row[at + 1 :]
    found = faults(b"".join((*rows()[:place], changed, *rows()[place + 1 :])).splitlines(keepends=True))
    assert found
    if 0 < place < 61 and changed.count(b"\n") == 1:
        assert f"line {place + 1}:" in found, found


@given(place=st.integers(0, 61))
def test_a_dropped_line_is_found_and_named(place):
    found = faults((*rows()[:place], *rows()[place + 1 :]))
    assert (f"line {place} of the record missing" in found) if 0 < place < 61 else found


@given(places=st.lists(st.integers(0, 61), min_size=2, max_size=2, unique=True))
def test_two_swapped_lines_are_found(places):
    swapped = list(rows())
    one, other = sorted(places)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    found = faults(swapped)
    assert found
    if one > 0 and other < 61:
        assert f"line {one} of the record" in found
        assert f"line {other} of the record" in found


@given(place=st.integers(1, 60), to=st.integers(1, 61))
def test_a_line_that_was_written_twice_is_found(place, to):
    assert f"line {place} of the record stands here" in faults((*rows()[:to], rows()[place], *rows()[to:]))


@given(first=st.integers(1, 60), number=st.integers(1, 60))
def test_a_removed_stretch_is_found(first, number):
    assert "missing" in faults((*rows()[:first], *rows()[min(first + number, 61) :]))


@given(cut=st.integers(0, 61))
def test_a_file_that_ends_too_early_is_found(cut):
    assert faults(rows()[:cut])


def test_whoever_writes_the_chain_anew_from_a_line_on_is_told_by_the_seal():
    """With SHA-1 forged throughout, the SHA-256 of the seal that followed still does not fit."""
    forged, link = [], GENESIS.link
    for line in chain():
        body = line.body.replace(b'art_23757"', b'art_99999"')
        link = link_of(link, body)
        forged.append(Line(body, link))
    check = check_lines(forged, GENESIS)
    assert [str(fault) for fault in check.faults] == [
        "line 12: the seal in line 12 does not fit lines 1 to 10 of the record"
    ]


def test_the_lines_after_an_anchor_verify_without_those_before():
    seal = next(line.facts()["sha256"] for line in chain() if line.facts()["kind"] == "seal")
    anchor = Anchor(10, chain()[9].link, seal)
    check = check_lines(chain()[10:], anchor, Anchor(60, chain()[-1].link))
    assert (check.faults, check.seals) == ([], 4)
    wrong = check_lines(chain()[10:], Anchor(10, anchor.link, "f" * 64))
    assert any("is not the one this run stands on" in fault.message for fault in wrong.faults)


@given(cut=st.integers(1, 59))
def test_two_files_that_meet_are_one_record_and_two_that_do_not_are_told(cut):
    meeting = Anchor(cut, chain()[cut - 1].link)
    one = check_file(write_file(chain()[:cut], GENESIS))
    other = check_file(write_file(chain()[cut:], meeting))
    whole = joined(one, other)
    assert (whole.faults, whole.lines, whole.end.seq) == ([], 60, 60)
    late = check_file(write_file(chain()[cut + 1 :], Anchor(cut + 1, chain()[cut].link)))
    assert "does not go on" in str(joined(one, late).faults[-1])


@pytest.mark.parametrize("raw", [b"", b"\n", b"{}\n", b"[]\n", b"null\n", b"\xff\xfe\n", b'{"tocsin_audit":2}\n'])
def test_what_is_no_record_is_said_to_be_none(raw):
    assert "opening line" in faults([raw])


def test_any_three_kinds_of_damage_at_once_are_found():
    drawn = random.Random(7)
    for _ in range(300):
        damaged = list(rows())
        for _ in range(3):
            at = drawn.randrange(1, len(damaged) - 1)
            match drawn.randrange(3):
                case 0:
                    del damaged[at]
                case 1:
                    other = drawn.randrange(1, len(damaged) - 1)
                    damaged[at], damaged[other] = damaged[other], damaged[at]
                case 2:
                    damaged[at] = damaged[at].replace(b'"kind"', b'"Kind"')
        if damaged != list(rows()):
            assert faults(damaged)
