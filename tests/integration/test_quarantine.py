"""What kills whoever works on it is set aside after five attempts, takes nobody along, and goes through once it is mended."""

import json
import os
import time
from pathlib import Path

import pytest

from tests.fakes import rss
from tests.integration.world import eventually, tocsin
from worker.runtime.app import app

pytestmark = pytest.mark.integration

WATCH = "watches:\n  - {id: tanks, title: Tanks, match: {phrase: battle tanks}}\n"
GOOD = {"guid": "good", "title": "Forty battle tanks", "description": "They were shipped on Monday."}
DEADLY = {"guid": "deadly", "title": "Deadly battle tanks", "description": "They were shipped on Tuesday."}
POISON = '''
"""Python reads this at the start of each process: while the file POISON is there, a deadly text ends who reads it."""

import os
import signal

from worker import zones

_read = zones.without_teasers


def without_teasers(text, *others):
    if "Deadly" in text and os.path.exists(os.environ["POISON"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return _read(text, *others)


zones.without_teasers = without_teasers
'''


@pytest.fixture
def poison(deployment, tmp_path) -> Path:
    """The file whose presence makes the deadly article deadly."""
    directory = tmp_path / "poison"
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(POISON, "utf-8")
    file = directory / "active"
    file.touch()
    path = [str(directory), str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    deployment.environ |= {"PYTHONPATH": os.pathsep.join(filter(None, path)), "POISON": str(file)}
    return file


def test_an_article_that_kills_its_worker_is_set_aside_alone_told_and_released(world, deployment, poison):
    deployment.environ |= {"TOCSIN_LEASE": "2s", "TOCSIN_WATCHDOG": "10m"}
    deployment.configure([world.serve("/feed", rss(DEADLY, GOOD))], WATCH)
    deployment.start()
    [row] = eventually(lambda: listed(deployment), 400, f"a quarantined article\n{deployment.logs()}")
    assert row["stage"] == "enrich"
    assert "Deadly battle tanks" in row["subject"]
    assert "5 times" in row["reason"]
    eventually(lambda: titles(world) == {"Forty battle tanks"}, 60, "the alert of the innocent article")

    poison.unlink()
    released = tocsin("quarantine", "release", "enrich", row["id"], env=deployment.environ)
    assert released.stdout == "released 1\n", released.stderr
    eventually(lambda: len(titles(world)) == 2, 60, f"the alert of what was released\n{deployment.logs()}")
    assert listed(deployment) == []


def test_a_pool_process_that_replaces_another_may_load_for_long():
    """Celery's own patience is 4 s: less than a model takes on a busy machine, and then no process ever comes up."""
    assert app.conf.worker_proc_alive_timeout >= 60


def listed(deployment) -> list[dict[str, str]]:
    """What the command line shows, asked seldom: it is a process."""
    time.sleep(0.5)
    if not deployment.client.zcard("{tocsin}:quarantine:enrich"):
        return []
    said = tocsin("quarantine", "list", "--json", env=deployment.environ)
    return json.loads(said.stdout)["quarantine"]


def titles(world) -> set[str]:
    return {hook.data["article"]["title"] for hook in world.received}
