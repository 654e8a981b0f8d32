"""A primary, a replica and three Sentinels, all with passwords, on free ports of loopback: what C12 breaks."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import redis

from tests.integration.world import eventually
from tests.ports import free_port
from worker.runtime.valkey import find_server

NAME, PASSWORD, SENTINEL_PASSWORD = "newsdesk", "pass/word@of:redis", "password-of-the-sentinels"
DOWN_AFTER_MS = 1_500
_KEPT = {"appendonly": "yes", "appendfsync": "always", "save": '""', "maxmemory-policy": "noeviction"}


class Server:
    """One process over a configuration file, which it rewrites itself."""

    def __init__(self, directory: Path, binary: str, *, is_sentinel: bool = False) -> None:
        directory.mkdir()
        self.port = free_port()
        self.file, self._log = directory / "server.conf", directory / "log"
        self._command = [binary, str(self.file), *(["--sentinel"] if is_sentinel else [])]
        self._password = SENTINEL_PASSWORD if is_sentinel else PASSWORD
        self.process: subprocess.Popen[bytes] | None = None
        self.configure({"bind": "127.0.0.1", "port": str(self.port), "dir": str(directory), "protected-mode": "no",
                        "requirepass": self._password})  # fmt: skip

    def configure(self, lines: dict[str, str]) -> None:
        with self.file.open("a") as file:
            file.writelines(f"{name} {value}\n" for name, value in lines.items())

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        eventually(self._answers, 20, f"an answer of {self.file}")

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP: its connections stay open and nobody answers, as when its host hangs or its network is cut."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=self._password, decode_responses=True, socket_timeout=2)

    def _answers(self) -> bool:
        with suppress(redis.exceptions.RedisError), self.client() as client:
            return bool(client.ping())
        return False


class SentinelledServers:
    """Stands where a rig has its one server."""

    def __init__(self, directory: Path) -> None:
        binary = find_server()
        directory.mkdir(parents=True)
        self.servers = [Server(directory / f"server{number}", binary) for number in range(2)]
        self.sentinels = [Server(directory / f"sentinel{number}", binary, is_sentinel=True) for number in range(3)]
        for server in self.servers:
            server.configure(_KEPT | {"masterauth": PASSWORD})
        self.servers[1].configure({"replicaof": f"127.0.0.1 {self.servers[0].port}"})
        for sentinel in self.sentinels:
            sentinel.configure({
                "sentinel monitor": f"{NAME} 127.0.0.1 {self.servers[0].port} 2",
                f"sentinel auth-pass {NAME}": PASSWORD,
                f"sentinel down-after-milliseconds {NAME}": str(DOWN_AFTER_MS),
                f"sentinel failover-timeout {NAME}": "4000",
                "sentinel sentinel-pass": SENTINEL_PASSWORD,
            })  # fmt: skip
        self.clock: dict[str, str] = {}

    @property
    def url(self) -> str:
        """As a user writes it: a password with what means something in an address is percent-encoded."""
        nodes = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"sentinel://:pass%2Fword%40of%3Aredis@{nodes}/0?master={NAME}&sentinel_password={SENTINEL_PASSWORD}"

    is_alive = True

    def start(self) -> None:
        for server in (*self.servers, *self.sentinels):
            server.start()
        self.await_replica()
        eventually(self._is_quorate, 20, "Sentinels that know each other and the replica")

    def stop(self) -> None:
        for server in (*self.sentinels, *self.servers):
            server.kill()

    def primary(self) -> Server:
        """The one that all Sentinels which answer name."""
        ports = set()
        for sentinel in self.sentinels:
            with suppress(redis.exceptions.RedisError), sentinel.client() as client:
                ports.add(int(client.sentinel_get_master_addr_by_name(NAME)[1]))
        [port] = ports
        return next(server for server in self.servers if server.port == port)

    def await_failover(self, former: Server) -> float:
        """Until the Sentinels name another primary and it takes writes; seconds."""
        started = time.monotonic()

        def is_over() -> bool:
            with suppress(redis.exceptions.RedisError, ValueError):
                now = self.primary()
                if now is not former:
                    with now.client() as client:
                        return client.info("replication")["role"] == "master"
            return False

        eventually(is_over, 60, "a failover")
        return time.monotonic() - started

    def await_replica(self) -> None:
        """Until a replica has all that the primary has, so that there is somebody to take over."""

        def is_following() -> bool:
            with suppress(redis.exceptions.RedisError, ValueError), self.primary().client() as client:
                info = client.info("replication")
                replica = info.get("slave0") or {}
                return replica.get("state") == "online" and replica["offset"] >= info["master_repl_offset"] - 10_000
            return False

        eventually(is_following, 60, "a replica that follows")

    def _is_quorate(self) -> bool:
        known = []
        for sentinel in self.sentinels:
            with suppress(redis.exceptions.RedisError), sentinel.client() as client:
                state = client.sentinel_master(NAME)
                known.append((state["num-other-sentinels"], state["num-slaves"]))
        return known == [(2, 1)] * len(self.sentinels)
