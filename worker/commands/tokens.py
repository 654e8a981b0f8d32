"""`tocsin tokens`: who may use the API."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from worker.commands.shared import Config, Habit, Json, print_json, print_rows, readable, unknown_watch
from worker.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, revoke and rotate the tokens of the API.\n\n"
    "Until the first token is made, the API answers this machine only; from then on every request needs one.",
)
_ROLES = "subscriber (one watch's Atom feed), reader, analyst (may judge), operator (may steer feeds)."
Id = Annotated[str, typer.Argument(help="A token's id, as `tocsin tokens list` shows it.")]


@app.command(name="add")
def tokens_add(  # noqa: PLR0913, PLR0917 - what a token is made of
    name: Annotated[str, typer.Argument(help="Who will use it; it stands in the record of what was done.")],
    role: Annotated[str, typer.Option(help=_ROLES)] = "reader",
    expires: Annotated[str | None, typer.Option(help="When it ends: 12h, 90d …; never where nothing is said.")] = None,
    watch: Annotated[str, typer.Option(help="The watch that a subscriber may read.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it. It is shown this once; what is kept cannot be turned back into it."""
    import secrets

    from worker.api import token as tokens
    from worker.api.token import Role

    if role not in list(Role):
        msg = f"a role is {', '.join(Role)}, not {role}"
        raise InputError(msg)
    if (role == Role.SUBSCRIBER) != bool(watch):
        msg = "a subscriber reads one watch: give --watch with --role subscriber, and with no other"
        raise InputError(msg)
    if watch and (mistake := unknown_watch(watch, readable(config))):
        raise InputError(mistake)
    _check_name(name)
    now = _now()
    ends = now + _duration(expires) if expires else None
    token, text = tokens.create(name, Role(role), now=now, random=secrets.token_bytes, expires_at=ends, watch=watch)
    _kept().add(token)
    _show(token, text, as_json)


@app.command(name="list")
def tokens_list(_config: Habit = None, as_json: Json = False) -> None:
    """Every token that was ever made: its role, whether it is live, and when it was last used."""
    now = _now()
    rows = [_row(token, now) for token in _kept().list()]
    print_rows(rows, "tokens", as_json, ("token_id", "name", "role", "watch", "state", "expires_at", "used_at"))


@app.command(name="revoke")
def tokens_revoke(token: Id, _config: Habit = None) -> None:
    """End a token at once."""
    if not _kept().revoke(token, _now()):
        msg = f"there is no live token {token}; `tocsin tokens list` names those there are"
        raise InputError(msg)
    typer.echo(f"{token} is revoked; its live streams end within 15 s")


@app.command(name="rotate")
def tokens_rotate(
    token: Id,
    overlap: Annotated[str, typer.Option(help="How long the old one still opens: 0s, 1h, 2d …")] = "24h",
    expires: Annotated[
        str | None,
        typer.Option(help="When the new one ends; it lives as long as the old one was given where nothing is said."),
    ] = None,
    _config: Habit = None,
    as_json: Json = False,
) -> None:
    """Make a token of the same name and role, and let the old one end after the overlap."""
    import secrets

    from worker.api import token as tokens

    now, kept = _now(), _kept()
    old, _ = kept.find(token)
    if old is None or old.state(now) != "live":
        msg = f"there is no live token {token}; `tocsin tokens list` names those there are"
        raise InputError(msg)
    lives = old.expires_at - old.created_at if old.expires_at else None
    lives = _duration(expires) if expires else lives
    ends = now + lives if lives else None
    new, text = tokens.create(old.name, old.role, now=now, random=secrets.token_bytes, expires_at=ends, watch=old.watch)
    if not kept.rotate(token, new, now + _duration(overlap)):
        msg = f"token {token} has ended meanwhile"
        raise InputError(msg)
    _show(new, text, as_json)


def _show(token: Any, text: str, as_json: bool) -> None:
    if as_json:
        print_json(_row(token, token.created_at) | {"token": text})
        return
    typer.echo(text)
    typer.echo(f"{token.id} for {token.name}, {token.role}; the token is shown this once", err=True)


def _row(token: Any, now: datetime) -> dict[str, Any]:
    def at(moment: datetime | None) -> str | None:
        return moment.isoformat(timespec="seconds") if moment else None

    return {
        "token_id": token.id,
        "name": token.name,
        "role": token.role.value,
        "watch": token.watch,
        "state": token.state(now),
        "created_at": at(token.created_at),
        "expires_at": at(token.expires_at),
        "revoked_at": at(token.revoked_at),
        "used_at": at(token.used_at),
    }


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= 100 or not name.isprintable():  # noqa: PLR2004
        msg = "a name has 1 to 100 printable characters"
        raise InputError(msg)


def _duration(text: str) -> timedelta:
    from worker.watchlist.schema import parse_duration

    try:
        value = parse_duration(text)
    except ValueError as error:
        raise InputError(str(error)) from None
    assert isinstance(value, timedelta)
    return value


def _now() -> datetime:
    from datetime import UTC

    return datetime.now(UTC)


def _kept() -> Any:
    from worker.runtime.process import open_store
    from worker.runtime.token_store import RedisTokens

    return RedisTokens(open_store().client)
