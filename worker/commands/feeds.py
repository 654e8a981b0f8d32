"""`tocsin feeds`: look at feeds."""

import typer

from worker.commands.shared import Config, Json, config_directory, print_rows

app = typer.Typer(no_args_is_help=True, help="Look at feeds.")


@app.command(name="list")
def feeds_list(config: Config = None, as_json: Json = False) -> None:
    """Every feed with its health, last success, next poll and last problem."""
    from worker.runtime.process import open_store
    from worker.runtime.views import list_feeds
    from worker.watchlist import load_configuration

    rows = list_feeds(open_store(), load_configuration(config_directory(config)))
    print_rows(rows, "feeds", as_json, ("name", "health", "entries", "succeeded_at", "due", "last_message"))
