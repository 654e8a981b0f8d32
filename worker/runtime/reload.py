"""The configuration while Tocsin runs: read anew when a file changes or somebody asks, and the last good one kept.

A new configuration is validated whole. The enricher, which has the language model, runs the tests in the watches; the
other processes adopt a configuration with tests once an enricher has. Each process swaps between two pieces of work,
so nothing is lost or done twice: ids of alerts do not depend on the configuration's hash.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from worker.errors import ConfigError, ModelError, Problem, StoreUnavailable
from worker.model import Configuration
from worker.ports import ConfigurationState

_SETTLED_S = 1.0
"""A file that changed less than this ago may still be being written."""
_TOLD = 5

Fingerprint = tuple[tuple[str, int, int], ...]


class ReloadStore(Protocol):
    """What a reload needs of the store."""

    def reloads_asked(self) -> int:
        """How often a reload was asked for."""

    def report_configuration(self, process: str, state: ConfigurationState) -> None:
        """Note what became of a process's last load."""

    def configuration_states(self) -> dict[str, ConfigurationState]:
        """The last load of each kind of process."""


class Kept(Protocol):
    """The last good configuration, as it is kept beyond the life of a process."""

    @property
    def hash(self) -> str:
        """Its hash, "" where nothing is kept."""

    def load(self) -> Configuration | None:
        """It, if it can still be read."""

    def keep(self, configuration: Configuration) -> None:
        """Keep this one instead."""


class Refused(Exception):  # noqa: N818 - a verdict, not a fault
    """The new configuration is valid, but its tests fail."""


@dataclass(slots=True)
class LiveConfiguration:
    """One process's configuration. `adopt` makes a good one the process's own; it may raise ConfigError or Refused."""

    process: str
    directory: Path
    store: ReloadStore
    load: Callable[[Path], Configuration]
    adopt: Callable[[Configuration], None]
    note: Callable[..., None]
    runs_tests: bool = False
    kept: Kept | None = None
    current: Configuration | None = None
    _seen: tuple[Fingerprint, int] | None = None
    _files: tuple[str, ...] = ()
    _waiting: Configuration | None = field(default=None, repr=False)

    def start(self) -> Configuration:
        """The first load: what is on disk, else the last good one. Raises ConfigError or Refused where there is none."""
        asked = self.store.reloads_asked()
        try:
            loaded = self._read()
            self._files = loaded.files
            if self._has_to_wait(loaded):
                self._waiting = loaded
                self._start_with_last_good(Refused("the tests of its watches are still to be run by an enricher"))
            else:
                self._take(loaded)
        except ConfigError as error:
            self._files = error.files
            self._start_with_last_good(error)
        except Refused as error:
            self._start_with_last_good(error)
        self._seen = (fingerprint(self.directory, self._files), asked)
        assert self.current is not None
        return self.current

    def _has_to_wait(self, loaded: Configuration) -> bool:
        """Whether an enricher is still to run the tests of `loaded`, while there is another one to work by."""
        is_untested = any(watch.tests for watch in loaded.watches) and not self._is_accepted(loaded)
        return not self.runs_tests and is_untested and self.kept is not None and self.kept.hash not in ("", loaded.hash)

    def _start_with_last_good(self, error: ConfigError | Refused) -> None:
        good = self.kept.load() if self.kept else None
        if good is None:
            raise error
        self._take(good)
        self._fail(_tell(map(str, error.problems)) if isinstance(error, ConfigError) else str(error))

    def refresh(self) -> None:
        """Adopt what has changed, if it is good; cheap where nothing has."""
        if self._waiting is not None and self._is_accepted(self._waiting):
            self._try(self._waiting)
        files, asked = fingerprint(self.directory, self._files), self.store.reloads_asked()
        if self._seen == (files, asked):
            return
        if (self._seen is None or asked == self._seen[1]) and not _is_settled(files):
            return
        self._seen, self._waiting = (files, asked), None
        try:
            loaded = self._read()
        except ConfigError as error:
            self._files = error.files or self._files
            self._fail(_tell(map(str, error.problems)))
        else:
            self._files = loaded.files
            if self.runs_tests or not any(watch.tests for watch in loaded.watches) or self._is_accepted(loaded):
                self._try(loaded)
            else:
                self._waiting = loaded
        self._seen = (fingerprint(self.directory, self._files), asked)

    def _read(self) -> Configuration:
        """What is on disk. Raises ConfigError, whatever goes wrong: no text in a file may end a worker."""
        try:
            return self.load(self.directory)
        except (ConfigError, StoreUnavailable):
            raise
        except OSError as error:
            reason = error.strerror or type(error).__name__
        except Exception as error:  # noqa: BLE001 - see above
            reason = type(error).__name__
        raise ConfigError((Problem(str(self.directory), 0, 0, f"cannot be read: {reason}"),))

    def _is_accepted(self, configuration: Configuration) -> bool:
        """Whether an enricher runs this very configuration."""
        state = self.store.configuration_states().get("enrich")
        return state is not None and state.is_ok and state.hash == configuration.hash

    def _try(self, configuration: Configuration) -> None:
        self._waiting = None
        try:
            self._take(configuration)
        except ConfigError as error:
            self._fail(_tell(map(str, error.problems)))
        except Refused as error:
            self._fail(str(error))
        except ModelError as error:
            self._fail(str(error))
        except StoreUnavailable:
            self._seen = None  # not refused, only not taken yet
            raise
        except Exception as error:  # noqa: BLE001 - the last good one is kept, whatever is wrong with this one
            self._fail(f"cannot be used: {type(error).__name__}")
        else:
            self.note("configuration_reloaded", process=self.process, hash=configuration.hash)

    def _take(self, configuration: Configuration) -> None:
        self.adopt(configuration)
        self.current = configuration
        if self.kept:
            self.kept.keep(configuration)
        self.store.report_configuration(self.process, ConfigurationState(is_ok=True, hash=configuration.hash))

    def _fail(self, reason: str) -> None:
        """Keep the last good configuration and say why."""
        kept = self.current.hash if self.current else ""
        self.store.report_configuration(self.process, ConfigurationState(is_ok=False, hash=kept, reason=reason))
        self.note("configuration_reload_failed", process=self.process, reason=reason, kept=kept)


def fingerprint(directory: Path, files: Iterable[str]) -> Fingerprint:
    """What tells a changed configuration: name, modification time and size of its YAML files and those they name."""
    paths = {*map(str, directory.glob("*.yaml")), *map(str, directory.glob("watchlists/*.yaml")), *files}
    return tuple(_mark(path) for path in sorted(paths))


def _mark(path: str) -> tuple[str, int, int]:
    try:
        stat = Path(path).stat()
    except OSError:
        return (path, 0, -1)
    return (path, stat.st_mtime_ns, stat.st_size)


def _is_settled(files: Fingerprint) -> bool:
    age_s = time.time() - max((changed for _, changed, _ in files), default=0) / 1e9
    return not 0 <= age_s < _SETTLED_S


def _tell(problems: Iterable[str]) -> str:
    rows = list(problems)
    return "; ".join(rows[:_TOLD]) + (f"; and {len(rows) - _TOLD} more" if len(rows) > _TOLD else "")
