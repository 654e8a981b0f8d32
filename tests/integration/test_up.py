"""`tocsin up` on a machine where nothing is configured: a demonstration, one Ctrl-C, nothing left, nothing twice."""

import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
import urllib.request
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.fakes import ARMS, rss
from tests.integration.world import eventually
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer

pytestmark = pytest.mark.integration


def start(home: Path, log: Path, *arguments: str) -> subprocess.Popen:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    environ = kept | {"HOME": str(home), "PYTHONUNBUFFERED": "1", "TOCSIN_WEB_PORT": "0"}
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "up", *arguments], env=environ, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip


def family(home: Path) -> list[int]:
    """Every live process that was started with this home directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={home}\0".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def command_of(pid: int) -> bytes:
    """Its words, a zero byte after each; nothing where the process has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def server_of(parent: int) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text("utf-8").split()
    return next(int(pid) for pid in children if b"unixsocket" in command_of(int(pid)))


def get_or_none(url: str) -> str:
    try:
        return get(url)
    except OSError:
        return ""


def get(url: str, status: int = 200) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.status == status
        return answer.read().decode()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for orphans in /proc")
def test_the_demonstration_runs_stops_and_goes_on(tmp_path):
    ids: list[set[str]] = []
    for run in (1, 2):
        log = tmp_path / f"run{run}.log"
        process = start(tmp_path, log)
        try:
            # an alert is printed line by line: its last line may still be on its way when the first can be read
            eventually(lambda log=log: "names:" in log.read_text("utf-8"), 60, f"an alert\n{log.read_text('utf-8')}")
            page = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text("utf-8"))[0]
            assert "signature verified" in log.read_text("utf-8")
            assert "because: “" in log.read_text("utf-8")
            assert 'id="stream"' in get(page)
            assert "tocsin_alerts_total" in get(page + "metrics")
            assert '"ready":true' in get(page + "readyz")
            assert get(page + "healthz") == "ok\n"
            if run == 2:
                os.kill(server_of(process.pid), signal.SIGKILL)
                eventually(lambda log=log: "starting it again" in log.read_text("utf-8"), 20, "a new server")
                eventually(lambda page=page: '"ready":true' in get_or_none(page + "readyz"), 60, "readiness")
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0, log.read_text("utf-8")
        assert family(tmp_path) == [], "an orphan was left"
        assert "shutdown" not in log.read_text("utf-8"), "Celery's own words"
        ids.append(set(re.findall(r"alrt_\w+", log.read_text("utf-8"))))
    assert ids[0]
    assert ids[1]
    assert not ids[0] & ids[1], "the second start raised an alert of the first again"


def configure(world, tmp_path: Path) -> Path:
    config = tmp_path / "desk"
    config.mkdir()
    (config / "desk.yaml").write_text(
        f"feeds:\n  - {{url: '{world.url('/feed')}', name: Wire, interval: 1s, allow_private: true, fulltext: never}}\n"
        "watches:\n  - {id: tanks, title: Tanks of all kinds, severity: high, match: {phrase: tanks}}\n",
        "utf-8",
    )
    return config


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for the server in /proc")
def test_a_server_that_hangs_keeps_nobody_from_tending_the_family(world, tmp_path):
    log = tmp_path / "run.log"
    process = start(tmp_path, log, "-c", str(configure(world, tmp_path)))
    hanging = 0

    def beats() -> set[int]:
        return {pid for pid in family(tmp_path) if b"\0beat\0" in command_of(pid)}

    try:
        eventually(lambda: "Ctrl-C stops everything" in log.read_text("utf-8"), 60, "the greeting")
        hanging = server_of(process.pid)
        os.kill(hanging, signal.SIGSTOP)
        process.send_signal(signal.SIGHUP)
        time.sleep(1)  # by now whoever asks it is waiting
        [beat] = beats()
        os.kill(beat, signal.SIGKILL)
        eventually(lambda: beats() - {beat}, 15, "another beat")
        os.kill(hanging, signal.SIGCONT)
        hanging, store = 0, RedisStore(connect(EmbeddedServer(tmp_path / ".local" / "state" / "tocsin").url))
        eventually(lambda: store.reloads_asked() == 1, 60, "the reload that SIGHUP asks for")
    finally:
        if hanging:
            os.kill(hanging, signal.SIGCONT)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text("utf-8")


def test_alerts_over_a_configuration_of_ones_own_are_printed_too(world, tmp_path):
    world.serve("/feed", rss(ARMS | {"pubDate": format_datetime(datetime.now(UTC))}))
    config, log = configure(world, tmp_path), tmp_path / "run.log"
    process = start(tmp_path, log, "-c", str(config))
    try:
        eventually(lambda: "because: “" in log.read_text("utf-8"), 60, f"an alert\n{log.read_text('utf-8')}")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text("utf-8")
    told = log.read_text("utf-8")
    assert "(1 watch)" in told
    assert told.count("ALERT ") == 1
    assert "high · Tanks of all kinds · Wire · alrt_" in told


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for orphans in /proc")
def test_a_second_ctrl_c_ends_everything_at_once(tmp_path):
    log = tmp_path / "run.log"
    socket = EmbeddedServer(tmp_path / ".local" / "state" / "tocsin" / "demo").socket
    process = start(tmp_path, log)
    try:
        eventually(lambda: "Ctrl-C stops everything" in log.read_text("utf-8"), 60, "the greeting")
        assert socket.exists()
        # a worker that never ends: frozen before it is asked to
        [frozen] = [pid for pid in family(tmp_path) if b"enrich" in command_of(pid)][:1]
        os.kill(frozen, signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        eventually(lambda: "Ctrl-C again" in log.read_text("utf-8"), 20, "the offer")
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 130, log.read_text("utf-8")
        assert time.monotonic() - started < 15
        eventually(lambda: family(tmp_path) == [], 10, "the end of all")
        assert "Traceback" not in log.read_text("utf-8")
    finally:
        for pid in family(tmp_path):
            os.kill(pid, signal.SIGKILL)
    assert not socket.parent.exists(), "the socket's folder was left behind"


def test_closing_the_terminal_stops_everything(tmp_path):
    master, terminal = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    environ = kept | {"HOME": str(tmp_path), "TOCSIN_WEB_PORT": "0"}

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "worker.cli", "up"], env=environ, stdin=terminal, stdout=terminal, stderr=terminal,
        preexec_fn=take_terminal,  # noqa: PLW1509
    )  # fmt: skip
    os.close(terminal)
    said = b""
    while b"Ctrl-C stops everything" not in said:
        said += os.read(master, 4_096)
    os.close(master)
    process.wait(60)
    eventually(lambda: family(tmp_path) == [], 30, "the end of all processes")
