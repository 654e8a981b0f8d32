"""Every example of the documents is run as it stands, one after the other, as a reader would."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.desk import CONFIGURATION
from worker.api.token import Role
from worker.watchlist import load_configuration

pytestmark = pytest.mark.integration
DOCS = Path(__file__).parents[2] / "docs"


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


@pytest.fixture
def shell(desk, server, open_api, tmp_path):
    """Runs lines of a shell in which `tocsin` and `TOCSIN` are what the documents say."""
    desk.publish_demo(8)
    command = tmp_path / "bin" / "tocsin"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m worker.cli "$@"\n', "utf-8")
    command.chmod(0o755)
    with open_api() as base:
        environ = dict(os.environ) | {
            "PATH": f"{command.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(DOCS.parent),
            "TOCSIN": base,
            "TOCSIN_REDIS_URL": server.url,
        }

        def run(script):
            done = subprocess.run(
                ["/bin/sh", "-eu", "-c", script],
                env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert "problem" not in done.stdout, done.stdout
            assert '"status":4' not in done.stdout, done.stdout
            return done.stdout

        run.base, run.store, run.directory = base, desk.store, tmp_path
        yield run


def test_the_api_as_documented(shell):
    first, tokens, writing, live = blocks("api.md", "sh")
    assert json.loads(shell(first))["alerts"]
    assert "dashboard" in shell(tokens)
    told = shell(writing)
    assert '"verdict":"false"' in told
    assert '"state":"active"' in told
    assert "event: ready" in shell("TOKEN=$(tocsin tokens add live --role reader)\n" + live)


def test_the_client_as_documented(shell, redis_store):
    from tests.api.conftest import make_token

    [example] = blocks("api.md", "python")
    _, token = make_token(redis_store, Role.ANALYST)
    exec(example.replace("http://127.0.0.1:8787", shell.base), {"token": token})
    states = [
        redis_store.client.hget("{tocsin}:alert:" + id_, "acknowledged_at")
        for id_ in redis_store.client.zrange("{tocsin}:alerts", 0, -1)
    ]
    assert any(states)


def test_sharing_as_documented(shell):
    files, feed = blocks("sharing.md", "sh")
    told = shell(files)
    assert json.loads(told)["type"] == "news.alert.matched.v1"
    assert json.loads((shell.directory / "alerts.stix.json").read_text("utf-8"))["objects"]
    assert json.loads((shell.directory / "events.json").read_text("utf-8"))["response"]
    assert (shell.directory / "alerts.csv").read_text("utf-8").startswith("raised_at,severity,")
    assert "<entry>" in shell(feed)


def test_the_endpoints_as_documented(tmp_path):
    [example] = blocks("sharing.md", "yaml")
    (tmp_path / "endpoints.yaml").write_text(example, "utf-8")
    environ = {
        "STIX_URL": "https://stix.example/", "STIX_SECRET": CONFIGURATION.endpoints[0].secrets[0],
        "MISP_URL": "https://misp.example/events/add", "MISP_KEY": "an automation key",
    }  # fmt: skip
    assert [one.format for one in load_configuration(tmp_path, environ).endpoints] == ["stix", "misp"]
