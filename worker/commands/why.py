"""`tocsin why`: what became of an article, and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.commands.shared import Config, Json, config_directory, console, print_json

if TYPE_CHECKING:
    from worker.model import Configuration
    from worker.why import Answer

_COLOURS = {"yes": "green", "no": "red", "waits": "yellow", "unknown": "yellow"}
_SHOWN = 15


def why(
    asked: Annotated[
        str, typer.Argument(metavar="URL|ARTICLE|ALERT", help="An address, or the id of an article or alert.")
    ],
    watch: Annotated[
        str | None, typer.Option("--watch", "-w", help="Only what this watch said.", show_default=False)
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say why an article raised an alert, or did not.

    Was it fetched, seen before (and by what), read, and of which story? What did each watch say, and which condition was
    missing first? What held an alert back, and which delivery does it wait for? For any article of the last 30 days.
    """  # fmt: skip
    from datetime import UTC, datetime

    from worker.runtime.case import find_case
    from worker.runtime.process import open_store
    from worker.why import answer

    configuration = _configuration(config_directory(config))
    if watch is not None:
        _refuse_unknown(watch, [one.id for one in configuration.watches])
    case = find_case(open_store(), configuration, asked)
    found = answer(case, datetime.now(UTC), watch)
    if as_json:
        print_json(found.to_json())
    else:
        _show(found)


def _configuration(directory: Path) -> "Configuration":
    """The configuration, or where it cannot be read here (its secrets may be elsewhere) the one that is in force."""
    from worker.errors import ConfigError
    from worker.runtime.configuration_store import ConfigurationStore
    from worker.runtime.process import open_store
    from worker.watchlist import load_configuration

    try:
        return load_configuration(directory, is_sending=False)
    except ConfigError:
        kept = ConfigurationStore(open_store()).in_force()
        if kept is None:
            raise
        return kept


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(why)


def _refuse_unknown(watch: str, known: list[str]) -> None:
    """A watch that is gone may have judged the article; one that resembles a present one is a slip."""
    from worker.errors import InputError
    from worker.watchlist.nearest import nearest

    if watch not in known and (hint := nearest(watch, known)).startswith("did you mean"):
        msg = f"there is no watch {watch}; {hint}"
        raise InputError(msg)


def _show(found: "Answer") -> None:
    terminal = console()
    if found.title:
        terminal.print(found.title, style="bold", markup=False)
    terminal.print(found.summary, markup=False)
    terminal.print()
    for step in found.steps:
        terminal.print(f"[{_COLOURS[step.outcome]}]{step.outcome:8}[/]", end="")
        terminal.print(f"{step.name}: {step.said}", markup=False)
    if found.watches:
        terminal.print()
    for one in found.watches[:_SHOWN]:
        terminal.print(
            f"{one.outcome:10}{one.watch}: {one.said}" + (f" ({one.alert})" if one.alert else ""), markup=False
        )
    if len(found.watches) > _SHOWN:
        terminal.print(f"and {len(found.watches) - _SHOWN} more watches; --json lists all", style="dim")
