"""`tocsin check`: what is wrong with the configuration, and what is allowed but hardly meant."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import typer

from worker.commands.shared import Config, Json, config_directory, console, print_json
from worker.errors import ConfigError, ModelError, Problem, StoreUnavailable
from worker.plural import counted

_LOOKED_AT = 1_000


def check(config: Config = None, as_json: Json = False) -> None:
    """Validate the configuration; print every problem with file, line and column. Exit code 78 where there is one.

    Warns, with exit code 0, of what is allowed but hardly meant: no watch, no endpoint, and watches that match
    everything, or, where a store can be asked, too many of the articles in it.
    """
    from worker.watchlist import load_configuration

    try:
        directory = config_directory(config)
        configuration = _with_its_model(load_configuration(directory), directory)
    except ConfigError as error:
        if as_json:
            print_json({"ok": False, "problems": [_describe(problem) for problem in error.problems], "warnings": []})
            raise typer.Exit(error.exit_code) from None
        raise
    counts = {
        "feeds": len(configuration.feeds),
        "watches": len(configuration.watches),
        "endpoints": len(configuration.endpoints),
    }
    tests = sum(len(watch.tests) for watch in configuration.watches)
    warnings = [*_empty(counts), *_broad(configuration)]
    if as_json:
        told = {"ok": True, "problems": [], "warnings": warnings, **counts, "hash": configuration.hash}
        print_json({**told, "tests_not_run": tests})
        return
    terminal = console()
    for warning in warnings:
        subject = f"watch {warning['watch']} " if "watch" in warning else ""
        terminal.print(f"warning: {subject}{warning['message']}", style="yellow", markup=False)
    nouns = zip(("feed", "watch", "endpoint"), counts.values(), strict=True)
    typer.echo("ok: " + ", ".join(counted(number, noun) for noun, number in nouns))
    if tests:
        typer.echo(f"{counted(tests, 'test')} in watches not run: tocsin test")


def _with_its_model(configuration: Any, directory: Path) -> Any:
    """The configuration, if another pipeline than the one that ships is there and fits."""
    if configuration.nlp.name is not None:
        from worker.enrich.pipeline import find

        try:
            find(configuration.nlp.name)
        except ModelError as error:
            raise ConfigError((Problem(str(directory), 0, 0, f"nlp.model: {error}"),)) from None
    return configuration


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(check)


def _empty(counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    told = {
        "feeds": "there is no feed, so nothing is ever read",
        "watches": "there is no watch, so nothing ever raises an alert",
        "endpoints": "there is no endpoint: alerts are kept and shown on the page, and nobody is told",
    }
    return ({"message": message} for name, message in told.items() if not counts[name])


def _broad(configuration: Any) -> list[dict[str, Any]]:
    from worker.breadth import find_broad

    try:
        broad = list(find_broad(configuration, islice(_stored(), _LOOKED_AT)))
    except StoreUnavailable:  # a configuration can be checked where no store runs
        broad = list(find_broad(configuration))
    return [{"watch": one.watch, "message": one.message, "share": one.share, "articles": one.articles} for one in broad]


def _stored() -> Iterator[tuple[Any, Any]]:
    """Stored articles with the analyses that were made of them; none where no store was named or runs here."""
    from worker.runtime.archive import stored_articles
    from worker.runtime.process import has_store, open_store

    if has_store():
        for past in stored_articles(open_store()):
            if past.analysis is not None:
                yield past.article, past.analysis


def _describe(problem: Any) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("file", "line", "column", "message", "hint")}
