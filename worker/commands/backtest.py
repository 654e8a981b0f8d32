"""`tocsin backtest`, `tocsin diff`: what watches raise on the articles of the past."""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from worker.commands.shared import Config, Json, config_directory, console, print_json, progress_bar, since_moment
from worker.errors import InputError

Since = Annotated[str, typer.Option(help="Stored articles of the last 12h, 30d …")]
Articles = Annotated[
    Path | None,
    typer.Option("--articles", help="Articles from this file, JSON a line (title, text, source, published), instead of the store.",
                 show_default=False),
]  # fmt: skip
Resume = Annotated[
    Path | None,
    typer.Option(help="Keep the state here, and go on from it: for long runs.", show_default=False),
]
_SAVE_EVERY = 256
_SHOWN = 20


def backtest(  # noqa: PLR0913, PLR0917 - the command's options
    config: Config = None,
    watch: Annotated[str | None, typer.Option("--watch", "-w", help="Only this watch.", show_default=False)] = None,
    since: Since = "30d",
    articles: Articles = None,
    resume: Resume = None,
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
    tally = _read_state(resume, key, past.Tally)
    matcher = Matcher(watches)
    try:
        for one, analysis, is_reused in past.with_analyses(
            _watched(
                _source(articles, since_moment(since), tally.position), "replayed", _total(articles), tally.articles
            ),
            enricher,
            enricher.model,
        ):
            tally.add(one, past.find_hits(one, analysis, matcher), is_reused=is_reused)
            if tally.articles % _SAVE_EVERY == 0:
                _write_state(resume, key, tally)
    finally:
        _write_state(resume, key, tally)
    rows = tally.rows(one.id for one in watches)
    if as_json:
        over = _over_budget(rows, watches, None)
        print_json({"articles": tally.articles, "days": tally.days, "reused": tally.reused, "watches": rows,
                    "over_budget": over})  # fmt: skip
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
    _show_over(_over_budget(rows, watches, None))


def diff(  # noqa: PLR0913, PLR0917 - the command's options
    old: Annotated[Path, typer.Argument(help="The configuration directory in force.")],
    new: Annotated[Path, typer.Argument(help="The changed one.")],
    since: Since = "30d",
    articles: Articles = None,
    max_alerts_per_day: Annotated[
        float | None,
        typer.Option(
            help="The budget of watches of NEW that have no max_alerts_per_day of their own.", show_default=False
        ),
    ] = None,
    resume: Resume = None,
    as_json: Json = False,
) -> None:
    """Show which alerts come and which go between two configurations, over stored articles or a JSONL file.

    For CI: exits with 1 where a watch of NEW raises more a day than its `max_alerts_per_day`, or that of the option.
    """
    from worker import backtest as past

    before, after = _load(old), _load(new)
    key = f"{before.hash}|{after.hash}|{articles or since}"
    comparison = _read_state(resume, key, past.Comparison)
    source = _watched(_source(articles, since_moment(since), comparison.tally.position), "compared",
                      _total(articles), comparison.tally.articles)  # fmt: skip
    try:
        for _ in _compare(before, after, source, comparison):
            if comparison.tally.articles % _SAVE_EVERY == 0:
                _write_state(resume, key, comparison)
    finally:
        _write_state(resume, key, comparison)
    _show_difference(comparison, after, max_alerts_per_day, as_json=as_json)


def _show_difference(comparison: Any, after: Any, otherwise: float | None, *, as_json: bool) -> None:
    """Print it; exit code 1 where a watch exceeds its budget."""
    tally, gained, lost = comparison.tally, comparison.gained, comparison.lost
    over = _over_budget(tally.rows(watch.id for watch in after.watches), after.watches, otherwise)
    if as_json:
        described = {"gained": [_describe(hit) for hit in gained], "lost": [_describe(hit) for hit in lost]}
        print_json({"articles": tally.articles, "days": tally.days, **described, "over_budget": over})
    else:
        terminal = console()
        terminal.print(f"{tally.articles} articles of {tally.days} days: {len(gained)} alerts gained, {len(lost)} lost")
        for sign, hits, colour in (("+", gained, "green"), ("-", lost, "red")):
            for hit in hits[:_SHOWN]:
                terminal.print(f"{sign} {hit.watch}: {hit.title} ({hit.source})", style=colour, markup=False)
            if len(hits) > _SHOWN:
                terminal.print(f"{sign} and {len(hits) - _SHOWN} more; --json lists all", style=colour, markup=False)
        _show_over(over)
    if over:
        raise typer.Exit(1)


def _over_budget(rows: list[dict[str, Any]], watches: Any, otherwise: float | None) -> list[dict[str, Any]]:
    most = {watch.id: watch.max_alerts_per_day or otherwise for watch in watches}
    return [
        {"watch": row["watch"], "alerts_per_day": row["alerts_per_day"], "max_alerts_per_day": budget}
        for row in rows
        if (budget := most[row["watch"]]) is not None and row["alerts_per_day"] > budget
    ]


def _show_over(over: list[dict[str, Any]]) -> None:
    for row in over:
        told = (
            f"over budget: {row['watch']} raises {row['alerts_per_day']} a day, and may {row['max_alerts_per_day']:g}"
        )
        console().print(told, style="red", markup=False)


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command()(backtest)
    app.command()(diff)


def _load(directory: Path) -> Any:
    from worker.watchlist import load_configuration

    return load_configuration(config_directory(directory), is_sending=False)


def _compare(before: Any, after: Any, articles: Iterator[Any], comparison: Any) -> Iterator[None]:
    """Put both configurations to each article; they share its analysis where they ask for the same model."""
    from itertools import tee

    from worker import backtest as past
    from worker.enrich.enricher import load
    from worker.match import Matcher

    matchers = Matcher(before.watches), Matcher(after.watches)
    reader = load(after.nlp, after.topics)
    is_same = (before.nlp, before.topics) == (after.nlp, after.topics)
    now, then = tee(articles)
    read = past.with_analyses(now, reader, reader.model)
    if is_same:
        for one, analysis, is_reused in read:
            hits = [past.find_hits(one, analysis, matcher) for matcher in matchers]
            yield comparison.add(one, *hits, is_reused=is_reused)
        return
    other = load(before.nlp, before.topics)
    for (one, analysis, is_reused), (_, before_, _) in zip(
        read, past.with_analyses(then, other, other.model), strict=True
    ):
        hits = [past.find_hits(one, before_, matchers[0]), past.find_hits(one, analysis, matchers[1])]
        yield comparison.add(one, *hits, is_reused=is_reused)


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


def _total(articles: Path | None) -> int | None:
    """How many articles there are at most, for a progress bar; None where nobody sees one."""
    if not sys.stderr.isatty():
        return None
    if articles is None:
        from worker.runtime.archive import count_articles
        from worker.runtime.process import open_store

        return count_articles(open_store())
    with suppress(OSError), articles.open("rb") as lines:
        return sum(1 for _ in lines)
    return None


def _watched(articles: Iterator[Any], what: str, total: int | None, done: int) -> Iterator[Any]:
    """The articles, with a progress bar on a terminal's standard error."""
    with progress_bar(what, total) as advance:
        advance(done)
        for article in articles:
            yield article
            advance(1)


def _read_state(resume: Path | None, key: str, kind: Any) -> Any:
    """What a file holds of a `Tally` or `Comparison`; a new one where there is no file."""
    if resume is None or not resume.exists():
        return kind()
    try:
        kept = json.loads(resume.read_text("utf-8"))
        if kept["of"] == key:
            return kind.from_json(kept["tally"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{resume} is not the state of such a run ({type(error).__name__}); name another file"
        raise InputError(msg) from error
    msg = f"{resume} is the state of another run (watchlist, articles or model differ); name another file"
    raise InputError(msg)


def _write_state(resume: Path | None, key: str, tally: Any) -> None:
    if resume is not None:
        fresh = resume.with_name(resume.name + ".new")
        fresh.write_text(json.dumps({"of": key, "tally": tally.to_json()}), "utf-8")
        fresh.replace(resume)


def _describe(hit: Any) -> dict[str, str]:
    return {name: getattr(hit, name) for name in ("watch", "article", "title", "source", "day")}
