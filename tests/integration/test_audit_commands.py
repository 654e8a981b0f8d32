"""`tocsin audit` over a real server's record: taken out, checked, damaged, pruned."""

import json
import random

import pytest
from typer.testing import CliRunner

from tests.contract.test_audit import OK, Desk
from tests.fakes import ARMS, HARMLESS
from worker.audit import LONGEST_SEAL
from worker.cli import app
from worker.deliver.retry import Delivered
from worker.runtime import process
from worker.runtime.audit_store import AuditStore
from worker.runtime.redis_client import script

STREAM, HEAD = "{tocsin}:audit", "{tocsin}:audit:head"


@pytest.fixture
def desk(redis_store):
    """A day of work, sealed now and then."""
    desk = Desk(redis_store)
    record = AuditStore(redis_store)
    redis_store.epoch()
    for number in range(6):
        desk.poll(ARMS | {"guid": str(number), "description": f"{ARMS['description']} {number}"}, HARMLESS)
        desk.judge()
        record.seal()
    desk.send(OK, Delivered())
    desk.record = record
    return desk


@pytest.fixture
def tocsin(desk, server, monkeypatch):
    monkeypatch.setenv("TOCSIN_REDIS_URL", server.url)
    process.open_store.cache_clear()

    def run(*arguments):
        result = CliRunner().invoke(app, [str(one) for one in arguments])
        return result.exit_code, result.stdout, f"{result.stderr}{result.exception or ''}"

    yield run
    process.open_store().client.close()
    process.open_store.cache_clear()


def ids(desk) -> list[str]:
    return [id_ for id_, _ in desk.store.client.xrange(STREAM)]


def rewrite(desk, at: int, line: str) -> None:
    """What nobody may do: a line with other words in its old place."""
    client = desk.store.client
    rows = client.xrange(STREAM)
    rows[at] = (rows[at][0], rows[at][1] | {"line": line})
    client.delete(STREAM)
    for id_, fields in rows:
        client.xadd(STREAM, fields, id=id_)


def test_the_record_of_a_day_is_whole(tocsin):
    code, out, _ = tocsin("audit", "verify", "--json")
    said = json.loads(out)
    assert (code, said["ok"], said["faults"], said["epochs"]) == (0, True, [], 1)
    assert said["seals"] == 6
    assert said["lines"] == said["last"]


def test_any_changed_line_of_the_servers_record_is_found_and_named(tocsin, desk):
    rows = desk.store.client.xrange(STREAM)
    drawn = random.Random(5)
    for at in drawn.sample(range(len(rows)), 6):
        line = rows[at][1]["line"]
        where = drawn.randrange(len(line))
        rewrite(desk, at, line[:where] + chr(ord(line[where]) ^ 1) + line[where + 1 :])
        code, _, err = tocsin("audit", "verify")
        assert code == 1
        assert f"line {at + 1} of the record" in err
        rewrite(desk, at, line)
    assert tocsin("audit", "verify")[0] == 0


