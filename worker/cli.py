"""The command `tocsin`. Reads arguments, calls the pieces, prints; heavy imports wait until a command needs them."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from worker import __version__
from worker.commands import (
    alerts,
    audit,
    backtest,
    check,
    endpoints,
    export,
    feeds,
    lists,
    quarantine,
    replay,
    routes,
    silences,
    tokens,
    trim,
    watches,
    watchlist,
    why,
)
from worker.commands.shared import (
    Config,
    Json,
    config_directory,
    configuration_or_example,
    console,
    print_json,
)
from worker.errors import ConfigError, InputError, TocsinError

app = typer.Typer(
    name="tocsin",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Watch news feeds, understand the articles, and alert by webhook when something you watch for is reported.\n\n"
    "Start with [bold]tocsin up[/]: with no configuration it runs a demonstration. "
    "Then [bold]tocsin init DIR[/] writes a configuration to make your own.",
)
app.add_typer(feeds.app, name="feeds")
app.add_typer(alerts.app, name="alerts")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(endpoints.app, name="endpoints")
app.add_typer(routes.app, name="routes")
app.add_typer(tokens.app, name="tokens")
app.add_typer(silences.app, name="silences")
app.add_typer(lists.app, name="lists")
app.add_typer(audit.app, name="audit")
app.add_typer(watches.app, name="watches")
check.register(app)
trim.register(app)
watchlist.register(app)
backtest.register(app)
replay.register(app)
why.register(app)
export.register(alerts.app)


@app.command()
def up(config: Config = None) -> None:
    """Run everything on this machine: workers, scheduler, web page and, without TOCSIN_REDIS_URL, a Valkey of our own.

    Without a configuration it runs a demonstration: feeds with invented articles, the example watchlist and a receiver
    that prints the alerts. One Ctrl-C stops all; the next start goes on where this one stopped.
    """
    from dataclasses import replace

    from worker.runtime import log
    from worker.runtime.settings import load_settings
    from worker.runtime.up import run_all

    settings = load_settings()
    log.configure(settings.log_level)
    if config is not None:
        _require_directory(config)
        settings = replace(settings, config=config.resolve())
    run_all(settings, console())


@app.command()
def init(directory: Annotated[Path, typer.Argument(help="Where to write; made if it is not there.")]) -> None:
    """Write a commented configuration with real public feeds, an example watchlist and an endpoint.

    Nothing that exists is overwritten.
    """
    from importlib.resources import as_file, files

    if directory.exists() and not directory.is_dir():
        msg = f"{directory} is a file; give the directory that the configuration is to stand in"
        raise InputError(msg)
    with as_file(files("worker") / "example") as example:
        for source in sorted(example.rglob("*.yaml")):
            target = directory / source.relative_to(example)
            if target.exists():
                typer.echo(f"kept     {target}")
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            typer.echo(f"written  {target}")
    typer.echo(f"Next: set TOCSIN_DESK_URL and TOCSIN_DESK_SECRET (`tocsin secret`), then tocsin check -c {directory}")


@app.command()
def secret() -> None:
    """Print a new secret for signing webhooks (Standard Webhooks, 32 random bytes)."""
    from worker.runtime.demo import new_secret

    typer.echo(new_secret())


@app.command(name="try")
def try_(
    source: Annotated[str, typer.Argument(help="A file, an address, or - for standard input.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show what one article would do: its entities and topics, which watches fire and why, which nearly fire.

    The article is plain text (first line the title), HTML, or JSON with title and text. Without a configuration the
    example watchlist is tried.
    """
    from worker import trial
    from worker.enrich.enricher import load
    from worker.match import Matcher

    configuration = configuration_or_example(config)
    raw, content_type = _read_source(source)
    article = trial.read_article(raw, content_type, source, datetime.now(UTC))
    [analysis] = load(configuration.nlp, configuration.topics).enrich([article])
    shown = trial.describe(article, analysis, Matcher(configuration.watches).evaluate(article, analysis))
    if as_json:
        print_json(shown)
    else:
        from worker.present import show_article

        show_article(console(), shown)


@app.command()
def analyze(
    all_topics: Annotated[bool, typer.Option("--all-topics", help="Every topic with its score.")] = False,
    batch: Annotated[int, typer.Option(min=1, max=1024, help="Lines analysed together.")] = 32,
    config: Config = None,
) -> None:
    """Read {"id", "title", "text"} a line from standard input, write {"id", "entities", "topics"} a line, in order.

    Offsets refer to title + newline + text. A line that cannot be read gives {"line", "error"} in its place.
    """
    from worker import trial
    from worker.enrich.enricher import LEAST_SCORE, load

    configuration = configuration_or_example(config)
    enricher = load(configuration.nlp, configuration.topics, least_score=0 if all_topics else LEAST_SCORE)
    for lines in _batches(sys.stdin.buffer, batch):
        rows = [trial.read_line(number, line) for number, line in lines]
        articles = [row for row in rows if not isinstance(row, dict)]
        analyses = iter(enricher.enrich([article for _, article in articles]))
        for row in rows:
            described = row if isinstance(row, dict) else trial.describe_line(row[0], next(analyses), all_topics)
            sys.stdout.write(json.dumps(described, ensure_ascii=False) + "\n")
        sys.stdout.flush()


