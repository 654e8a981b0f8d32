"""Every error Tocsin raises on purpose. Expected outcomes of work are values (see `model`), not errors.

TocsinError
├── ConfigError        the YAML or the environment is wrong; carries every problem at once   (exit 78)
├── InputError         a file, address or line given on the command line is unusable         (exit 64)
├── ModelError         the language model is missing or does not fit                         (exit 78)
└── StoreUnavailable   Redis cannot be reached, is read-only, full, or evicts                (exit 69)

Outside of the tree stands TurnOver: it ends a turn, and no guard for one piece of its work may hold it.
"""

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


class TocsinError(Exception):
    """Root of the tree; `exit_code` follows sysexits(3)."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration file: where it stands, what is wrong, how to mend it.

    `line` and `column` count from 1; 0 means the file as a whole.
    """

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(TocsinError):
    """The configuration cannot be used; `problems` names all that is wrong with it, `files` what was read."""

    exit_code = 78

    def __init__(self, problems: tuple[Problem, ...], files: tuple[str, ...] = ()) -> None:
        super().__init__(problems, files)
        self.problems, self.files = problems, files

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class InputError(TocsinError):
    """Something named on the command line cannot be read as what it should be."""

    exit_code = 64


class ModelError(TocsinError, ValueError):
    """A language model is not installed, or was made for another spaCy."""

    exit_code = 78


class StoreUnavailable(TocsinError):  # noqa: N818 - a state of the world, as in Celery's own names
    """Redis cannot take the work now; the message says why and what to do."""

    exit_code = 69


class TurnOver(BaseException):
    """The time of a worker's turn is up, whatever it is at. Not an Exception: what spares a loop one bad piece lets it pass."""


def describe_failure(error: Exception) -> str:
    """An unforeseen error for logs and the quarantine: its type and the place, never its words, which may quote a text.

    `KeyError in match.py:71 (evaluate)`
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    last = frames[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno} ({last.name})"
