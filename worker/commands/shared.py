"""What the commands share: options, the configuration directory, JSON and tables."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from worker.model import Configuration

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The configuration directory.", envvar="TOCSIN_CONFIG", show_default=False),
]
Habit = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Taken as everywhere; this command asks the store only.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def console() -> Any:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_rows(rows: list[dict[str, Any]], name: str, as_json: bool, columns: tuple[str, ...]) -> None:
    if as_json:
        print_json({name: rows})
        return
    from worker.present import show_rows

    show_rows(console(), rows, columns)


def config_directory(config: Path | None) -> Path:
    from worker.runtime.settings import load_settings

    return config or load_settings().config


def configuration_or_example(config: Path | None) -> "Configuration":
    """The configuration, or the example watchlist where nothing is configured."""
    from importlib.resources import as_file, files

    from worker.watchlist import load_configuration

    directory = config_directory(config)
    if config is None and not directory.exists():
        with as_file(files("worker") / "example" / "watchlists") as example:
            return load_configuration(example)
    return load_configuration(directory, is_sending=False)


def readable(config: Path | None) -> "Configuration | None":
    """The configuration, or None where there is none that can be used."""
    from worker.errors import ConfigError
    from worker.watchlist import load_configuration

    try:
        return load_configuration(config_directory(config), is_sending=False)
    except ConfigError:
        return None


def unknown_watch(watch: str, configuration: "Configuration | None") -> str:
    """What to say of a watch that the configuration has not, with the nearest that it has; "" where nothing is wrong."""
    from worker.watchlist.nearest import nearest

    known = {one.id for one in configuration.watches} if configuration else {watch}
    return "" if watch in known else f"there is no watch {watch} in the configuration; {nearest(watch, known)}"


def since_moment(text: str) -> datetime:
    """Now less a duration such as `90m`, `12h` or `2d`."""
    return datetime.now(UTC) - duration(text)


def duration(text: str) -> timedelta:
    """`90m`, `12h` or `2d`."""
    from worker.errors import InputError
    from worker.watchlist.schema import parse_duration

    try:
        read = parse_duration(text)
    except ValueError as error:
        raise InputError(str(error)) from None
    assert isinstance(read, timedelta)
    return read


def read_moment(text: str) -> datetime:
    """A moment in ISO 8601, in UTC where it says no offset."""
    from worker.errors import InputError

    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        msg = f"“{text}” is not a moment; write 2026-11-24T08:00+01:00"
        raise InputError(msg) from None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def login() -> str:
    """The login name of whoever runs the command; "" where the system has none."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Any]:
    """A progress bar on a terminal's standard error; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda amount: progress.advance(task, amount)