@app.command()
def parse(
    file: Annotated[str, typer.Argument(help="A feed document, or - for standard input.")],
    url: Annotated[str, typer.Option(help="The address it came from, for relative links.")] = "",
) -> None:
    """Read a feed document (RSS, Atom, RDF, JSON Feed, news sitemap) and print its entries as JSON.

    Dates are in UTC; `published` is the last change where no other date is given. Without --url, relative links stay
    as they are.
    """
    from worker.model import Fetched, PollFailed
    from worker.parse import parse as parse_document
    from worker.plaintext import html_to_text, one_line
    from worker.runtime.deadline import within_cpu_limit

    raw, _ = _read_source(file)
    document = parse_document(Fetched(raw, url), limit=within_cpu_limit)
    if isinstance(document, PollFailed):
        # without an address the message begins where the name belongs
        raise InputError(document.message if url else f"{file}{document.message}")
    entries = [
        {
            "guid": entry.guid,
            "link": entry.link,
            "title": one_line(entry.title),
            "text": html_to_text(entry.html),
            "author": one_line(entry.author),
            "published": entry.published.isoformat() if entry.published else None,
            "updated": entry.updated.isoformat() if entry.updated else None,
            "categories": list(entry.categories),
        }
        for entry in document.entries
    ]
    print_json(
        {
            "title": one_line(document.title),
            "language": document.language,
            "repaired": document.repaired,
            "cut": document.cut,
            "entries": entries,
        }
    )


@app.command()
def doctor(config: Config = None, as_json: Json = False) -> None:
    """Examine Python, Redis, model, configuration and endpoints; say what to do about each fault. Exit code 1 on one."""
    from worker.runtime.doctor import examine

    findings = list(examine(config_directory(config)))
    if as_json:
        print_json({"checks": findings})
    else:
        terminal = console()
        for finding in findings:
            colour = {"ok": "green", "warning": "yellow", "failure": "red"}[finding["status"]]
            terminal.print(f"[{colour}]{finding['status']:8}[/] {finding['name']:14} ", end="")
            terminal.print(finding["message"], markup=False, highlight=False)
    if any(finding["status"] == "failure" for finding in findings):
        raise typer.Exit(1)


@app.command()
def web(config: Config = None) -> None:
    """Serve the page, the API, /metrics, /healthz and /readyz (TOCSIN_WEB_HOST, TOCSIN_WEB_PORT)."""
    import signal

    from worker.runtime import log
    from worker.runtime.callback import Callback
    from worker.runtime.hangup import ReloadAsker
    from worker.runtime.process import follow_configuration, open_store
    from worker.runtime.settings import load_settings
    from worker.runtime.subscription_store import RedisSubscriptionStore
    from worker.runtime.web import create_web, serve
    from worker.watchlist import load_configuration

    settings = load_settings()
    log.configure(settings.log_level)
    asker = ReloadAsker(lambda: open_store().ask_reload())
    signal.signal(signal.SIGHUP, lambda _number, _frame: asker.ask())
    directory = config_directory(config)
    load_configuration(directory)  # what is wrong with it is said before Redis is asked
    store, live = open_store(), follow_configuration("web", directory)
    callbacks = Callback(RedisSubscriptionStore(store)).routes() if settings.public_url else []
    serve(
        lambda stops: create_web(
            store,
            live,
            directory,
            stops,
            may_edit=settings.web_edits,
            requests_per_minute=settings.api_rate,
            callbacks=callbacks,
            public_url=settings.public_url,
        ),
        settings.web_host,
        settings.web_port,
    )


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"tocsin {__version__}")
        raise typer.Exit


def main() -> NoReturn:
    """Run the command; an error of ours is one message and its exit code, never a traceback."""
    try:
        code = app(standalone_mode=False)  # the code of a typer.Exit is returned, not raised
    except TocsinError as error:
        typer.echo(_told(error) if isinstance(error, ConfigError) else f"tocsin: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if not hasattr(error, "exit_code"):
            raise
        if hasattr(error, "show"):  # a usage error of typer's
            error.show()
        code = error.exit_code
    sys.exit(code or 0)


def _told(error: ConfigError) -> str:
    """The problems; where there is no configuration and the demonstration runs, also which one that has."""
    from worker.runtime.process import demo_configuration
    from worker.runtime.settings import load_settings

    if any(problem.file.startswith("environment variable") for problem in error.problems):
        return str(error)
    is_missing = any(problem.file == str(load_settings().config) for problem in error.problems)
    demo = demo_configuration() if is_missing else None
    return (
        f"{error}\nthe demonstration that runs here has a configuration of its own: -c {demo}" if demo else str(error)
    )


def _require_directory(path: Path) -> None:
    if not path.is_dir():
        msg = f"there is no directory {path}; `tocsin init {path}` writes one"
        raise InputError(msg)


def _read_source(source: str) -> tuple[bytes, str]:
    if source == "-":
        return sys.stdin.buffer.read(), ""
    if source.startswith(("http://", "https://")):
        from worker.runtime.page_fetch import fetch_page

        return fetch_page(source)
    try:
        return Path(source).read_bytes(), ""
    except OSError as error:
        hint = "; an address begins with https:// or http://" if "//" in source or source.startswith("www.") else ""
        msg = f"{source} cannot be read: {error.strerror}{hint}"
        raise InputError(msg) from error


def _batches(stream: Iterable[bytes], size: int) -> Iterator[list[tuple[int, bytes]]]:
    """Numbered lines in batches; blank lines are passed over, and counted."""
    batch: list[tuple[int, bytes]] = []
    for number, line in enumerate(stream, 1):
        if line.strip():
            batch.append((number, line))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


if __name__ == "__main__":
    main()
