"""`tocsin tokens` over a real store."""

import json
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from worker.api.token import is_genuine, read_id
from worker.cli import app
from worker.runtime import process
from worker.runtime.audit_store import AuditStore
from worker.runtime.token_store import RedisTokens

pytestmark = pytest.mark.integration


@pytest.fixture
def tocsin(redis_store, server, monkeypatch):
    monkeypatch.setenv("TOCSIN_REDIS_URL", server.url)
    process.open_store.cache_clear()

    def run(*arguments):
        result = CliRunner().invoke(app, ["tokens", *arguments])
        return result.exit_code, result.stdout, str(result.exception)

    run.kept, run.store = RedisTokens(redis_store.client), redis_store
    yield run
    process.open_store().client.close()
    process.open_store.cache_clear()


def test_a_token_is_shown_once_and_listed_without_its_text(tocsin):
    code, out, _ = tocsin("add", "dashboard", "--role", "reader", "--expires", "90d")
    text = out.splitlines()[0]
    assert code == 0
    assert is_genuine(text, tocsin.kept.find(read_id(text))[0])
    listed = tocsin("list", "--json")[1]
    [row] = json.loads(listed)["tokens"]
    assert (row["name"], row["role"], row["state"], row["used_at"]) == ("dashboard", "reader", "live", None)
    assert text.rpartition("_")[2] not in listed


def test_a_token_is_rotated_with_an_overlap_and_revoked(tocsin):
    old = json.loads(tocsin("add", "desk", "--role", "analyst", "--json")[1])
    new = json.loads(tocsin("rotate", old["token_id"], "--overlap", "1h", "--json")[1])
    assert (new["name"], new["role"]) == ("desk", "analyst")
    rows = {row["token_id"]: row for row in json.loads(tocsin("list", "--json")[1])["tokens"]}
    assert rows[old["token_id"]]["state"] == "live"
    assert rows[old["token_id"]]["expires_at"] is not None
    assert rows[new["token_id"]]["expires_at"] is None
    assert tocsin("revoke", old["token_id"])[0] == 0
    assert "there is no live token" in tocsin("revoke", old["token_id"])[2]
    assert "there is no live token" in tocsin("rotate", old["token_id"])[2]
    rows = {row["token_id"]: row["state"] for row in json.loads(tocsin("list", "--json")[1])["tokens"]}
    assert rows == {old["token_id"]: "revoked", new["token_id"]: "live"}
    told = [line.facts() for line in AuditStore(tocsin.store).read()]
    assert [(line["kind"], line["token"], line["action"]) for line in told] == [
        ("token", old["token_id"], action) for action in ("add", "rotate", "revoke")
    ]
    assert told[1]["successor"] == new["token_id"]
    assert old["token"].rpartition("_")[2] not in str(told), "the record holds no secret"


def test_a_rotated_token_lives_as_long_as_the_old_one_was_given(tocsin):
    def lifetime(row):
        return datetime.fromisoformat(row["expires_at"]) - datetime.fromisoformat(row["created_at"])

    old = json.loads(tocsin("add", "desk", "--expires", "90d", "--json")[1])
    new = json.loads(tocsin("rotate", old["token_id"], "--json")[1])
    assert lifetime(new) == lifetime(old) == timedelta(days=90)
    assert lifetime(json.loads(tocsin("rotate", new["token_id"], "--expires", "1d", "--json")[1])) == timedelta(days=1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "x", "--role", "root"), "a role is subscriber, reader, analyst, operator, not root"),
        (("add", "x", "--role", "subscriber"), "give --watch with --role subscriber"),
        (("add", "x", "--watch", "arms"), "give --watch with --role subscriber"),
        (("add", "x", "--expires", "soon"), "is not a duration"),
        (("add", "x", "--expires", "999999999d"), "is too long a time"),
        (("add", "x", "--expires", "9" * 5_000 + "d"), "is too long a time"),
        (("add", "a\x00b"), "printable characters"),
        (("revoke", "aaaaaaaa"), "there is no live token aaaaaaaa"),
    ],
)
def test_what_cannot_be_done_is_one_clear_message(tocsin, arguments, told):
    code, _, error = tocsin(*arguments)
    assert code != 0
    assert told in error
    assert json.loads(tocsin("list", "--json")[1])["tokens"] == []
