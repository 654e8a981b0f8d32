"""The world around Tocsin, on loopback: a server of feeds, a receiver of webhooks, and the real processes."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.fakes import SECRET
from worker.runtime.up import celery_command, worker_command
from worker.runtime.valkey import EmbeddedServer


def eventually(condition: Callable[[], object], seconds: float = 30, what: str = "the condition") -> object:
    """Poll until the condition holds; fail with its name where it still does not after the deadline."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come about within {seconds} s"
        time.sleep(0.05)
    return found


@dataclass
class Received:
    """One webhook as it arrived."""

    id: str
    body: bytes
    is_genuine: bool

    @property
    def data(self) -> dict:
        return json.loads(self.body)["data"]


@dataclass
class World:
    """Documents by path, what arrived at the hook, and how often each path was asked for."""

    documents: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)
    arrived: list[Received] = field(default_factory=list)
    port: int = 0
    hook_status: Callable[[], int] = lambda: 204
    is_strict: bool = False
    """Whether the hook refuses what is not genuine, a timestamp minutes off included, as a careful receiver does."""
    hook_fault: Callable[[str], str] = lambda _: ""
    """By path: "reset" closes without an answer, "slow" answers after 20 s, "close" right after the answer."""

    def serve(self, path: str, body: str | bytes, content_type: str = "application/xml") -> str:
        self.documents[path] = (body.encode() if isinstance(body, str) else body, content_type)
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def polls(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)


def _handler(world: World) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body, content_type = world.documents.get(self.path, (b"not here", "text/plain"))
            etag = f'"{hash(body)}"'
            is_known = self.headers.get("If-None-Match") == etag
            status = 404 if self.path not in world.documents else 304 if is_known else 200
            world.asked.append((self.path, status))
            self._answer(status, b"" if status == 304 else body, {"Content-Type": content_type, "ETag": etag})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                Webhook(SECRET).verify(body, {key.lower(): value for key, value in self.headers.items()})
                is_genuine = True
            except (WebhookVerificationError, UnicodeDecodeError):
                is_genuine = False
            hook = Received(self.headers["webhook-id"], body, is_genuine)
            world.arrived.append(hook)
            fault = world.hook_fault(self.path)
            if fault == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            if fault == "slow":
                time.sleep(20)
            status = 401 if world.is_strict and not is_genuine else world.hook_status()
            if status < 300:
                world.received.append(hook)
            self.close_connection = fault == "close"
            with suppress(ConnectionError):
                self._answer(status, b"", {})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            """Quiet."""

    return Handler


@contextmanager
def open_world(port: int = 0):
    world = World()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(world))
    server.daemon_threads = True
    world.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()


class Deployment:
    """The five processes as the Procfile names them, over a server and a configuration of their own."""

    def __init__(self, directory: Path, server: EmbeddedServer, world: World) -> None:
        self.directory, self.world = directory, world
        self.interval = "1s"
        self.fulltext = "never"
        self.timeout = "20s"
        self.config = directory / "config"
        self.config.mkdir()
        self.environ = dict(os.environ) | {
            "TOCSIN_CONFIG": str(self.config),
            "TOCSIN_DATA": str(directory / "data"),
            "TOCSIN_REDIS_URL": server.url,
            "TOCSIN_LEASE": "3s",
            "TOCSIN_TICK": "1s",
            "TOCSIN_LOG_LEVEL": "warning",
            "TEST_HOOK": world.url("/hook"),
            "TEST_SECRET": SECRET,
            "C_FORCE_ROOT": "1",
            "OMP_NUM_THREADS": "1",
        }
        self.processes: dict[str, subprocess.Popen] = {}

    def configure(self, feeds: list[str], watches: str) -> None:
        rows = "".join(
            f"  - {{url: '{url}', name: feed {i}, interval: {self.interval}, allow_private: true, fulltext: {self.fulltext}}}\n"
            for i, url in enumerate(feeds)
        )
        (self.config / "feeds.yaml").write_text("feeds:\n" + rows, "utf-8")
        (self.config / "endpoints.yaml").write_text(
            "endpoints:\n  desk: {url: {env: TEST_HOOK}, secret: {env: TEST_SECRET}, allow_private: true,"
            f" timeout: {self.timeout}}}\n",
            "utf-8",
        )
        (self.config / "watches.yaml").write_text(watches, "utf-8")

    def start(self, *names: str) -> None:
        for name in names or ("poller", "enricher", "deliverer", "beat"):
            self.start_as(name, name)

    def start_as(self, name: str, role: str) -> None:
        """Start one more process of a role under a name of its own."""
        command = celery_command("beat", "--loglevel", "warning") if role == "beat" else worker_command(role)
        log = (self.directory / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            command, env=self.environ, stdout=log, stderr=log, start_new_session=True
        )
        log.close()

    def kill_child(self, name: str) -> bool:
        """SIGKILL to one process of a worker's pool; False where it had none just then."""
        pid = self.processes[name].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        with suppress(ProcessLookupError):
            if children:
                os.kill(int(children[0]), signal.SIGKILL)
        return bool(children)

    def signal(self, name: str, number: signal.Signals) -> None:
        """A signal to a worker and its pool, as when its host is frozen and thawed."""
        os.killpg(self.processes[name].pid, number)

    def kill(self, name: str) -> None:
        """SIGKILL to a worker and its pool."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def logs(self) -> str:
        return "\n".join(log.read_text("utf-8", "replace")[-2_000:] for log in self.directory.glob("*.log"))


def tocsin(*arguments: str, **kwargs) -> subprocess.CompletedProcess:
    """Run the command as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "worker.cli", *arguments],
        capture_output=True, text=True, timeout=120, check=False, **kwargs,
    )  # fmt: skip
