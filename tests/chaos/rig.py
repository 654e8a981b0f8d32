"""What the scenarios break: a deployment over a server of its own, whose processes can be killed, frozen and cut off."""

import json
import os
import random
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.chaos.checker import Judgement, judge
from tests.chaos.fixture import WATCHES, Fixture
from tests.chaos.sentinels import SentinelledServers
from tests.integration.world import Deployment, Received, World, open_world, tocsin
from worker.errors import StoreUnavailable
from worker.runtime.health import readiness
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer, find_server

K = "{tocsin}:"
ROLES = ("poller", "enricher", "deliverer", "beat")


_HURRY = """
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1] .. 'endpoints')) do
  local outbox = KEYS[1] .. 'outbox:' .. name
  for _, id in ipairs(redis.call('ZRANGE', outbox, 0, -1)) do
    if not redis.call('ZSCORE', KEYS[1] .. 'in_flight:' .. name, id) then redis.call('ZADD', outbox, 1, id) end
  end
  if redis.call('HGET', KEYS[1] .. 'endpoint:' .. name, 'circuit') == 'open' then
    redis.call('HSET', KEYS[1] .. 'endpoint:' .. name, 'probe_at', 0)
  end
end
"""
"""One step: what is claimed meanwhile must not be made due."""


class BreakableServer(EmbeddedServer):
    """A server that can die and come back over what its disk kept; it says what each of its fsyncs secured."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self._fsyncs = data.parent / "fsyncs"
        self._preload = built("disk", data.parent)
        self._full = data.parent / "full"
        self.clock: dict[str, str] = {}

    def start(self) -> None:
        preload = " ".join([str(self._preload), *self.clock.get("LD_PRELOAD", "").split()])
        with environment(
            FSYNC_LOG=str(self._fsyncs), DISK_FULL=str(self._full), **self.clock | {"LD_PRELOAD": preload}
        ):
            super().start()

    def crash(self) -> None:
        """SIGKILL. What it handed to the kernel is still there, as after the death of a process alone."""
        self._process.kill()
        self._process.wait()
        self._lock.close()

    def fill_disk(self) -> Callable[[], None]:
        """No more room for the append-only file, until what is returned is called."""
        self._full.touch()
        return self._full.unlink

    def lose_power(self) -> int:
        """SIGKILL, and everything that no fsync had secured is gone; the number of bytes lost."""
        self.crash()
        file = max((self._data / "appendonlydir").glob("*.incr.aof"), key=lambda path: path.stat().st_mtime)
        status = file.stat()
        sizes = [line.split() for line in self._fsyncs.read_text().splitlines()]
        secured = max((int(size) for inode, size in sizes if int(inode) == status.st_ino), default=0)
        with file.open("r+b") as tail:
            tail.truncate(secured)
        return status.st_size - secured


def shifted(directory: Path, seconds: int) -> dict[str, str]:
    """The environment of a process whose wall clock is off by what the file `shift` there says, at first `seconds`."""
    (directory / "shift").write_text(str(seconds))
    return {"LD_PRELOAD": str(built("clock_shift", directory)), "CLOCK_SHIFT": str(directory / "shift")}


def built(name: str, directory: Path) -> Path:
    """A library of this folder, compiled, to be preloaded into a process."""
    library = directory / f"{name}.so"
    if not library.exists():
        source = Path(__file__).with_name(f"{name}.c")
        compiler = shutil.which("cc")
        if compiler is None:
            raise RuntimeError("power cuts and jumping clocks need a C compiler: apt-get install gcc libc6-dev")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    return library


@contextmanager
def environment(**values: str):
    """Variables for processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


RECORDED_PORT = 28_917
"""Where the feeds of recorded states were: the address of a feed is its name."""


def go_back_to(release: str, directory: Path, world: World) -> dict[str, str]:
    """Unpack what a release left, and what its receiver had; the environment in which the time goes on from there."""
    with tarfile.open(Path(__file__).parent / "state" / f"{release}.tar.xz") as tar:
        tar.extractall(directory / "data", filter="data")
    told = json.loads((directory / "data" / "told.json").read_text("utf-8"))
    world.received += [Received(hook["id"], hook["body"].encode(), is_genuine=True) for hook in told["received"]]
    return shifted(directory, told["recorded_at"] + 60 - int(time.time()))


