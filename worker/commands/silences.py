"""`tocsin silences`: keep alerts back for a while, without losing sight of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.commands.shared import (
    Config,
    Habit,
    Json,
    duration,
    login,
    print_json,
    print_rows,
    read_moment,
    readable,
    unknown_watch,
)
from worker.errors import InputError

if TYPE_CHECKING:
    from worker.model import Configuration, Silence

app = typer.Typer(no_args_is_help=True, help="Keep alerts back for a while: they are stored and counted, and not sent.")


@app.command(name="add")
def silences_add(  # noqa: PLR0913, PLR0917 - what a silence is made of
    matchers: Annotated[
        list[str],
        typer.Argument(help="""Conditions that must all hold, such as 'watch="arms-transfer"' 'source=~"Blog.*"'."""),
    ],
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why; shown with every alert that it keeps back.")],
    lasts: Annotated[str | None, typer.Option("--for", help="How long: 90m, 12h, 2d …")] = None,
    until: Annotated[
        str | None, typer.Option(help="Until when: 2026-11-24T08:00+01:00; UTC without an offset.")
    ] = None,
    starts: Annotated[str | None, typer.Option("--from", help="From when; now where it is not given.")] = None,
    author: Annotated[str | None, typer.Option(help="Who; you where it is not given.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Silence the alerts whose labels match. They are stored with the silence's id, counted, and not sent later.

    Labels are those of the watch, and watch, severity, source and publisher; see `tocsin routes test`.
    """
    from worker import silence
    from worker.runtime.process import open_silences

    now = datetime.now(UTC)
    if (lasts is None) == (until is None):
        msg = "say how long: either --for 2h or --until 2026-11-24T08:00+01:00"
        raise InputError(msg)
    starts_at = read_moment(starts) if starts else now
    ends_at = starts_at + duration(lasts) if lasts else read_moment(str(until))
    try:
        made = silence.make(
            matchers, starts_at=starts_at, ends_at=ends_at, author=author or _user(), comment=comment, now=now
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    for warning in _unknown(made, readable(config)):
        typer.echo(f"warning: {warning}", err=True)
    open_silences().add_silence(made)
    if as_json:
        print_json(_row(made, now))
    else:
        typer.echo(
            f"{made.id} holds until {made.ends_at.isoformat(timespec='minutes')}; `tocsin silences end {made.id}`"
        )


@app.command(name="list")
def silences_list(
    all_: Annotated[bool, typer.Option("--all", help="Also those that have ended in the last 90 days.")] = False,
    _config: Habit = None,
    as_json: Json = False,
) -> None:
    """The silences that hold or will, and how many alerts each has kept back."""
    from worker.runtime.process import open_silences

    now = datetime.now(UTC)
    rows = [_row(one, now) for one in open_silences().silences()]
    rows = [row for row in rows if all_ or row["state"] != "ended"]
    columns = ("id", "state", "matchers", "starts_at", "ends_at", "author", "comment", "suppressed")
    flat = rows if as_json else [{**row, "matchers": ", ".join(row["matchers"])} for row in rows]
    print_rows(flat, "silences", as_json, columns)


@app.command(name="end")
def silences_end(silence: Annotated[str, typer.Argument(help="The silence's id.")], _config: Habit = None) -> None:
    """End a silence now. What it kept back stays stored; `tocsin alerts list` shows it."""
    from worker.runtime.process import open_silences

    if not open_silences().end_silence(silence):
        msg = f"there is no silence {silence} that has not ended; `tocsin silences list` names those there are"
        raise InputError(msg)
    typer.echo(f"{silence} has ended")


def _unknown(silence: "Silence", configuration: "Configuration | None") -> Iterator[str]:
    """What the matchers name and no alert of this configuration can have."""
    from worker.model import Severity
    from worker.route import LABELS
    from worker.watchlist.nearest import nearest

    if configuration is None:
        return
    known = LABELS | {name for watch in configuration.watches for name, _ in watch.labels}
    for matcher in silence.matchers:
        if matcher.label not in known:
            yield f"no watch has a label {matcher.label}; {nearest(matcher.label, known)}"
        elif matcher.label == "watch" and matcher.operator == "=":
            if mistake := unknown_watch(matcher.value, configuration):
                yield mistake
        elif matcher.label == "severity" and matcher.operator == "=" and matcher.value not in list(Severity):
            yield f"there is no severity {matcher.value}; {nearest(matcher.value, Severity)}"


def _user() -> str:
    if name := login():
        return name
    msg = "say who you are: --author NAME"
    raise InputError(msg)


def _row(silence: Any, now: datetime) -> dict[str, Any]:
    from worker.silence import describe

    return describe(silence, now)
