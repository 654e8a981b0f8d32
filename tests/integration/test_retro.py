"""A list file grows while workers run: the party is found in an article that was there before, and told exactly once."""

import csv
import io
import json
import os
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tests.fakes import ARMS, rss
from tests.integration.world import eventually, tocsin
from worker.runtime.redis_store import RedisStore
from worker.runtime.screening_store import RedisScreeningStore

pytestmark = pytest.mark.integration

WATCHES = """
lists:
  parties: {file: lists/parties.csv}
watches:
  - {id: listed-party, title: A listed party in the news, match: {entity: {list: parties}}}
"""
HEADING = ("id", "name", "aliases", "programme", "type")
OLDMAN = ("1", "OLDMAN, Gregor", "", "SDGT", "person")
KOWALENKO = ("2", "KOWALENKO, Igor", "", "CYBER2", "person")


def write(path, *rows):
    text = io.StringIO()
    csv.writer(text).writerows((HEADING, *rows))
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.getvalue(), "utf-8")


def test_a_newly_listed_party_is_found_in_what_was_stored_and_told_once(world, deployment):
    item = ARMS | {
        "pubDate": format_datetime(datetime.now(UTC)),
        "title": "Shipping firm opens an office in Sudmark",
        "description": "The office is led by Igor Kowalenko, the firm said on Monday, and opens in the spring.",
    }
    world.serve("/feed", rss(item))
    file = deployment.config / "lists" / "parties.csv"
    write(file, OLDMAN)
    deployment.configure([world.url("/feed")], WATCHES)
    deployment.start()
    store = RedisScreeningStore(RedisStore(deployment.client))
    eventually(lambda: deployment.client.hget("{tocsin}:progress", "enrich"), 60, f"an article\n{deployment.logs()}")
    eventually(lambda: store.progress().digest, 30, f"the note of what the list holds\n{deployment.logs()}")
    assert not world.received
    write(file, OLDMAN, KOWALENKO)
    eventually(lambda: world.received, 60, f"the alert\n{deployment.logs()}")
    [hook] = world.received
    assert hook.is_genuine
    assert json.loads(hook.body)["type"] == "news.alert.newly_listed.v1"
    assert hook.data["kind"] == "newly_listed"
    assert hook.data["listing"]["name"] == "KOWALENKO, Igor"
    assert hook.data["listing"]["programme"] == "CYBER2"
    assert hook.data["article"]["title"] == item["title"]
    assert [piece["text"] for piece in hook.data["evidence"]] == ["Igor Kowalenko"]

    first = store.progress().started_at
    write(file, OLDMAN)
    eventually(lambda: len(store.known()["parties"]) == 1, 30, "the party taken off")
    write(file, OLDMAN, KOWALENKO)
    eventually(lambda: store.progress().started_at != first and not store.progress().phase, 30, "the second screening")
    time.sleep(2)  # two ticks, in which a second alert would go out
    assert len(world.received) == 1

    by_hand = tocsin("lists", "screen", "--json", env=deployment.environ | dict(os.environ) | deployment.environ)
    assert by_hand.returncode == 0, by_hand.stderr
    [row] = json.loads(by_hand.stdout)["found"]
    assert (row["party"], row["stories"], row["articles"]) == ("KOWALENKO, Igor", 1, 1)