@dataclass
class Rig:
    """One scenario's world, its figures, and the ways to break it."""

    fixture: Fixture
    world: World
    server: BreakableServer | SentinelledServers
    deployment: Deployment
    drawn: random.Random = field(default_factory=lambda: random.Random(8))
    figures: dict[str, object] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    """Rules of the scenario's own that did not hold."""

    @property
    def client(self):
        return connect(self.server.url)

    def count(self, name: str) -> None:
        self.figures[name] = self.figures.get(name, 0) + 1

    def is_ready(self) -> bool:
        """What /readyz says."""
        return all(check["ok"] for check in readiness(RedisStore(self.client)))

    def require(self, holds: bool, rule: str) -> None:
        """The scenario fails where a rule of its own does not hold."""
        if not holds:
            self.broken.append(rule)

    def memory_mb(self, name: str) -> int:
        """The resident memory of a process and its children, MB."""
        pid = self.deployment.processes[name].pid
        pids = [str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        total = 0
        for one in pids:
            with suppress(OSError):
                total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return total // 1_000_000

    def accepted(self) -> int:
        """Different webhooks that were accepted so far."""
        return len({hook.id for hook in self.world.received})

    def hurry(self) -> None:
        """Compress the retry schedule: what waits for its next attempt is due now, an open circuit is probed now."""
        with suppress(redis.exceptions.RedisError, OSError):
            client = self.client
            client.eval(_HURRY, 1, K)
            client.close()

    def run_until(self, is_done: Callable[[], bool], seconds: float, *, hurried: bool = True) -> bool:
        """Let it work until `is_done`, reviving whoever ended by itself, as a supervisor would."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not is_done():
            if hurried:
                self.hurry()
            self.revive()
            time.sleep(0.3)
        return is_done()

    def revive(self) -> None:
        """What a supervisor does."""
        if not self.server.is_alive:
            self.count("server revived")
            with suppress(StoreUnavailable):
                self.server.restart()
        for name, process in list(self.deployment.processes.items()):
            if process.poll() is not None:
                self.count(f"ended {name} {process.returncode}")
                self.deployment.start_as(name, next(role for role in ROLES if role in name))

    def break_while_working(self, times: int, blow: Callable[[], object], seconds: float, pause: float = 1.0) -> None:
        """Strike `times` times, spread evenly over the progress towards all expected alerts."""
        total = len(self.fixture.expected())
        deadline = time.monotonic() + seconds
        for number in range(times):
            goal = total * number // (times + 1)
            self.run_until(lambda goal=goal: self.accepted() > goal, max(deadline - time.monotonic(), 1))
            blow()
            time.sleep(pause)

    def finish(self, seconds: float) -> Judgement:
        """Wait for all expected alerts, and then until nothing is due or lent any more; judge."""
        total = len(self.fixture.expected())
        self.run_until(lambda: self.accepted() >= total, seconds)
        self.run_until(self._is_idle, 30)
        judgement = judge(self.fixture.expected(), self.world.received, self.world.arrived, self.export_audit())
        client = self.client
        self.figures |= {
            "articles": len(self.fixture.articles), "feeds": self.fixture.feeds, "alerts": judgement.expected,
            "webhooks": judgement.received, "broken rules": self.broken, "repeats": judgement.repeats, **judgement.faults,
            "alerts in store": client.zcard(K + "alerts"),
            "quarantined": sum(client.zcard(K + f"quarantine:{stage}") for stage in ("poll", "enrich", "deliver")),
            "stale refused": int(sum(float(value) for name, value in client.hgetall(K + "metrics").items()
                                     if name.startswith("tocsin_stale_completions_total"))),
        }  # fmt: skip
        client.close()
        self.require(not self.figures["quarantined"], "nothing stands in quarantine at the end")
        return judgement

    def export_audit(self) -> bytes:
        """The audit record as `tocsin audit export` writes it."""
        file = self.deployment.directory / "audit.jsonl"
        file.unlink(missing_ok=True)
        ended = tocsin("audit", "export", "-o", str(file), env=self.deployment.environ)
        return file.read_bytes() if file.exists() else ended.stderr.encode()

    def _is_idle(self) -> bool:
        with suppress(redis.exceptions.RedisError, OSError):
            client = self.client
            return not client.zcard(K + "articles:due") and not any(
                client.zcard(K + f"outbox:{name}") for name in client.smembers(K + "endpoints")
            )
        return False


@contextmanager
def servers_of(directory: str) -> Iterator[None]:
    """Servers are those of the directory. Raises ValueError where another one would be started."""
    with environment(PATH=directory + os.pathsep + os.environ["PATH"]):
        found = find_server()
        if Path(found).parent != Path(directory):
            msg = f"the server would be {found}, which is not of the directory {directory!r}"
            raise ValueError(msg)
        yield


@contextmanager
def open_rig(
    directory: Path,
    fixture: Fixture,
    interval: str = "5s",
    server_path: str = "",
    release: str = "",
    servers: Callable[[Path], BreakableServer | SentinelledServers] = BreakableServer,
):
    """A running deployment that polls the fixture's feeds.

    The server's binary is of `server_path` where that is given. With `release` it goes on from what that release left half
    done, a minute later by all clocks.
    """
    with ExitStack() as stack:
        world = stack.enter_context(open_world(RECORDED_PORT if release else 0))
        if server_path:
            stack.enter_context(servers_of(server_path))
        server = servers(directory / "data")
        if release:
            server.clock = go_back_to(release, directory, world)
        stack.callback(server.stop)
        server.start()
        deployment = Deployment(directory, server, world)
        deployment.interval, deployment.timeout = interval, "2s"
        deployment.environ |= server.clock
        stack.callback(deployment.stop)
        feeds = [world.serve(f"/feed{number}", fixture.document(number)) for number in range(fixture.feeds)]
        deployment.configure(feeds, WATCHES)
        deployment.start()
        yield Rig(fixture, world, server, deployment)
