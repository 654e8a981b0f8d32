"""`tocsin feeds`: find, add, look at and steer feeds."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.commands.shared import Config, Json, config_directory, configuration_or_example, print_json, print_rows
from worker.errors import InputError

if TYPE_CHECKING:
    from worker.model import Feed

app = typer.Typer(no_args_is_help=True, help="Find, add, look at and steer feeds.")
Named = Annotated[list[str], typer.Argument(help="Feeds by name, id or address.")]


@app.command(name="list")
def feeds_list(config: Config = None, as_json: Json = False) -> None:
    """Every feed with its health, last success, next poll and last problem."""
    from worker.runtime.process import open_store
    from worker.runtime.views import list_feeds

    rows = [row | {"certificate": _days_left(row)} for row in list_feeds(open_store(), _configured(config))]
    columns = ("name", "health", "entries", "newest", "succeeded_at", "due", "certificate", "last_message")
    print_rows(rows, "feeds", as_json, columns)


@app.command(name="show")
def feeds_show(
    feed: Annotated[str, typer.Argument(help="A feed by name, id or address.")], config: Config = None
) -> None:
    """All that is known of one feed, as JSON: health, failures, where it moved to, its hub, its pages of 48 hours."""
    from worker.runtime.feed_view import describe_feeds
    from worker.runtime.process import open_store

    [row] = describe_feeds(open_store(), _find(_configured(config), [feed]))
    print_json(row)


@app.command(name="hubs")
def feeds_hubs(config: Config = None, as_json: Json = False) -> None:
    """Every subscription to a hub (WebSub): its state, the end of its lease, and whether the hub delivers.

    There are none while TOCSIN_PUBLIC_URL is not set, and for feeds that advertise no hub.
    """
    from worker.runtime.http import short_url
    from worker.runtime.process import open_store
    from worker.runtime.subscription_store import RedisSubscriptionStore

    store = RedisSubscriptionStore(open_store())
    names = {feed.id: feed.name for feed in _configured(config)}
    rows = [
        {
            "feed": names.get(one.feed_id, one.feed_id),
            "state": one.state.value,
            "hub": short_url(one.hub),
            "expires_at": one.expires_at.isoformat(timespec="seconds") if one.expires_at else None,
            "delivers": store.delivers(one.feed_id),
            "failures": one.failures,
            "reason": one.reason,
        }
        for one in store.all()
    ]
    print_rows(rows, "hubs", as_json, ("feed", "state", "hub", "expires_at", "delivers", "reason"))


@app.command(name="add")
def feeds_add(  # noqa: PLR0913, PLR0917 - one parameter an option
    address: Annotated[str, typer.Argument(help="A feed, or a site: its feeds are looked for.")],
    name: Annotated[str, typer.Option(help="What to call it; its own title where nothing is said.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="A tag that watches can ask for; may be repeated.")] = None,
    allow_private: Annotated[bool, typer.Option(help="Let it be on a private network.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what was found and write nothing.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Add a feed to the configuration, after reading it once.

    At a site's address the feeds that its page names are looked for, then the usual places. The first is added, the
    others are named. It is written to added-feeds.yaml; files written by hand stay as they are.
    """
    from worker.runtime.discover import discover
    from worker.watchlist.add import NewFeed, add_feeds

    known = {feed.url for feed in _configured(config)}
    with _naming_the_option():
        found, others = discover(address, allow_private=allow_private)
    row = {"url": found.url, "name": name or found.title, "entries": found.entries, "others": list(others)}
    row["outcome"] = "known" if found.url in known else "found" if dry_run else "added"
    if row["outcome"] == "added":
        new = NewFeed(found.url, str(row["name"]), tuple(tag or ()), allow_private)
        row["file"] = str(add_feeds(config_directory(config), [new]))
    if as_json:
        print_json(row)
        return
    typer.echo(f"{row['outcome']:8} {row['name']} · {row['url']} · {found.entries} entries")
    for other in others:
        typer.echo(f"also     {other}")
    if row["outcome"] == "added":
        typer.echo(f"written to {row['file']}; running workers take it up by themselves")


