"""`tocsin routes`: see where alerts go."""

import re
from typing import Annotated, Any

import typer

from worker.commands.shared import Config, Json, config_directory, print_json
from worker.errors import InputError

app = typer.Typer(no_args_is_help=True, help="See where alerts go.")


@app.command(name="test")
def routes_test(
    labels: Annotated[
        list[str], typer.Argument(help="Labels of the alert, such as severity=high watch=arms-transfer desk=sanctions.")
    ],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show which endpoints an alert with these labels would go to, and by which routes.

    A watch's own labels and severity are filled in where `watch` names one of the configuration.
    """
    from worker.route import find_endpoints, find_routes
    from worker.watchlist import load_configuration

    configuration = load_configuration(config_directory(config))
    given = _read(labels)
    watch = next((one for one in configuration.watches if one.id == given.get("watch")), None)
    if watch:
        given = {**dict(watch.labels), "severity": watch.severity.value, **given}
    taken = find_routes(configuration.route, given)
    endpoints = find_endpoints(configuration.route, given)
    if as_json:
        print_json({"labels": given, "endpoints": list(endpoints), "routes": [_describe(route) for route in taken]})
        return
    for route in taken:
        typer.echo(f"route {_describe(route)['matchers'] or 'the root'}: at once to {', '.join(route.endpoints)}")


def _read(labels: list[str]) -> dict[str, str]:
    found = {}
    for label in labels:
        parts = re.fullmatch(r"([a-zA-Z_][\w-]*)=(.*)", label)
        if not parts:
            msg = f"“{label}” is not a label; write name=value, such as severity=high"
            raise InputError(msg)
        found[parts[1]] = parts[2].strip('"')
    return found


def _describe(route: Any) -> dict[str, Any]:
    matchers = [f'{one.label}{one.operator}"{one.value}"' for one in route.matchers]
    return {"matchers": ", ".join(matchers), "endpoints": list(route.endpoints), "continue": route.is_continued}
