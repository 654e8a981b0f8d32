"""`tocsin backtest`, `tocsin diff`: what watches raise on the articles of the past."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from worker.commands.shared import Config, Json, config_directory, console, print_json, since_moment
from worker.errors import InputError

Since = Annotated[str, typer.Option(help="Stored articles of the last 12h, 30d …")]
Articles = Annotated[
    Path | None,
    typer.Option("--articles", help="Articles from this file, JSON a line (title, text, source, published), instead of the store.",
                 show_default=False),
]  # fmt: skip
_SAVE_EVERY = 256
_SHOWN = 20


def backtest(  # noqa: PLR0913, PLR0917 - the command's options
    config: Config = None,
    watch: Annotated[str | None, typer.Option("--watch", "-w", help="Only this watch.", show_default=False)] = None,
    since: Since = "30d",
    articles: Articles = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Keep the state here, and go on from it: for long runs.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Replay stored articles, or a JSONL file, through the watchlist: alerts per day, top sources and examples by watch.

    Analyses that the store keeps are used again where the language model is the same. Articles of one story, which a
    running Tocsin joins into one alert, count each. Ctrl-C keeps what --resume names.
    """
    from worker import backtest as past
    from worker.commands.watchlist import open_watchlist
    from worker.match import Matcher

    configuration, enricher = open_watchlist(config, watch)
    watches = tuple(one for one in configuration.watches if watch in (None, one.id))
    key = f"{configuration.hash}|{watch or ''}|{articles or since}|{enricher.model}"
    tally = _read_state(resume, key)
    matcher = Matcher(watches)
    try:
        for one, analysis, is_reused in past.with_analyses(
            _watched(_source(articles, since_moment(since), tally.position), "replayed"), enricher, enricher.model
        ):
            tally.add(one, past.find_hits(one, analysis, matcher), is_reused=is_reused)
            if tally.articles % _SAVE_EVERY == 0:
                _write_state(resume, key, tally)
    finally:
        _write_state(resume, key, tally)
    rows = tally.rows(one.id for one in watches)
    if as_json:
        print_json({"articles": tally.articles, "days": tally.days, "reused": tally.reused, "watches": rows})
        return
    terminal = console()
    terminal.print(f"{tally.articles} articles of {tally.days} days, {tally.reused} with the analysis that was kept")
    for row in rows:
        terminal.print(
            f"[bold]{row['watch']}[/]  {row['alerts']} alerts, {row['alerts_per_day']} a day, {row['share']:.1%} of all"
        )
        for kind in ("sources", "examples"):
            for text in row[kind][:3]:
                terminal.print(f"    {kind.removesuffix('s')}: {text}", markup=False, style="dim")


