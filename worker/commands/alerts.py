"""`tocsin alerts`: look at alerts."""

from typing import Annotated, Any

import typer

from worker.commands.shared import Json, print_json, print_rows
from worker.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Look at alerts.")


@app.command(name="list")
def alerts_list(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 20, as_json: Json = False
) -> None:
    """The newest alerts with the state of their deliveries."""
    from worker.runtime.process import open_store
    from worker.runtime.views import list_alerts

    rows = list_alerts(open_store(), limit)
    flat = rows if as_json else [_flat_alert(row) for row in rows]
    print_rows(flat, "alerts", as_json, ("raised_at", "severity", "watch", "source", "title", "delivered", "alert_id"))


@app.command(name="show")
def alerts_show(alert: Annotated[str, typer.Argument(help="The alert's id.")]) -> None:
    """One alert whole, as JSON, with every attempt at its deliveries."""
    from worker.runtime.process import open_store
    from worker.runtime.views import show_alert

    found = show_alert(open_store(), alert)
    if found is None:
        msg = f"there is no alert {alert}; `tocsin alerts list` names those there are"
        raise InputError(msg)
    print_json({key: value for key, value in found.items() if key != "pieces"})


def _flat_alert(row: dict[str, Any]) -> dict[str, Any]:
    states = ", ".join(f"{delivery['endpoint']}: {delivery['state']}" for delivery in row["deliveries"])
    article = {"title": row["article"]["title"], "source": row["article"]["source"]}
    return {**row, **article, "watch": row["watch"]["id"], "delivered": states}
