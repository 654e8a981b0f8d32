"""`tocsin test`, `tocsin schema`: work on a watchlist."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from worker.commands.shared import Config, Json, config_directory, console, print_json, progress_bar
from worker.errors import InputError

Watch = Annotated[str | None, typer.Option("--watch", "-w", help="Only this watch.", show_default=False)]


def run_tests(
    config: Config = None,
    watch: Watch = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Also write JUnit XML here.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the tests that stand in the watches. Exit code 1 where one fails, 78 where the configuration is wrong.

    A test is an article and what the watch must make of it (docs/watchlists.md, Tests). A reload of a running Tocsin
    runs the same tests, and keeps the last good configuration where one fails.
    """
    from worker import watchtest

    configuration, enricher = open_watchlist(config, watch)
    outcomes = []
    with progress_bar("tested", watchtest.count_tests(configuration, watch)) as advance:
        for outcome in watchtest.run_tests(configuration, enricher, watch):
            outcomes.append(outcome)
            advance(1)
            if not as_json:
                _show_outcome(outcome)
    if junit is not None:
        junit.write_text(watchtest.to_junit(outcomes), "utf-8")
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    if as_json:
        print_json({"tests": [_describe(outcome) for outcome in outcomes], "failed": failed})
    else:
        console().print(f"{len(outcomes) - failed} passed, {failed} failed" if outcomes else "no watch has tests")
    if failed:
        raise typer.Exit(1)


def schema() -> None:
    """Print the JSON Schema of the configuration, for completion and checks in an editor."""
    from worker.watchlist.reference import SCHEMA_FILE

    sys.stdout.write(SCHEMA_FILE.read_text("utf-8"))


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command(name="test")(run_tests)
    app.command()(schema)


def open_watchlist(config: Path | None, watch: str | None) -> tuple[Any, Any]:
    """The configuration, in which `watch` must be, and the enricher with its own topics."""
    from worker.enrich.enricher import load
    from worker.watchlist import load_configuration

    configuration = load_configuration(config_directory(config), is_sending=False)
    ids = [known.id for known in configuration.watches]
    if watch is not None and watch not in ids:
        from worker.watchlist.nearest import nearest

        msg = f"there is no watch {watch}; {nearest(watch, ids)}"
        raise InputError(msg)
    return configuration, load(configuration.nlp, configuration.topics)


def _show_outcome(outcome: Any) -> None:
    terminal = console()
    mark = "[red]FAIL[/]" if outcome.failures else "[green]ok[/]  "
    terminal.print(f"{mark} {outcome.watch}: ", end="")
    terminal.print(outcome.title, markup=False)
    for expected, got in outcome.failures:
        terminal.print(f"       {outcome.place}", markup=False)
        terminal.print(f"       - expected {expected}", style="red", markup=False)
        terminal.print(f"       + got      {got}", style="green", markup=False)


def _describe(outcome: Any) -> dict[str, Any]:
    failures = [{"expected": expected, "got": got} for expected, got in outcome.failures]
    return {"watch": outcome.watch, "title": outcome.title, "place": outcome.place, "failures": failures}
