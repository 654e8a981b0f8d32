"""`tocsin alerts export`: alerts as files for other systems."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from worker.commands.shared import Config, readable, since_moment, unknown_watch
from worker.errors import InputError

_FORMATS = ("stix", "misp", "csv", "jsonl")


def register(app: typer.Typer) -> None:
    """Add the command to those of alerts."""
    app.command(name="export")(alerts_export)


def alerts_export(
    format_: Annotated[
        str, typer.Option("--format", "-f", help="stix (2.1 bundle), misp (events), csv or jsonl.")
    ] = "jsonl",
    since: Annotated[
        str | None, typer.Option(help="Only of the last 90m, 12h, 30d …; all where it is not given.")
    ] = None,
    watch: Annotated[str, typer.Option(help="Only those of this watch.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Into this file, whole or not at all.", show_default=False)
    ] = None,
    config: Config = None,
) -> None:
    """Write alerts, oldest first, to standard output or a file: whole, with the verdicts people gave.

    Alerts of shadow watches are in CSV and JSON Lines, which say so, and not handed to STIX and MISP, which could not.
    STIX and MISP objects have the same ids each time, so that what is imported twice is there once. In CSV no cell is a
    formula to a spreadsheet.
    """
    from worker.runtime.export import WRITERS, read_shared
    from worker.runtime.process import open_store

    if format_ not in _FORMATS:
        msg = f"a format is {', '.join(_FORMATS)}, not {format_}"
        raise InputError(msg)
    if watch and (
        mistake := unknown_watch(watch, readable(config))
    ):  # the alerts of one that was removed are still kept
        typer.echo(f"warning: {mistake}", err=True)
    alerts = read_shared(open_store(), since_moment(since) if since else None, watch)
    pieces = WRITERS[format_](alerts)
    if output is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode())
        sys.stdout.buffer.flush()
        return
    if output.exists():
        msg = f"{output} is already there; give another name, or remove it first"
        raise InputError(msg)
    draft = output.with_name(output.name + ".draft")
    try:
        with draft.open("wb") as file:
            for piece in pieces:
                file.write(piece.encode())
        draft.rename(output)
    except OSError as error:
        msg = f"{output} cannot be written: {error.strerror}"
        raise InputError(msg) from error
    typer.echo(f"written to {output}", err=True)
