"""A family of processes: started together, restarted when one falls, stopped together, leaving no orphan."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_GRACE_S = 25
_RESTART_AFTER_S, _LONGEST_RESTART_S, _STEADY_S = 1.0, 30.0, 60.0


def _find_prctl() -> Callable[[int, int], int] | None:
    try:
        found: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    return found


_PRCTL = _find_prctl()
"""Looked up here: between fork and exec the linker may be locked for ever by a thread that the child does not have."""


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent dies, however it dies; elsewhere do nothing."""
    if _PRCTL:
        _PRCTL(_DEATH_SIGNAL, signal.SIGTERM)


@dataclass(slots=True)
class Child:
    """One process of the family; a mute one says nothing on standard output, and its log on standard error."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    is_mute: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_after_s: float = _RESTART_AFTER_S

    def start(self) -> None:
        """Start it, out of reach of the terminal's Ctrl-C: the parent decides who stops when."""
        self.process = subprocess.Popen(  # noqa: S603
            self.command,
            env=dict(self.environ),
            stdout=subprocess.DEVNULL if self.is_mute else None,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
        self.started_at = time.monotonic()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None


@dataclass(slots=True)
class Family:
    """The children in their order of starting; they stop in the reverse order."""

    children: list[Child] = field(default_factory=list)

    def start(self) -> None:
        """Start all."""
        for child in self.children:
            child.start()

    def tend(self) -> None:
        """Restart who fell: after 1 s, and twice as long each time (at most 30 s) for one that keeps falling."""
        for child in self.children:
            age = time.monotonic() - child.started_at
            if child.is_alive and age >= _STEADY_S:
                child.restart_after_s = _RESTART_AFTER_S
            elif not child.is_alive and age >= child.restart_after_s:
                code = child.process.returncode if child.process else None
                structlog.get_logger().warning("process_failed", name=child.name, exit_code=code, then="restarted")
                child.restart_after_s = min(child.restart_after_s * 2, _LONGEST_RESTART_S)
                child.start()

    def stop(self) -> None:
        """Ask all to finish, then end who does not within 25 s."""
        for child in reversed(self.children):
            if child.is_alive and child.process:
                child.process.terminate()
        deadline = time.monotonic() + _GRACE_S
        for child in reversed(self.children):
            if child.process:
                try:
                    child.process.wait(max(deadline - time.monotonic(), 0.1))
                except subprocess.TimeoutExpired:
                    break
        self.kill()

    def kill(self) -> None:
        """End at once who still runs, with the processes that it started."""
        for child in self.children:
            if child.is_alive and child.process:
                with suppress(ProcessLookupError):
                    os.killpg(child.process.pid, signal.SIGKILL)  # each leads a group of its own
                child.process.wait()
