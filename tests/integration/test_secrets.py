"""Planted secrets appear nowhere but where they must: not in logs, metrics, page, API, alerts or command output."""

import json
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tests.fakes import ARMS, SECRET, rss
from tests.integration.world import eventually, tocsin

pytestmark = pytest.mark.integration
WATCH = "watches:\n  - {id: tanks, title: Tanks, match: {phrase: battle tanks}}\n"
PASSWORD, QUERY, HOOK = "planted-password", "planted-feed-key", "planted-hook-token"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode() + str(answer.headers)


def test_planted_secrets_appear_nowhere(world, deployment):
    port = free_port()
    deployment.environ |= {
        "TEST_HOOK": world.url(f"/hook?token={HOOK}"),
        "TEST_PASSWORD": PASSWORD,
        "TOCSIN_LOG_LEVEL": "debug",
        "TOCSIN_WEB_PORT": str(port),
    }
    deployment.configure([world.serve("/feed", rss(ARMS | {"pubDate": format_datetime(datetime.now(UTC))}))], WATCH)
    with (deployment.config / "feeds.yaml").open("a", encoding="utf-8") as feeds:
        address = world.url(f"/missing?key={QUERY}")
        feeds.write(
            f"  - {{url: '{address}', name: keyed, auth: {{user: me, password: {{env: TEST_PASSWORD}}}}, allow_private: true}}\n"
        )
    world.hook_status = lambda: 500
    deployment.start()
    web_log = (deployment.directory / "web.log").open("wb")
    web = subprocess.Popen(
        [sys.executable, "-m", "worker.cli", "web"], env=deployment.environ, stdout=web_log, stderr=web_log
    )
    try:
        eventually(lambda: world.arrived, 60, f"an attempt\n{deployment.logs()}")
        eventually(lambda: deployment.client.hget("{tocsin}:metrics", 'tocsin_polls_total{outcome="http_status"}'), 30)
        page = f"http://127.0.0.1:{port}"
        eventually(lambda: is_up(page), 30, "the page")
        [alert] = json.loads(get(page + "/api/alerts").rpartition("}")[0] + "}")["alerts"]
        shown = {path: get(page + path) for path in ("/", "/metrics", "/readyz", "/api/alerts", "/api/feeds")}
        shown["/alerts/…"] = get(page + "/alerts/" + alert["alert_id"])
    finally:
        web.terminate()
        web.wait(20)
        web_log.close()
    for command in (
        ("alerts", "list"),
        ("alerts", "show", alert["alert_id"]),
        ("doctor",),
        ("check",),
        ("quarantine", "list"),
    ):
        ended = tocsin(*command, env=deployment.environ)
        shown["tocsin " + " ".join(command)] = ended.stdout + ended.stderr
    shown |= {log.name: log.read_text("utf-8", "replace") for log in deployment.directory.glob("*.log")}
    shown["the webhook"] = world.arrived[0].body.decode()
    assert "500" in shown["deliverer.log"], "the failure was not logged, so its silence proves nothing"
    for place, text in shown.items():
        for secret in (SECRET, SECRET.removeprefix("whsec_"), PASSWORD, QUERY, HOOK):
            assert secret not in text, f"{secret} in {place}"


def is_up(page: str) -> bool:
    try:
        return bool(get(page + "/healthz"))
    except OSError:
        return False
