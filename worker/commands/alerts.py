"""`tocsin alerts`: look at alerts."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from worker.commands.shared import (
    Config,
    Habit,
    Json,
    config_directory,
    login,
    print_json,
    print_rows,
    readable,
    since_moment,
)
from worker.errors import InputError
from worker.plural import counted

app = typer.Typer(no_args_is_help=True, help="Look at alerts.")


@app.command(name="list")
def alerts_list(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 20,
    _config: Habit = None,
    as_json: Json = False,
) -> None:
    """The newest alerts with the state of their deliveries."""
    from worker.runtime.process import open_store
    from worker.runtime.views import list_alerts

    rows = list_alerts(open_store(), limit)
    flat = rows if as_json else [_flat_alert(row) for row in rows]
    print_rows(flat, "alerts", as_json, ("raised_at", "severity", "watch", "source", "title", "delivered", "alert_id"))


@app.command(name="show")
def alerts_show(alert: Annotated[str, typer.Argument(help="The alert's id.")], config: Config = None) -> None:
    """One alert whole, as JSON, with every attempt at its deliveries.

    `held` says where it waits to be told together with others, and when that will be; `silence` what keeps it back.
    """
    from worker.runtime.held import list_held, waits
    from worker.runtime.process import open_store
    from worker.runtime.views import show_alert

    store = open_store()
    found = show_alert(store, alert)
    if found is None:
        msg = f"there is no alert {alert}; `tocsin alerts list` names those there are"
        raise InputError(msg)
    held = []
    if waits(store.client, alert):
        if (configuration := readable(config)) is None:
            directory = config_directory(config)
            note = f"when it will be told needs the configuration, and {directory} cannot be used; give another with -c"
            typer.echo(note, err=True)
        held = list_held(store.client, configuration, [alert], datetime.now(UTC))[alert]
    print_json({**{key: value for key, value in found.items() if key != "pieces"}, "held": held})


@app.command(name="replay")
def alerts_replay(
    alert: Annotated[str | None, typer.Argument(help="One alert's id; without it, all dead letters.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Only to this endpoint.")] = None,
    since: Annotated[str | None, typer.Option(help="Only dead letters of the last 90m, 12h, 2d …")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Send again what was given up, or one alert whatever became of it: the same bytes under the same id.

    Receivers that already have a delivery drop it by its id.
    """
    from worker.runtime.process import open_store
    from worker.runtime.views import is_alert
    from worker.watchlist import load_configuration

    names = [one.name for one in load_configuration(config_directory(config), is_sending=False).endpoints]
    if endpoint is not None and endpoint not in names:
        msg = f"there is no endpoint {endpoint}; there are {', '.join(names)}"
        raise InputError(msg)
    store = open_store()
    if alert is not None and not is_alert(store, alert):
        msg = f"there is no alert {alert}; `tocsin alerts list` names those there are"
        raise InputError(msg)
    moment = since_moment(since) if since else None
    replayed = store.replay(alert=alert, endpoints=[endpoint] if endpoint else names, since=moment)
    if as_json:
        print_json({"replayed": replayed})
    else:
        typer.echo(f"queued again: {counted(len(replayed), 'delivery')}" if replayed else "nothing there to send again")


def _flat_alert(row: dict[str, Any]) -> dict[str, Any]:
    states = ", ".join(f"{delivery['endpoint']}: {delivery['state']}" for delivery in row["deliveries"])
    waits = [f"waits in {counted(row['waits'], 'group')}"] if row["waits"] else []
    kept = [f"silenced ({row['silence']})"] if row["silence"] else []
    states = ", ".join([*([states] if states else []), *waits, *kept])
    article = {"title": row["article"]["title"], "source": row["article"]["source"]}
    return {**row, **article, "watch": row["watch"]["id"], "delivered": states}


@app.command(name="mark")
def alerts_mark(
    alert: Annotated[str, typer.Argument(help="The alert's id.")],
    mark: Annotated[str, typer.Argument(help="acknowledged, true, false, or open to take everything back.")],
    reason: Annotated[
        str, typer.Option("--reason", "-r", help="Why; kept with the alert and in the audit record.")
    ] = "",
    by: Annotated[
        str | None, typer.Option(help="Who says so; your login name unless given.", show_default=False)
    ] = None,
    _config: Habit = None,
) -> None:
    """Acknowledge an alert, or judge it true or false; the precision of its watch is counted from verdicts.

    `tocsin watches` shows the precision, `tocsin watches learn ALERT` makes a judged alert a test of its watch.
    """
    from typing import cast, get_args

    from worker.ports import Mark
    from worker.runtime.process import open_store

    if mark not in get_args(Mark):
        msg = f"an alert is marked {', '.join(get_args(Mark))}, not {mark}"
        raise InputError(msg)
    if not open_store().mark_alert(alert, cast("Mark", mark), reason[:500], by if by is not None else login()):
        msg = f"there is no alert {alert}; `tocsin alerts list` names those there are"
        raise InputError(msg)
    typer.echo(f"{alert} is marked {mark}")
