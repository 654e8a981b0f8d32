"""`tocsin watches`: how right each watch is, and what it learns from a verdict."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.commands.shared import Config, Json, config_directory, print_json, print_rows
from worker.errors import InputError

if TYPE_CHECKING:
    from worker.runtime.redis_store import RedisStore
    from worker.watchlist.add_test import NewTest

app = typer.Typer(help="How right each watch is; make a judged alert a test of its watch.")
_COLUMNS = ("watch", "severity", "alerts", "true", "false", "precision", "between", "tests", "note")


@app.callback(invoke_without_command=True)
def watches(context: typer.Context, config: Config = None, as_json: Json = False) -> None:
    """Show each watch with its alerts, verdicts and precision: the share of judged alerts that were true.

    BETWEEN is the 95 % interval of the precision (Wilson): 9 of 10 is 60 to 98 %, so a few verdicts say little. Judge alerts
    with `tocsin alerts mark` or on the page.
    """
    if context.invoked_subcommand is not None:
        return
    from worker.runtime.overview import list_watches
    from worker.runtime.process import open_store
    from worker.watchlist import load_configuration

    rows = list_watches(open_store(), load_configuration(config_directory(config), is_sending=False))
    print_rows(rows if as_json else [_flat(row) for row in rows], "watches", as_json, _COLUMNS)


@app.command()
def learn(
    alert: Annotated[str, typer.Argument(help="A judged alert's id.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written, and where.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Append a judged alert to its watch as a test: a false one must stay silent, a true one must fire.

    The test goes into the file in which the watch stands, with a comment that says whose verdict it was; everything else
    in the file stays as it is, to the byte. A test of a false alert fails until the watch is mended: `tocsin test -w WATCH`
    shows it, and until then a running Tocsin keeps the configuration it has.
    """
    from worker.runtime.process import open_store
    from worker.watchlist.add_test import place_test, write_test

    directory = config_directory(config)
    watch, test = _lesson(open_store(), alert)
    made = place_test(directory, watch, test)
    if not dry_run:
        write_test(made)
    place = f"{made.file}:{made.line}"
    if as_json:
        shown = {"watch": watch, "fires": test.fires, "file": str(made.file), "line": made.line, "test": made.snippet}
        print_json(shown | {"written": not dry_run})
        return
    typer.echo(f"{place}\n\n{made.snippet}")
    if dry_run:
        typer.echo("nothing was written")
    elif test.fires:
        typer.echo(f"{watch} must go on firing on this: `tocsin test -w {watch}` checks it")
    else:
        typer.echo(
            f"mend the watch until `tocsin test -w {watch}` passes; a running Tocsin keeps its configuration until then"
        )


def _lesson(store: "RedisStore", alert: str) -> tuple[str, "NewTest"]:
    """The alert's watch, and the article that raised it as a test of what its verdict says."""
    from worker.runtime.past import find_alert
    from worker.runtime.verdicts import read_verdict
    from worker.watchlist.add_test import NewTest

    verdict = read_verdict(store, alert)
    if verdict is None:
        msg = f"there is no alert {alert}; `tocsin alerts list` names those there are"
        raise InputError(msg)
    if verdict.mark not in ("true", "false"):
        msg = f"{alert} was not judged; say `tocsin alerts mark {alert} false --reason …` first"
        raise InputError(msg)
    _, decided = find_alert(store, alert) or ("", None)
    if decided is None:
        msg = (
            f"the article that raised {alert} is not kept: it is older than 30 days, or the alert is not of one article"
        )
        raise InputError(msg)
    article = decided.article
    return verdict.watch, NewTest(
        article.title,
        article.text[len(article.title) + 1 :],
        fires=verdict.mark == "true",
        source=article.source,
        tags=article.tags,
        comment=verdict.describe(),
    )


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    from worker.present import SHADOW

    interval = row["precision_interval"]
    return {
        **row,
        "watch": row["id"],
        "precision": "" if row["precision"] is None else f"{row['precision']:.0%}",
        "between": f"{interval[0]:.0%}–{interval[1]:.0%}" if interval else "",
        "tests": row["tests"]["number"],
        "note": SHADOW if row["is_shadow"] else "",
    }