def diff(  # noqa: PLR0913, PLR0917 - the command's options
    old: Annotated[Path, typer.Argument(help="The configuration directory in force.")],
    new: Annotated[Path, typer.Argument(help="The changed one.")],
    since: Since = "30d",
    articles: Articles = None,
    max_alerts_per_day: Annotated[
        float | None, typer.Option(help="Exit with 1 where a watch of NEW raises more a day.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Show which alerts come and which go between two configurations, over stored articles or a JSONL file.

    In CI, --max-alerts-per-day is the budget of each watch of NEW.
    """
    gained, lost, tally, watches = _compare(old, new, articles, since_moment(since))
    rows = tally.rows(watches)
    over = [row for row in rows if max_alerts_per_day is not None and row["alerts_per_day"] > max_alerts_per_day]
    if as_json:
        described = {"gained": [_describe(hit) for hit in gained], "lost": [_describe(hit) for hit in lost]}
        print_json({"articles": tally.articles, "days": tally.days, **described,
                    "over_budget": [{"watch": row["watch"], "alerts_per_day": row["alerts_per_day"]} for row in over]})  # fmt: skip
    else:
        terminal = console()
        terminal.print(f"{tally.articles} articles of {tally.days} days: {len(gained)} alerts gained, {len(lost)} lost")
        for sign, hits, colour in (("+", gained, "green"), ("-", lost, "red")):
            for hit in hits[:_SHOWN]:
                terminal.print(f"{sign} {hit.watch}: {hit.title} ({hit.source})", style=colour, markup=False)
            if len(hits) > _SHOWN:
                terminal.print(f"{sign} and {len(hits) - _SHOWN} more; --json lists all", style=colour, markup=False)
        for row in over:
            terminal.print(
                f"over budget: {row['watch']} raises {row['alerts_per_day']} a day", style="red", markup=False
            )
    if over:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command()(backtest)
    app.command()(diff)


def _compare(old: Path, new: Path, articles: Path | None, since: datetime) -> tuple[Any, Any, Any, list[str]]:
    """Alerts gained and lost by (watch, article), the new configuration's tally and its watches."""
    from worker import backtest as past
    from worker.enrich.enricher import load
    from worker.match import Matcher
    from worker.watchlist import load_configuration

    before, after = load_configuration(config_directory(old)), load_configuration(config_directory(new))
    is_same = (before.nlp, before.topics) == (after.nlp, after.topics)
    reader = load(after.nlp, after.topics)
    found: list[dict[tuple[str, str], Any]] = []
    tally = past.Tally()
    for configuration, is_new in ((before, False), (after, True)):
        enricher = reader if is_new or is_same else load(configuration.nlp, configuration.topics)
        matcher = Matcher(configuration.watches)
        hits: dict[tuple[str, str], Any] = {}
        source = _watched(_source(articles, since, ""), "new" if is_new else "old")
        for one, analysis, is_reused in past.with_analyses(source, enricher, enricher.model):
            fired = past.find_hits(one, analysis, matcher)
            hits |= {(hit.watch, one.position): hit for hit in fired}
            if is_new:
                tally.add(one, fired, is_reused=is_reused)
        found.append(hits)
    gained = [hit for key, hit in found[1].items() if key not in found[0]]
    lost = [hit for key, hit in found[0].items() if key not in found[1]]
    return gained, lost, tally, [watch.id for watch in after.watches]


def _source(articles: Path | None, since: datetime, after: str) -> Iterator[Any]:
    """Past articles of the file, or else of the store, behind the position `after`."""
    if articles is None:
        from worker.runtime.archive import stored_articles
        from worker.runtime.process import open_store

        yield from stored_articles(open_store(), since, after)
        return
    from worker.trial import read_past

    try:
        with articles.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip() and (position := f"{number:012}") > after:
                    yield read_past(position, line, f"{articles}:{number}")
    except OSError as error:
        msg = f"{articles} cannot be read: {error.strerror}"
        raise InputError(msg) from error


def _watched(articles: Iterator[Any], what: str) -> Iterator[Any]:
    """The articles, with a counter on a terminal's standard error."""
    if not sys.stderr.isatty():
        yield from articles
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn(what), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        for article in articles:
            yield article
            progress.advance(task)


def _read_state(resume: Path | None, key: str) -> Any:
    from worker.backtest import Tally

    if resume is None or not resume.exists():
        return Tally()
    try:
        kept = json.loads(resume.read_text("utf-8"))
        if kept["of"] == key:
            return Tally.from_json(kept["tally"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{resume} is not the state of a backtest ({type(error).__name__}); name another file"
        raise InputError(msg) from error
    msg = f"{resume} is the state of another backtest (watchlist, articles or model differ); name another file"
    raise InputError(msg)


def _write_state(resume: Path | None, key: str, tally: Any) -> None:
    if resume is not None:
        fresh = resume.with_name(resume.name + ".new")
        fresh.write_text(json.dumps({"of": key, "tally": tally.to_json()}), "utf-8")
        fresh.replace(resume)


def _describe(hit: Any) -> dict[str, str]:
    return {name: getattr(hit, name) for name in ("watch", "article", "title", "source", "day")}