@app.command(name="import")
def feeds_import(
    file: Annotated[Path, typer.Argument(help="An OPML file from another reader.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be added and write nothing.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Add the feeds of an OPML file; its folders become tags. Rows that cannot be used are named with their line."""
    from worker.opml import read_opml
    from worker.watchlist.add import NewFeed, add_feeds

    try:
        raw = file.read_bytes()
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror}"
        raise InputError(msg) from error
    outlines, problems = read_opml(raw, str(file))
    known = {feed.url for feed in _configured(config)}
    new = [NewFeed(outline.url, outline.name, outline.tags) for outline in outlines if outline.url not in known]
    if new and not dry_run:
        add_feeds(config_directory(config), new)
    if as_json:
        print_json(
            {
                "added": [feed.url for feed in new],
                "known": len(outlines) - len(new),
                "problems": list(map(str, problems)),
            }
        )
        return
    for problem in problems:
        typer.echo(str(problem), err=True)
    verb = "would be added" if dry_run else "added"
    typer.echo(f"{len(new)} {verb}, {len(outlines) - len(new)} already configured, {len(problems)} rows left out")


@app.command(name="export")
def feeds_export(config: Config = None) -> None:
    """Write the configured feeds as OPML to standard output; the first tag becomes the folder."""
    from worker.opml import write_opml

    typer.echo(write_opml(_configured(config)).decode(), nl=False)


@app.command(name="pause")
def feeds_pause(feeds: Named, config: Config = None) -> None:
    """Stop polling feeds until they are resumed. What they have brought stays."""
    _steer(feeds, "pause", config)


@app.command(name="resume")
def feeds_resume(feeds: Named, config: Config = None) -> None:
    """Poll paused, quarantined or gone feeds again, at once."""
    _steer(feeds, "resume", config)


@app.command(name="poll")
def feeds_poll(
    feeds: Named,
    now: Annotated[bool, typer.Option("--now", help="At once; the only time there is.")] = True,  # noqa: ARG001
    config: Config = None,
) -> None:
    """Make feeds due at once, whatever they are waiting for; the running workers poll them within a tick."""
    _steer(feeds, "hurry", config)


@app.command(name="preview")
def feeds_preview(  # noqa: PLR0913, PLR0917 - one parameter an option
    source: Annotated[str, typer.Argument(help="A configured feed's name, or the address of any feed.")],
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many entries, in the feed's order.")] = 10,
    allow_private: Annotated[bool, typer.Option(help="Let it be on a private network.")] = False,
    pages: Annotated[
        bool, typer.Option("--pages/--no-pages", help="Read the pages of summaries, as workers do.")
    ] = True,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Read a feed as a first poll would and show what would be stored and which watches would fire. Stores nothing.

    Without a configuration the example watchlist is tried.
    """
    from worker.preview import preview
    from worker.runtime.page_fetch import fetch_feed, read_pages

    configuration = configuration_or_example(config)
    feed = _feed_or_address(source, configuration.feeds, allow_private=allow_private)
    feed = feed if pages else replace(feed, fulltext="never")
    with _naming_the_option():
        fetched = fetch_feed(feed)
    rows = preview(feed, fetched, configuration, limit, datetime.now(UTC), partial(read_pages, feed))
    print_rows(rows, "entries", as_json, ("published", "title", "fate", "text_from", "text_reason", "fires", "nearly"))


def _days_left(row: dict[str, Any]) -> str:
    """How long the feed's TLS certificate is good for, as of now; "" for plain HTTP or one not yet seen."""
    if not row["certificate_until"]:
        return ""
    days = (datetime.fromisoformat(row["certificate_until"]) - datetime.now(UTC)).days
    return f"{days} days" if days >= 0 else f"ended {-days} days ago"


@contextmanager
def _naming_the_option() -> Iterator[None]:
    """What the configuration calls `allow_private` is an option here."""
    try:
        yield
    except InputError as error:
        msg = str(error).replace("set allow_private on the feed", "add --allow-private")
        raise InputError(msg) from error


def _configured(config: Path | None) -> tuple[Feed, ...]:
    from worker.watchlist import load_feeds

    return load_feeds(config_directory(config))


def _feed_or_address(source: str, known: Sequence[Feed], *, allow_private: bool) -> Feed:
    from worker.model import Feed

    if source.startswith(("http://", "https://")) and source not in {feed.url for feed in known}:
        return Feed(id="feed_preview", url=source, name=source, allow_private=allow_private, fulltext="auto")
    return _find(known, [source])[0]


def _find(feeds: Sequence[Feed], wanted: Sequence[str]) -> list[Feed]:
    """The feeds that are meant: by id, address or name, or by a part of the name that only one has."""
    found = []
    for text in wanted:
        exact = [feed for feed in feeds if text in (feed.id, feed.url) or text.casefold() == feed.name.casefold()]
        some = exact or [feed for feed in feeds if text.casefold() in feed.name.casefold()]
        if len(some) != 1:
            raise InputError(_not_one(text, [feed.name for feed in some or feeds], is_many=bool(some)))
        found += some
    return found


def _not_one(text: str, names: list[str], *, is_many: bool) -> str:
    if is_many:
        return f"“{text}” could be {', '.join(names[:6])}; say more of the name"
    near = difflib.get_close_matches(text, names, n=1, cutoff=0.5)
    hint = f"did you mean “{near[0]}”?" if near else "`tocsin feeds list` names those there are"
    return f"there is no feed “{text}”; {hint}"


def _steer(wanted: Sequence[str], action: Any, config: Path | None) -> None:
    from worker.runtime.process import open_store

    store = open_store()
    done = {"pause": "paused", "resume": "resumed, due now", "hurry": "due now"}[action]
    for feed in _find(_configured(config), wanted):
        said = done if store.steer_feed(feed.id, action) else "is paused; `tocsin feeds resume` first"
        typer.echo(f"{feed.name}: {said}")
