"""`tocsin endpoints`, `tocsin alerts replay` and `tocsin routes` over a real store and a real receiver."""

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from tests.fakes import SECRET
from tests.receiver import Receiver, serving
from worker.cli import app
from worker.deliver.retry import Exhausted
from worker.model import Attempt
from worker.runtime import process

LEASE = timedelta(seconds=60)


@pytest.fixture
def tocsin(tmp_path, redis_store, server, monkeypatch):
    """Runs the command over a store that holds one delivery, and a receiver."""
    receiver = Receiver()
    with serving(receiver.take) as url:
        monkeypatch.setenv("URL", url)
        monkeypatch.setenv("SECRET", SECRET)
        monkeypatch.setenv("TOCSIN_REDIS_URL", server.url)
        monkeypatch.setenv("TOCSIN_CONFIG", str(tmp_path))
        (tmp_path / "config.yaml").write_text(
            "endpoints:\n  desk: {url: {env: URL}, secret: {env: SECRET}, allow_private: true}\n", "utf-8"
        )
        process.open_store.cache_clear()

        def run(*arguments):
            result = CliRunner().invoke(app, arguments)
            return result.exit_code, result.stdout, result.exception

        run.receiver, run.store = receiver, redis_store
        yield run
        process.open_store().client.close()
        process.open_store.cache_clear()


def put(store, id_="msg_1"):
    item = {"alert": "alrt_1", "endpoint": "desk", "body": "{}", "created_at": 1, "attempts": 0, "state": "due"}
    store.client.hset("{tocsin}:delivery:" + id_, mapping=item)
    store.client.hset("{tocsin}:alert:alrt_1", "record", "{}")
    store.client.rpush("{tocsin}:alert:alrt_1:deliveries", id_)
    store.client.zadd("{tocsin}:outbox:desk", {id_: 1})


def test_an_endpoint_is_tried_with_a_signed_sample_and_the_exchange_shown(tocsin):
    code, out, _ = tocsin("endpoints", "test", "desk", "--json")
    exchange = json.loads(out)
    assert (code, exchange["accepted"], exchange["response"]["body"]) == (0, True, "thank you")
    assert exchange["request"]["headers"]["webhook-id"] in tocsin.receiver.accepted, "and its signature was verified"
    assert SECRET not in out


def test_an_endpoint_that_refuses_the_sample_is_an_exit_code(tocsin):
    tocsin.receiver.verifier = None  # fails, hence 500
    code, out, _ = tocsin("endpoints", "test", "desk")
    assert code == 1
    assert "HTTP 500" in out


def test_endpoints_are_listed_with_their_circuit_and_resumed(tocsin):
    tocsin.store.client.hset("{tocsin}:endpoint:desk", mapping={"circuit": "paused", "reason": "answered 410"})
    put(tocsin.store)
    [row] = json.loads(tocsin("endpoints", "list", "--json")[1])["endpoints"]
    assert (row["state"], row["waiting"], row["reason"]) == ("paused", 1, "answered 410")
    assert "is resumed" in tocsin("endpoints", "resume", "desk")[1]
    assert "was not paused" in tocsin("endpoints", "resume", "desk")[1]


def test_dead_letters_are_replayed_by_age_and_endpoint(tocsin):
    put(tocsin.store)
    [claim] = tocsin.store.claim_deliveries("desk", 4, LEASE)
    tocsin.store.finish_delivery(claim, Attempt(500, LEASE), Exhausted("why"))
    assert json.loads(tocsin("alerts", "replay", "--endpoint", "desk", "--since", "2d", "--json")[1]) == {
        "replayed": ["msg_1"]
    }
    [again] = tocsin.store.claim_deliveries("desk", 4, LEASE)
    assert again.delivery == claim.delivery
    assert "nothing there" in tocsin("alerts", "replay")[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("alerts", "replay", "--endpoint", "dsk"), "there is no endpoint dsk"),
        (("alerts", "replay", "alrt_none"), "there is no alert alrt_none"),
        (("alerts", "replay", "--since", "yesterday"), "is not a duration"),
        (("endpoints", "test", "dsk"), "there is no endpoint dsk"),
        (("routes", "test", "severity"), "is not a label"),
    ],
)
def test_what_is_not_there_is_one_clear_message(tocsin, arguments, told):
    code, _, error = tocsin(*arguments)
    assert code != 0
    assert told in str(error)


def test_routes_test_says_where_an_alert_would_go(tocsin):
    assert json.loads(tocsin("routes", "test", "severity=high", "--json")[1])["endpoints"] == ["desk"]
