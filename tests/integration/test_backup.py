"""Backup and restore as docs/operations.md describes them: a copy of the data directory, of a running server too."""

import json
import shutil

import pytest

from tests.desk import Desk
from worker.runtime.demo import compose
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer
from worker.runtime.views import list_alerts, show_alert

pytestmark = pytest.mark.integration


@pytest.fixture
def started():
    running = []

    def start(directory):
        server = EmbeddedServer(directory)
        server.start()
        client = connect(server.url)
        running.append((server, client))
        return server, RedisStore(client)

    yield start
    for server, client in running:
        client.close()
        server.stop()


@pytest.mark.parametrize("is_running", [False, True], ids=["stopped", "running"])
def test_a_copy_of_the_data_directory_brings_everything_back(started, tmp_path, is_running):
    server, store = started(tmp_path / "data")
    desk = Desk(store)
    desk.publish_demo(6)
    alerts = list_alerts(store, 50)
    assert alerts
    store.mark_alert(alerts[0]["alert_id"], "true")
    alerts = list_alerts(store, 50)
    shown = show_alert(store, alerts[0]["alert_id"])
    waiting = store.client.zcard("{tocsin}:outbox:night-shift")
    if is_running:
        store.client.config_set("auto-aof-rewrite-percentage", 0)
        store.client.execute_command("WAITAOF", 1, 0, 5_000)
    else:
        server.stop()
    shutil.copytree(tmp_path / "data", tmp_path / "restored", ignore=shutil.ignore_patterns("lock", "*.log"))
    _, restored = started(tmp_path / "restored")
    assert list_alerts(restored, 50) == alerts
    assert json.dumps(show_alert(restored, alerts[0]["alert_id"]), default=str) == json.dumps(shown, default=str)
    assert restored.client.zcard("{tocsin}:outbox:night-shift") == waiting > 0
    again = Desk(restored)
    again.publish(*(compose(p) for p in range(6)))
    assert {row["alert_id"] for row in list_alerts(restored, 50)} == {row["alert_id"] for row in alerts}, "raised twice"