def test_a_line_taken_out_of_the_server_is_found_wherever_it_stood(tocsin, desk):
    every = ids(desk)
    for at in (0, len(every) // 2, len(every) - 1):
        kept = desk.store.client.xrange(STREAM)
        desk.store.client.xdel(STREAM, every[at])
        code, _, err = tocsin("audit", "verify")
        assert (code, f"line {at + 1} of the record missing" in err) == (1, True), err
        desk.store.client.delete(STREAM)
        for id_, fields in kept:
            desk.store.client.xadd(STREAM, fields, id=id_)


def test_what_is_exported_verifies_and_every_line_of_it_is_checked(tocsin, tmp_path):
    file = tmp_path / "audit.jsonl"
    assert tocsin("audit", "export", "-o", file)[0] == 0
    assert tocsin("audit", "verify", file, "--with-store")[0] == 0
    rows = file.read_bytes().splitlines(keepends=True)
    kinds = {json.loads(row).get("kind") for row in rows[1:-1]}
    assert {"accepted", "decided", "raised", "attempted", "seal", "epoch"} <= kinds
    for at in range(len(rows)):
        damaged = tmp_path / f"{at}.jsonl"
        damaged.write_bytes(b"".join(rows[:at] + rows[at + 1 :]))
        code, _, err = tocsin("audit", "verify", damaged)
        assert (code, str(damaged) in err) == (1, True)


def test_an_export_to_standard_output_is_the_same_bytes(tocsin, tmp_path):
    file = tmp_path / "audit.jsonl"
    tocsin("audit", "export", "-o", file)
    assert tocsin("audit", "export")[1] == file.read_text()


def test_an_archive_is_not_overwritten_and_a_wrong_time_is_explained(tocsin, tmp_path):
    file = tmp_path / "audit.jsonl"
    tocsin("audit", "export", "-o", file)
    assert "already there" in tocsin("audit", "export", "-o", file)[2]
    assert tocsin("audit", "export", "--since", "yesterday")[0] != 0


def test_files_by_time_that_meet_are_one_record(tocsin, desk, tmp_path):
    middle = json.loads(desk.store.client.xrange(STREAM)[20][1]["line"])["at_ms"] / 1000
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(middle, UTC).isoformat(timespec="milliseconds")
    one, other = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    assert tocsin("audit", "export", "--until", at, "-o", one)[0] == 0
    assert tocsin("audit", "export", "--since", at, "-o", other)[0] == 0
    code, out, err = tocsin("audit", "verify", one, other, "--json")
    assert (code, json.loads(out)["lines"]) == (0, len(ids(desk))), err
    assert tocsin("audit", "verify", other, one)[0] == 1, "in the wrong order"


def test_pruning_needs_the_archive_and_leaves_a_record_that_still_verifies(tocsin, desk, tmp_path):
    file = tmp_path / "audit.jsonl"
    tocsin("audit", "export", "-o", file)
    before = len(ids(desk))
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(file.read_bytes().replace(b"accepted", b"Accepted", 1))
    code, _, err = tocsin("audit", "prune", "--before", "2100-01-01", "--archive", broken)
    assert (code != 0, "line 3" in err, len(ids(desk))) == (True, True, before)
    code, out, err = tocsin("audit", "prune", "--before", "2100-01-01", "--archive", file, "--json")
    assert (code, json.loads(out)["dropped"] > 20) == (0, True), err
    assert len(ids(desk)) < 10
    desk.judge()
    desk.record.seal()
    assert tocsin("audit", "verify")[0] == 0
    assert tocsin("audit", "verify", file, "--with-store")[0] == 0
    second = tmp_path / "second.jsonl"
    tocsin("audit", "export", "-o", second)
    code, _, err = tocsin("audit", "verify", file, second)
    assert "does not go on" in err, "they overlap"
    desk.store.client.xdel(STREAM, ids(desk)[0])
    assert tocsin("audit", "verify")[0] == 1, "also the first line after the anchor"


def test_lines_that_stand_in_no_archive_are_not_pruned(tocsin, desk, tmp_path):
    file = tmp_path / "audit.jsonl"
    tocsin("audit", "export", "-o", file)
    archived = len(ids(desk))
    desk.poll(ARMS | {"guid": "late", "description": ARMS["description"] + " late"})
    desk.record.seal()
    tocsin("audit", "prune", "--before", "2100-01-01", "--archive", file)
    assert json.loads(desk.store.client.xrange(STREAM)[0][1]["line"])["seq"] <= archived


@pytest.mark.parametrize("before", ["2100-01-01", "2001-01-01"])
def test_a_damaged_archive_is_told_also_where_nothing_is_old_enough_to_drop(tocsin, desk, tmp_path, before):
    file = tmp_path / "audit.jsonl"
    tocsin("audit", "export", "-o", file)
    file.write_bytes(file.read_bytes().replace(b'"kind":"accepted"', b'"kind":"excepted"', 1))
    code, out, err = tocsin("audit", "prune", "--before", before, "--archive", file)
    assert (code, out) == (1, "")
    assert f"[{file}]" in err
    assert "its hash does not fit" in err


def test_a_lost_tail_shows_against_a_file_or_a_seal_that_was_kept_elsewhere(tocsin, desk, tmp_path):
    """A server that comes back with its last lines gone goes on with a record that is whole in itself."""
    client = desk.store.client
    early, newest = client.dump(STREAM), client.hgetall(HEAD)
    desk.poll(ARMS | {"guid": "late", "description": ARMS["description"] + " late"})
    [seal] = desk.record.seal()
    file = tmp_path / "audit.jsonl"
    tocsin("audit", "export", "-o", file)
    client.delete(STREAM, HEAD)
    client.restore(STREAM, 0, early)
    client.hset(HEAD, mapping=newest)
    desk.store.note_audit("epoch", run="another")
    assert tocsin("audit", "verify")[0] == 0, "in itself it is whole"
    code, _, err = tocsin("audit", "verify", file, "--with-store")
    assert (code, "newest lines were lost" in err) == (1, True), err
    assert tocsin("audit", "verify", "--witness", f"{seal.seq}:{seal.seal}")[0] == 1


def test_a_seal_that_was_kept_elsewhere_proves_the_record_up_to_it(tocsin, desk):
    desk.poll(ARMS | {"guid": "late", "description": ARMS["description"] + " late"})
    [seal] = desk.record.seal()
    assert tocsin("audit", "verify", "--witness", f"{seal.seq}:{seal.seal}")[0] == 0
    assert tocsin("audit", "verify", "--witness", f"{seal.seq}:{'0' * 64}")[0] == 1
    assert "LINE:SHA256" in tocsin("audit", "verify", "--witness", "x")[2]


def test_sealing_goes_in_ranges_and_twice_at_once_makes_one_seal(desk):
    note = script(desk.store.client, "audit_note")
    for _ in range(2 * LONGEST_SEAL // 1000):
        pipe = desk.store.client.pipeline(transaction=False)
        for _ in range(1000):
            note(args=["noted", "[]"], client=pipe)
        pipe.execute()
    made = desk.record.seal()
    assert len(made) == 3
    assert desk.record.seal() == []
    check = desk.record.check()
    assert (check.faults, check.seals) == ([], 9)
    assert next(line.facts()["seq"] for line in desk.record.read(after=15_000)) == 15_001


def test_a_record_that_never_was_is_said_so(redis_store, server, monkeypatch):
    monkeypatch.setenv("TOCSIN_REDIS_URL", server.url)
    process.open_store.cache_clear()
    result = CliRunner().invoke(app, ["audit", "verify"])
    assert "no audit record yet" in str(result.exception)
    process.open_store().client.close()
    process.open_store.cache_clear()
