"""`tocsin replay`: a stored decision made again."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.commands.shared import Config, Json, config_directory, print_json, since_moment
from worker.errors import InputError
from worker.plural import counted

if TYPE_CHECKING:
    from worker.replay import Decided
    from worker.runtime.replaying import Replayed

_SHOWN = 20


def replay(  # noqa: PLR0913, PLR0917 - the command's options
    target: Annotated[
        str | None,
        typer.Argument(help="An alert's or an article's id; without it, all of --since.", show_default=False),
    ] = None,
    since: Annotated[str | None, typer.Option(help="Every decision of the last 12h, 30d …", show_default=False)] = None,
    with_: Annotated[
        str | None,
        typer.Option(
            "--with", help="`current`: under the configuration and the model as they are now.", show_default=False
        ),
    ] = None,
    stored_analysis: Annotated[
        bool,
        typer.Option("--stored-analysis", help="Do not read the article anew: match over the analysis that is kept."),
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a stored decision again, from the article, the configuration and the model it was made with, and compare.

    Says "identical", or what comes out otherwise. Where another model is installed than the one that decided, it says so
    and matches over the analysis that is kept. `--with current` shows what would happen today. Exit code 1 on a difference.
    """  # fmt: skip
    if with_ not in (None, "current"):
        msg = f"--with takes `current`, not {with_}"
        raise InputError(msg)
    if (target is None) == (since is None):
        msg = "give either an alert's or an article's id, or --since"
        raise InputError(msg)
    rows = list(_replay(_find(target, since), config_directory(config) if with_ else None, is_stored=stored_analysis))
    differing = [row for row in rows if row.differences]
    if as_json:
        shown = {"decisions": len(rows), "identical": len(rows) - len(differing)}
        print_json({**shown, "replayed": [_describe(row) for row in (rows if target else differing)]})
    else:
        for row in rows if target else differing[:_SHOWN]:
            _show(row)
        if since:
            typer.echo(f"{counted(len(rows), 'decision')}, {len(rows) - len(differing)} identical")
    if differing:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(replay)


def _find(target: str | None, since: str | None) -> "Iterable[Decided]":
    from worker.runtime import past
    from worker.runtime.process import open_store

    store = open_store()
    if since:
        return past.all_decided(store, since_moment(since))
    assert target is not None
    if not target.startswith("alrt_"):
        if not (found := past.read_decided(store, target)):
            msg = f"there is no decision on an article {target}: none was made, or it is older than 30 days"
            raise InputError(msg)
        return found[:1]
    known = past.find_alert(store, target)
    if known is None:
        msg = f"there is no alert {target}; `tocsin alerts list` names those there are"
        raise InputError(msg)
    article, decided = known
    if decided is None:
        msg = f"the decision that raised {target} is not kept: it is older than 30 days, or the alert is not of one article ({article})"
        raise InputError(msg)
    return [decided]


def _replay(decisions: "Iterable[Decided]", directory: Path | None, *, is_stored: bool) -> "Iterator[Replayed]":
    from worker.runtime.process import open_store
    from worker.runtime.replaying import Replayer
    from worker.watchlist import load_configuration

    current = load_configuration(directory) if directory else None
    return Replayer(open_store(), current, is_stored=is_stored).replay(decisions)


def _describe(row: "Replayed") -> dict[str, Any]:
    return {
        "article": row.article,
        "revision": row.revision,
        "identical": not row.differences,
        "config": row.config,
        "decided_under": row.decided_under,
        "model": row.model,
        "decided_with": row.decided_with,
        "analysis": row.analysis,
        "notes": list(row.notes),
        "fired": list(row.fired),
        "differences": [{"what": one.what, "then": one.then, "now": one.now} for one in row.differences],
    }


def _show(row: "Replayed") -> None:
    said = "differs" if row.differences else "identical"
    typer.echo(f"{said}: {row.article} under configuration {row.config}, model {row.model}")
    for note in row.notes:
        typer.echo(f"  note: {note}")
    for watch in row.fired:
        typer.echo(f"  fired: {watch}")
    for one in row.differences:
        typer.echo(f"  {one.what}\n    then: {one.then}\n    now:  {one.now}")
