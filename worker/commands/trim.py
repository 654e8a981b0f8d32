"""`tocsin trim`: remove what is old and never expires by itself."""

from typing import Annotated

import typer

from worker.commands.shared import Config, Json, config_directory, print_json, progress_bar, since_moment


def trim(
    older_than: Annotated[str, typer.Option(help="What is older than this may go: 90d, 365d …")],
    dead_letters: Annotated[
        bool,
        typer.Option("--dead-letters", help="Old dead letters too, with their alerts. They can never be sent again."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without this nothing is removed, only counted.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Count, and with --yes remove, what is old and never expires by itself (docs/retention.md).

    Alerts with their deliveries, articles in quarantine, and what is left of feeds, endpoints and watches that the
    configuration does not name any more. Never an alert whose delivery still waits, nor, without --dead-letters, one
    with a dead letter. A running Tocsin goes on meanwhile.
    """
    from worker.runtime.process import open_store
    from worker.runtime.trim import Trimmer
    from worker.watchlist import load_configuration

    before = since_moment(older_than)
    configuration = load_configuration(config_directory(config))
    trimmer = Trimmer(open_store(), configuration, before, is_real=yes)
    with progress_bar("trimmed", trimmer.count_alerts()) as advance:
        trimmer.trim_alerts(advance, takes_dead=dead_letters)
    trimmer.trim_leftovers()
    rows = trimmer.trimmed.to_json()
    if as_json:
        print_json({"removed": yes, "before": before.isoformat(timespec="seconds"), **rows})
        return
    typer.echo(f"{'removed' if yes else 'would be removed'}, of before {before:%Y-%m-%d %H:%M} UTC:")
    for name, number in rows.items():
        if "_kept_" not in name:
            typer.echo(f"{number:10,}  {name.replace('_', ' ')}")
    if kept := rows["alerts_kept_waiting"]:
        typer.echo(f"{kept:10,}  old alerts stay: their deliveries still wait to be sent")
    if kept := rows["alerts_kept_dead_letters"]:
        typer.echo(f"{kept:10,}  old alerts stay for their dead letters; --dead-letters takes them too")
    if not yes:
        typer.echo("Nothing was removed. Repeat with --yes to do it.")


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(trim)
