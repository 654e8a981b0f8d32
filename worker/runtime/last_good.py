"""The sources of the last good configuration, kept under TOCSIN_DATA, so that a process can start while the one on disk is wrong.

    last-good/DIRECTORY/sources/HASH/…    the YAML files and the list and test files they name, as they were
    last-good/DIRECTORY/PROCESS           the hash that a kind of process last ran

Secrets are not kept: a copy reads them where the configuration has them.
"""

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from worker.errors import ConfigError
from worker.model import Configuration
from worker.watchlist import load_configuration


class LastGood:
    """What one kind of process last ran of the configuration in `directory`."""

    def __init__(self, data: Path, process: str, directory: Path) -> None:
        self._directory = directory.resolve()
        name = hashlib.sha256(str(self._directory).encode()).hexdigest()[:16]
        self._home = data / "last-good" / name
        self._pointer = self._home / process

    @property
    def hash(self) -> str:
        """The hash of what is kept, "" where nothing is."""
        with suppress(OSError, UnicodeDecodeError):
            return self._pointer.read_text("utf-8").strip()
        return ""

    def load(self) -> Configuration | None:
        """What is kept, where it can still be read: secrets and files outside of the directory may be gone."""
        folder = self._sources / self.hash
        if not self.hash or not folder.is_dir():
            return None
        try:
            return load_configuration(folder, home=self._directory)
        except (ConfigError, OSError):
            return None

    def keep(self, configuration: Configuration) -> None:
        """Keep the files of a configuration that was just taken. A disk that refuses costs only the copy."""
        if self.hash == configuration.hash:
            return
        with suppress(OSError):
            self._sources.mkdir(parents=True, exist_ok=True)
            if not (self._sources / configuration.hash).is_dir():
                self._copy(configuration)
            fresh = self._pointer.with_suffix(f".{os.getpid()}")
            fresh.write_text(configuration.hash, "utf-8")
            fresh.replace(self._pointer)
            self._forget()

    @property
    def _sources(self) -> Path:
        return self._home / "sources"

    def _copy(self, configuration: Configuration) -> None:
        fresh = Path(tempfile.mkdtemp(dir=self._home))
        for name in configuration.files:
            file = Path(name).absolute()
            if file.is_relative_to(self._directory) and file.is_file():
                target = fresh / file.relative_to(self._directory)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
        try:
            fresh.rename(self._sources / configuration.hash)
        except OSError:  # another process was first
            shutil.rmtree(fresh, ignore_errors=True)

    def _forget(self) -> None:
        """Remove what no process points at."""
        named = {file.read_text("utf-8").strip() for file in self._home.iterdir() if file.is_file()}
        for folder in self._sources.iterdir():
            if folder.name not in named:
                shutil.rmtree(folder, ignore_errors=True)
