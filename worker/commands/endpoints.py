"""`tocsin endpoints`: look at the receivers of alerts, try one, resume one."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from worker.commands.shared import Config, Json, config_directory, login, print_json, print_rows
from worker.errors import InputError
from worker.plural import counted

app = typer.Typer(no_args_is_help=True, help="Look at the receivers of alerts, try one, resume one.")

_LONGEST_REASON = 500
Name = Annotated[str, typer.Argument(help="The endpoint's name in the configuration.")]


@app.command(name="list")
def endpoints_list(config: Config = None, as_json: Json = False) -> None:
    """Every endpoint with its circuit (closed, open, half_open, paused), what waits for it, and its dead letters.

    One that is no longer configured is listed while anything waits for it; `tocsin endpoints redirect` hands that over, `drop` gives it up.
    """
    from worker.runtime.process import open_store
    from worker.runtime.views import list_endpoints

    rows = list_endpoints(open_store(), _configuration(config))
    columns = ("name", "state", "waiting", "dead", "held_until", "succeeded_at", "failed_at", "reason")
    flat = rows if as_json else [row if row["is_configured"] else {**row, "state": "not configured"} for row in rows]
    print_rows(flat, "endpoints", as_json, columns)


@app.command(name="test")
def endpoints_test(
    name: Name,
    digest: Annotated[bool, typer.Option("--digest", help="Send a digest of two invented alerts instead.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Send one invented alert, signed like a real one, and show the exchange. Exit code 1 where it is not accepted.

    It goes to this endpoint alone, is tried once, and is not stored. Its watch is `test`.
    """
    from datetime import UTC, datetime

    from worker.alert import alert_id, delivery_id
    from worker.deliver import body, sample
    from worker.model import Delivery
    from worker.onward import deliveries
    from worker.runtime.http import HttpLoop
    from worker.runtime.sender import WebhookSender, request_headers

    endpoint = _find(config, name)
    now = datetime.now(UTC)
    [delivery] = deliveries(sample.make(alert_id("test", now.isoformat(), 0), now), [endpoint])
    if digest:
        together = sample.cards(now)[1]
        made = body.render(together, endpoint)
        delivery = Delivery(delivery_id(delivery.id, "digest"), together.id, endpoint.name, *made)
    headers = request_headers(delivery, endpoint, now)
    loop = HttpLoop()
    attempt = WebhookSender(loop).send(delivery, endpoint).result()
    loop.close()
    exchange = {
        "endpoint": name,
        "accepted": attempt.is_success,
        "request": {
            "headers": {header: _masked(value, endpoint) for header, value in headers.items()},
            "body": delivery.body,
        },
        "response": {
            "status": attempt.status,
            "reason": attempt.reason,
            "body": _masked(attempt.response, endpoint),
            "milliseconds": round(attempt.duration.total_seconds() * 1000),
        },
    }
    if as_json:
        print_json(exchange)
    else:
        _show(exchange)
    if not attempt.is_success:
        raise typer.Exit(1)


@app.command(name="resume")
def endpoints_resume(name: Name, config: Config = None) -> None:
    """Let deliveries flow again to an endpoint that is paused (it said 410) or failing; what waited is sent at once."""
    from worker.runtime.process import open_store

    endpoint = _find(config, name)
    was_shut = open_store().resume_endpoint(endpoint.name)
    typer.echo(f"{name} is resumed" if was_shut else f"{name} was not paused")


@app.command(name="redirect")
def endpoints_redirect(
    old: Annotated[str, typer.Argument(help="An endpoint that is no longer configured.")],
    new: Annotated[str, typer.Argument(help="The one that gets what waits for it, and its dead letters.")],
    config: Config = None,
) -> None:
    """Hand over what waits for an endpoint that was removed or renamed.

    Ids and bytes stay as they are, so the new one should speak the same format; it signs with its own secret.
    """
    from worker.runtime.process import open_store

    target = _find(config, new)
    store = open_store()
    _refuse_configured(config, old, store.known_endpoints())
    moved = store.redirect_endpoint(old, target.name)
    typer.echo(f"handed over to {new}: {counted(moved, 'delivery')}")


@app.command(name="left")
def endpoints_left(
    name: Annotated[str, typer.Argument(help="An endpoint that is no longer configured.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The deliveries that are left for an endpoint that was removed or renamed: waiting, dead, or in quarantine."""
    from worker.runtime.leftovers import Leftovers
    from worker.runtime.process import open_store

    store = open_store()
    _refuse_configured(config, name, store.known_endpoints())
    rows = [one.to_json() for one in Leftovers(store).find(name)]
    print_rows(rows, "deliveries", as_json, ("queued_at", "state", "attempts", "title", "alert", "delivery"))


@app.command(name="drop")
def endpoints_drop(
    name: Annotated[str, typer.Argument(help="An endpoint that is no longer configured.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept in the audit record.")],
    by: Annotated[
        str | None, typer.Option(help="Who says so; your login name unless given.", show_default=False)
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Give up what is left for an endpoint that was removed: nobody is told of it any more.

    The alerts stay, and their deliveries are kept 30 days as `dropped`. `tocsin endpoints left NAME` shows what it would
    be, `tocsin endpoints redirect` hands it over instead.
    """
    from worker.runtime.leftovers import Leftovers
    from worker.runtime.process import open_store

    if not reason.strip():
        msg = "say why: --reason TEXT"
        raise InputError(msg)
    store = open_store()
    _refuse_configured(config, name, store.known_endpoints())
    who = by if by is not None else login()
    dropped, on_their_way = Leftovers(store).drop(name, reason.strip()[:_LONGEST_REASON], who)
    if as_json:
        print_json({"dropped": dropped, "on_their_way": on_their_way})
    else:
        stays = f"; {on_their_way} still on their way: run it again in two minutes"
        typer.echo(f"given up for {name}: {counted(len(dropped), 'delivery')}" + (stays if on_their_way else ""))


def _refuse_configured(config: Any, name: str, known: Sequence[str]) -> None:
    if any(endpoint.name == name for endpoint in _configuration(config).endpoints):
        msg = f"{name} is still configured, and what waits for it is sent; take it out of the configuration first"
        raise InputError(msg)
    if name not in known:
        msg = f"nothing was ever sent to an endpoint {name}; `tocsin endpoints list` names those where something waits"
        raise InputError(msg)


def _configuration(config: Any) -> Any:
    from worker.watchlist import load_configuration

    return load_configuration(config_directory(config))


def _find(config: Any, name: str) -> Any:
    endpoints = _configuration(config).endpoints
    for endpoint in endpoints:
        if endpoint.name == name:
            return endpoint
    names = ", ".join(endpoint.name for endpoint in endpoints) or "none"
    msg = f"there is no endpoint {name}; there are {names}"
    raise InputError(msg)


def _masked(text: str, endpoint: Any) -> str:
    """The text without the endpoint's keys, which some receivers take in a header and some repeat."""
    for secret in endpoint.secrets:
        text = text.replace(secret, "…")
    return text


def _show(exchange: dict[str, Any]) -> None:
    typer.echo(f"POST to {exchange['endpoint']}")
    for header, value in exchange["request"]["headers"].items():
        typer.echo(f"> {header}: {value}")
    typer.echo(f">\n> {exchange['request']['body']}\n")
    response = exchange["response"]
    said = f"HTTP {response['status']}" if response["status"] else "no answer"
    typer.echo(f"< {said} after {response['milliseconds']} ms {response['reason']}".rstrip())
    if response["body"]:
        typer.echo(f"< {response['body']}")
    typer.echo("accepted" if exchange["accepted"] else "not accepted: only a 2xx counts")
