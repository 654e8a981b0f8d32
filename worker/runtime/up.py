"""`tocsin up`: everything on one machine, as a family of processes under one Ctrl-C."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, cast

from rich.console import Console
from rich.markup import escape

from worker.errors import StoreUnavailable, TocsinError
from worker.plural import counted
from worker.runtime import demo
from worker.runtime.children import Child, Family
from worker.runtime.first_start import refuse_failing_tests
from worker.runtime.hangup import ReloadAsker
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.settings import Settings
from worker.runtime.terminal import AlertPrinter, SteadyFile
from worker.runtime.valkey import EmbeddedServer
from worker.watchlist import load_configuration

DEMO_PORT = 8786
_REVIVE_AFTER_S = 3
QUEUES = {"poller": "poll", "reader": "read", "enricher": "enrich", "deliverer": "deliver"}


class SecondSignalError(TocsinError):
    """The user asked twice: stop at once."""

    exit_code = 130


def celery_command(*arguments: str) -> list[str]:
    """A Celery process of this installation."""
    return [sys.executable, "-m", "celery", "-q", "-A", "worker.runtime.app", *arguments]


def worker_command(name: str) -> list[str]:
    """One of the four workers. Gossip, mingle and heartbeats talk between workers that need not know each other."""
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning")
    return celery_command("worker", "-Q", QUEUES[name], "-n", f"{name}@%h", "-c", "1", *quiet)


def run_all(settings: Settings, console: Console) -> None:
    """Start all processes, tend them, and stop them at the first SIGINT or SIGTERM; a second one stops at once."""
    stopping = _Stopping()
    console.file = cast("IO[str]", SteadyFile(console.file))
    is_demo = not settings.config.exists()
    data = settings.data / "demo" if is_demo else settings.data
    environ = dict(os.environ) | {"C_FORCE_ROOT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environ["TOCSIN_CONFIG"] = str(settings.config)
    # Celery warns at every start as root; in a container or a fresh machine that is who one is.
    environ.setdefault("PYTHONWARNINGS", "ignore:::celery.platforms")
    if not is_demo:
        # a wrong one, or one that fails its tests, stops the start before anything runs
        refuse_failing_tests(settings, load_configuration(settings.config, environ), environ)
    server = None if settings.redis_url else EmbeddedServer(data)
    if server:
        server.start()  # refuses a second start over the same data before that could change anything
        environ["TOCSIN_REDIS_URL"] = server.url
    family = Family()
    try:
        store = RedisStore(connect(environ["TOCSIN_REDIS_URL"]))
        store.epoch()  # raises where a Redis of one's own does not answer
        stopping.on_hangup = ReloadAsker(RedisStore(connect(environ["TOCSIN_REDIS_URL"])).ask_reload).ask
        alerts = None if is_demo else AlertPrinter(store, console)  # the demonstration's receiver prints them
        if is_demo:
            environ |= {
                **demo.prepare(data, _usable_port("127.0.0.1", DEMO_PORT)),
                "TOCSIN_LOG_LEVEL": os.environ.get("TOCSIN_LOG_LEVEL", "warning"),
            }
        configuration = load_configuration(Path(environ["TOCSIN_CONFIG"]), environ)
        port = environ["TOCSIN_WEB_PORT"] = str(_usable_port(settings.web_host, settings.web_port))
        if settings.web_port and int(port) != settings.web_port:
            console.print(f"port {settings.web_port} is taken; the page is served on {port} instead")
        family.children += _children(environ, is_demo=is_demo)
        family.start()
        _greet(console, settings, environ, data, port, is_demo=is_demo, watches=len(configuration.watches))
        if alerts:
            alerts.begin(lambda: stopping.is_asked)
        while not stopping.is_asked:
            if server and not server.is_alive:
                _revive(server, console)
            family.tend()
            time.sleep(0.2)
        console.print("stopping; Ctrl-C again to stop at once")
    finally:
        try:
            family.stop()
        finally:  # a second Ctrl-C breaks the waiting off, and leaves nothing behind either
            family.kill()
            if server:
                server.stop()
    console.print("stopped; everything is kept for the next start")


def _revive(server: EmbeddedServer, console: Console) -> None:
    """Start the server again, which ends itself when its disk is full; while it cannot, the next turn tries again."""
    console.print("[red]the embedded server ended; starting it again[/]")
    try:
        server.restart()
    except StoreUnavailable as error:
        console.print(f"[red]{escape(str(error))}[/]")
        time.sleep(_REVIVE_AFTER_S)


class _Stopping:
    """Remembers that the user wants to stop.

    SIGHUP asks the family to read its configuration anew, unless it comes of a terminal that was closed: then it means
    what it means to every program.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._had_terminal = sys.stdin is not None and sys.stdin.isatty()
        self.on_hangup: Callable[[], None] = lambda: None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGHUP, self._hang_up)

    def _hang_up(self, _number: int, _frame: object) -> None:
        if self._had_terminal and not _has_terminal():
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):  # a word to a terminal that is gone would be an error
                os.dup2(nowhere, stream)
            self.is_asked = True
        else:
            self.on_hangup()

    def _ask(self, _number: int, _frame: object) -> None:
        if self.is_asked:
            for number in (signal.SIGINT, signal.SIGTERM):  # a third one changes nothing
                signal.signal(number, signal.SIG_IGN)
            msg = "stopped at once"
            raise SecondSignalError(msg)
        self.is_asked = True


def _has_terminal() -> bool:
    try:
        os.tcgetpgrp(0)
    except OSError:
        return False
    return True


def _children(environ: Mapping[str, str], *, is_demo: bool) -> list[Child]:
    commands = {name: worker_command(name) for name in QUEUES}
    commands["beat"] = celery_command("beat", "--loglevel", "warning")
    commands["web"] = [sys.executable, "-m", "worker.cli", "web"]
    if is_demo:
        commands["demo"] = [sys.executable, "-m", "worker.runtime.demo"]
    # on standard output Celery says that it stops, which is said here once for all
    return [Child(name, command, environ, is_mute=name in QUEUES) for name, command in commands.items()]


def _greet(  # noqa: PLR0913 - what is worth saying
    console: Console,
    settings: Settings,
    environ: Mapping[str, str],
    data: Path,
    port: str,
    *,
    is_demo: bool,
    watches: int,
) -> None:
    if is_demo:
        console.print(
            "[bold]Tocsin demonstration[/]: invented articles, the example watchlist, a receiver that prints alerts"
        )
        console.print(
            "The first alert comes within half a minute. Your own: [bold]tocsin init DIR[/], then --config DIR"
        )
    console.print(f"page           http://{settings.web_host}:{port}/")
    console.print(f"configuration  {environ['TOCSIN_CONFIG']}  ({counted(watches, 'watch')})")
    console.print(f"state          {(settings.redis_url and 'TOCSIN_REDIS_URL') or data}")
    console.print("Alerts are printed here; Ctrl-C stops everything.")


def _usable_port(host: str, wanted: int) -> int:
    """The wanted port, or a free one where it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return _free_port()
        return int(probe.getsockname()[1])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
